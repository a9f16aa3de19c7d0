package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestPrometheusFiles is files of unusual shapes. They mean what YAML alone
// makes of them, and what was written of them means the same again.
func TestPrometheusFiles(t *testing.T) {
	paths, err := filepath.Glob("testdata/prometheus/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := asPrometheus(text)
			if err != nil {
				t.Fatal(err)
			}
			set, problems := Parse([]File{{Name: path, Text: text}})
			if problems.Err() != nil {
				t.Fatal(problems.Err())
			}
			sameMeaning(t, want, set)
			again(t, set)
		})
	}
}

// again reads what was written, which must give the same rules.
func again(t *testing.T, set *Set) {
	t.Helper()
	back, problems := Parse(set.Prometheus)
	if problems.Err() != nil {
		t.Fatal(problems.Err())
	}
	opts := append(slices.Clone(same), cmpopts.IgnoreFields(MetricRule{}, "Mitigate"))
	if diff := cmp.Diff(set.Metrics, back.Metrics, opts); diff != "" {
		t.Errorf("read again (-first +second)\n%s", diff)
	}
	if diff := cmp.Diff(set.Prometheus, back.Prometheus); diff != "" {
		t.Errorf("written again (-first +second)\n%s", diff)
	}
}

const mixed = `
groups:
- name: shared
  limit: 5
  query_offset: 1m
  labels: {team: a, severity: low}
  rules:
  - {alert: Paid, event: e, within: 1h, when: count() > 2, labels: &l {severity: high}, mitigate: [stop]}
  - &down
    alert: Down
    expr: |
      up
        == 0
    for: 1d12h
    keep_firing_for: 1m
    labels: *l
    annotations: {b: 2, a: '{{ $value }}'}
    mitigate: &m [{use: stop, mode: approve}]
  - {<<: *down, alert: Slow, expr: slow > 1, for: 0s, labels: {severity: '{{ $labels.s }}'}}
  - {record: up:sum, expr: sum(up)}
- name: ours
  rules:
  - {alert: Paid, event: e, within: 1h, when: count() > 2, labels: {owner: b}}
gates:
- {name: g, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: g, mode: enforce}
`

// TestMixedFile is a file in which rules of both kinds stand.
func TestMixedFile(t *testing.T) {
	set, problems := Parse([]File{{Name: "mixed.yml", Text: []byte(mixed)}, {Name: "none.yml", Text: nil}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	stop := []Use{{set.Mitigations[0], Approve}}
	want := []*MetricRule{
		{
			File: "mixed.yml", Group: "shared", Name: "Down", Expr: "up\n  == 0\n", For: 36 * time.Hour, KeepFiring: time.Minute, Mitigate: stop,
			Labels: []Pair{{"severity", "high"}, {"team", "a"}}, Annotations: []Pair{{"a", "{{ $value }}"}, {"b", "2"}},
		},
		{
			File: "mixed.yml", Group: "shared", Name: "Slow", Expr: "slow > 1", KeepFiring: time.Minute, Mitigate: stop,
			Labels: []Pair{{"severity", "{{ $labels.s }}"}, {"team", "a"}}, Annotations: []Pair{{"a", "{{ $value }}"}, {"b", "2"}},
		},
	}
	if diff := cmp.Diff(want, set.Metrics, cmpopts.IgnoreFields(MetricRule{}, "ID")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]*RecordingRule{{File: "mixed.yml", Group: "shared", Name: "up:sum", Expr: "sum(up)"}}, set.Recording); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(set.Rules) != 2 || set.Rules[0].Mitigate[0].Mitigation != set.Mitigations[0] {
		t.Errorf("rules on events: %v", set.Rules)
	}
	for i, want := range []string{
		"raises a high alert when up == 0 holds for 1d12h, and keeps it for 1m longer; when it raises the alert, it asks a person to approve closing the gate g.",
		"raises an alert when slow > 1 holds, and keeps it for 1m longer; when it raises the alert, it asks a person to approve closing the gate g.",
	} {
		if got := set.Metrics[i].Explain(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := set.Recording[0].Explain(); got != "records sum(up)." {
		t.Error(got)
	}
	wantFile := `groups:
    - name: "shared"
      query_offset: "1m"
      limit: 5
      labels:
        "severity": "low"
        "team": "a"
      rules:
        - alert: "Down"
          expr: "up\n  == 0\n"
          for: "1d12h"
          keep_firing_for: "1m"
          labels:
            "severity": "high"
          annotations:
            "a": "{{ $value }}"
            "b": "2"
        - alert: "Slow"
          expr: "slow > 1"
          for: "0s"
          keep_firing_for: "1m"
          labels:
            "severity": "{{ $labels.s }}"
          annotations:
            "a": "{{ $value }}"
            "b": "2"
        - record: "up:sum"
          expr: "sum(up)"
`
	if diff := cmp.Diff([]File{{Name: "mixed.yml", Text: []byte(wantFile)}}, set.Prometheus); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again(t, set)
}

// TestMetricIdentity changes a rule in all ways, and some must not matter.
func TestMetricIdentity(t *testing.T) {
	id := func(file, text string) [16]byte {
		t.Helper()
		set, problems := Parse([]File{{Name: file, Text: []byte(text)}})
		if problems.Err() != nil {
			t.Fatal(problems.Err())
		}
		return set.Metrics[0].ID
	}
	first := id("mixed.yml", mixed)
	for name, c := range map[string]struct {
		old, new string
		same     bool
	}{
		"annotation":   {"'{{ $value }}'", "other", true},
		"keep firing":  {"keep_firing_for: 1m", "keep_firing_for: 2m", true},
		"mitigation":   {"mitigate: &m [{use: stop, mode: approve}]", "", true},
		"other rule":   {"sum(up)", "max(up)", true},
		"group limit":  {"limit: 5", "limit: 6", true},
		"hidden label": {"severity: low", "severity: middle", true},
		"for, respelt": {"for: 1d12h", "for: 36h", true},
		"for":          {"for: 1d12h", "for: 1d", false},
		"name":         {"alert: Down", "alert: Down2", false},
		"expression":   {"      up\n", "      up{}\n", false},
		"label":        {"&l {severity: high}", "&l {severity: highest}", false},
		"group label":  {"team: a", "team: b", false},
		"group":        {"name: shared", "name: other", false},
	} {
		text := strings.Replace(mixed, c.old, c.new, 1)
		if text == mixed {
			t.Fatalf("%s changes nothing", name)
		}
		if (id("mixed.yml", text) == first) != c.same {
			t.Errorf("%s: same is %v, want %v", name, !c.same, c.same)
		}
	}
	if id("other.yml", mixed) == first {
		t.Error("a rule of another file is the same one")
	}
}
