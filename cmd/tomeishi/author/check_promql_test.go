package author

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

// promQLFiles are files of unusual shapes that Prometheus accepts.
func promQLFiles(t testing.TB) (files []rules.File) {
	t.Helper()
	paths, err := filepath.Glob("../../../rules/testdata/prometheus/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, rules.File{Name: filepath.Base(path), Text: text})
	}
	return files
}

// TestCheckLoadsWhatPrometheusLoads asks Prometheus's own parser.
func TestCheckLoadsWhatPrometheusLoads(t *testing.T) {
	checker := syntax.NewChecker()
	for _, f := range promQLFiles(t) {
		if err := checker.File(f); err != nil {
			t.Errorf("%s: Prometheus does not accept it: %v", f.Name, err)
		}
		set, problems := rules.Parse([]rules.File{f}, checker)
		if problems.Err() != nil {
			t.Errorf("%s: %v", f.Name, problems.Err())
			continue
		}
		for _, f := range set.Prometheus {
			if err := checker.File(f); err != nil {
				t.Errorf("%s, as it was written: %v", f.Name, err)
			}
		}
	}
}

// refused are rules, or groups, that Prometheus does not load.
var refused = []string{
	"- {alert: A, expr: up ==}",
	"- {alert: A, expr: 'nosuch(up)'}",
	"- {alert: A}",
	"- {expr: up}",
	"- {alert: A, record: a, expr: up}",
	"- {record: a, expr: up, for: 5m}",
	"- {record: a, expr: up, keep_firing_for: 5m}",
	"- {record: a, expr: up, annotations: {a: b}}",
	"- {record: 'a{b=\"c\"}', expr: up}",
	"- {record: !!binary gICA, expr: up}",
	"- {alert: A, expr: up, for: 5}",
	"- {alert: A, expr: up, for: 1s1h}",
	"- {alert: A, expr: up, for: ''}",
	"- {alert: A, expr: up, for: 293y}",
	"- {alert: A, expr: up, for: [5m]}",
	"- {alert: A, expr: up, fro: 5m}",
	"- {alert: A, expr: up, limit: 5}",
	"- {alert: A, expr: up, labels: {__name__: a}}",
	"- {alert: A, expr: up, labels: {'': a}}",
	"- {alert: A, expr: up, labels: [a]}",
	"- {alert: A, expr: up, labels: {a: {b: c}}}",
	"- {alert: A, expr: up, labels: {a: !!binary gICA}}",
	"- {alert: A, expr: up, labels: {a: '{{ $nosuch }}'}}",
	"- {alert: A, expr: up, annotations: {'': a}}",
	"- {alert: A, expr: up, annotations: {a: '{{ nosuch }}'}}",
	"- {alert: A, expr: up, annotations: {a: '{{ if }}'}}",
	"- {alert: A, expr: up, annotations: {a: '{{ $evidence }}'}}",
	"- {alert: A, expr: up, alert: B}",
	"- {alert: A, expr: up, <<: {a: b}}",
	"- {alert: A, expr: up, <<: [[]]}",
	"- &a {alert: A, expr: up, <<: *a}",
	"- {alert: A, expr: [up]}",
	"- {alert: A, expr: !!int up}",
	"- text",
	"- [alert, A]",
	"- {alert: A, expr: up}\n- {name: a}",
	"- {alert: A, expr: up}\n- {rules: []}",
	"- {alert: A, expr: up}\n- {name: b, interval: 1}",
	"- {alert: A, expr: up}\n- {name: b, limit: many}",
	"- {alert: A, expr: up}\n- {name: b, query_offset: -5m}",
	"- {alert: A, expr: up}\n- {name: b, labels: {__name__: b}}",
	"- {alert: A, expr: up}\n- {name: b, rules: {}}",
	"- {alert: A, expr: up}\n- {name: b, rulse: []}",
	"- {alert: A, expr: up}\n- text",
}

// TestCheckRefusesWhatPrometheusRefuses is that each is one error with a place
// that is not only the file's beginning.
func TestCheckRefusesWhatPrometheusRefuses(t *testing.T) {
	checker := syntax.NewChecker()
	for _, rule := range refused {
		f := rules.File{Name: "a.yml", Text: []byte("groups:\n- name: a\n  rules:\n  " + rule + "\n")}
		if checker.File(f) == nil {
			t.Errorf("%s: Prometheus accepts it", rule)
		}
		set, problems := rules.Parse([]rules.File{f}, checker)
		if set != nil || len(problems) != 1 || problems[0].Line < 4 || strings.Contains(problems[0].Text, "Prometheus") {
			t.Errorf("%s: %v", rule, problems)
		}
	}
}

// FuzzCheckPromQL is that Prometheus's own parser and ours accept the same
// files, and that what is written for it is accepted by it.
func FuzzCheckPromQL(f *testing.F) {
	for _, file := range promQLFiles(f) {
		f.Add(file.Text)
	}
	for _, rule := range refused {
		f.Add([]byte("groups:\n- name: a\n  rules:\n  " + rule + "\n"))
	}
	checker := syntax.NewChecker()
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || len(text) > 10_000 {
			return
		}
		file := rules.File{Name: "f.yml", Text: text}
		theirs := checker.File(file)
		set, problems := rules.Parse([]rules.File{file}, checker)
		switch {
		case theirs == nil && set == nil && !strings.Contains(problems.Err().Error(), "is not UTF-8 text"):
			t.Fatalf("Prometheus accepts what we refuse: %v", problems.Err())
		case theirs != nil && set != nil && len(set.Metrics)+len(set.Recording) > 0 && !hasOurs(text, set):
			t.Fatalf("we accept what Prometheus refuses: %v", theirs)
		}
		if set == nil {
			return
		}
		for _, written := range set.Prometheus {
			if err := checker.File(written); err != nil {
				t.Fatalf("it does not accept what was written for it: %v\n%s", err, written.Text)
			}
		}
	})
}

// hasOurs is whether a file holds what only we read.
func hasOurs(text []byte, set *rules.Set) bool {
	for _, key := range []string{"gates", "mitigat", "event"} {
		if bytes.Contains(text, []byte(key)) {
			return true
		}
	}
	return len(set.Rules) > 0
}
