package message

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// TestRendered remembers annotations only as long as all that they are made of
// is the same.
func TestRendered(t *testing.T) {
	w := New(Options{})
	a := machine.Alert{
		ID: "a1", RuleID: machine.RuleID{1}, Raised: 1, Value: "2", Labels: []machine.Label{{Name: "request", Value: "w1"}},
		Annotations: []machine.Label{{Name: "summary", Value: `{{ $value }} for {{ $labels.request }}{{ range $evidence }} {{ . }}{{ end }}`}},
	}
	check := func(want string, evidence ...string) {
		t.Helper()
		for range 2 {
			got := w.Annotations(a, evidence)
			if got["summary"] != want {
				t.Errorf("%q, want %q", got["summary"], want)
			}
			got["summary"] = "the caller's own"
		}
	}
	check("2 for w1")
	check("2 for w1 x", "x")
	check("2 for w1 y", "y")
	check("2 for w1")
	a.Value = "3"
	check("3 for w1 y", "y")
	a.Raised, a.Labels[0].Value = 2, "w2" // another alert with this id
	check("3 for w2 y", "y")
	w.rendered.of = make(map[renderedKey]renderedText, maxRendered)
	for i := range maxRendered {
		w.rendered.of[renderedKey{evidence: i}] = renderedText{}
	}
	a.ID = "a2"
	check("3 for w2")
	if len(w.rendered.of) > maxRendered {
		t.Errorf("%d remembered", len(w.rendered.of))
	}
}

// TestTemplates shares the template of a text, and remembers no more than it
// may.
func TestTemplates(t *testing.T) {
	var c rendered
	first := c.template("{{ $value }}")
	if again := c.template("{{ $value }}"); first != again || first == c.template("{{ $value }} ") {
		t.Error("a text has one template")
	}
	for i := range maxTemplates {
		c.template(strconv.Itoa(i))
	}
	if len(c.templates) > maxTemplates || len(c.templates) == 0 {
		t.Errorf("%d templates are kept", len(c.templates))
	}
	long := strings.Repeat("x", maxTemplateText/10)
	for i := range 15 {
		c.template(long + strconv.Itoa(i))
	}
	if c.bytes > maxTemplateText || len(c.templates) > 10 {
		t.Errorf("%d templates of %d bytes are kept", len(c.templates), c.bytes)
	}
}

// TestSummary says what the rule says, or who the alert is.
func TestSummary(t *testing.T) {
	w := New(Options{})
	a := machine.Alert{
		ID: "a1", Rule: "PaidTwice", RuleID: machine.RuleID{1}, Incident: "i1", Value: "2",
		Labels:      []machine.Label{{Name: "alertname", Value: "PaidTwice"}, {Name: "request", Value: "{{ w1 }}"}},
		Annotations: []machine.Label{{Name: "summary", Value: "{{ $value }} for {{ $labels.request }}"}},
	}
	if got, want := w.Summary(a), "2 for {{ w1 }}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := w.Annotations(a, nil)["incident"]; got != "i1" {
		t.Errorf("its incident is %q", got)
	}
	a.Annotations = nil
	a.ID = "a2"
	if got, want := w.Summary(a), "PaidTwice: alertname=PaidTwice request={{ w1 }}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a.Metric, a.Annotations = true, []machine.Label{{Name: "summary", Value: "{{ as it is }}"}}
	if got, want := w.Summary(a), "{{ as it is }}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestSummaryIn says what is built in in the language, and all else as it is.
func TestSummaryIn(t *testing.T) {
	w := New(Options{Language: Japanese})
	a := machine.Alert{
		ID: "a1", Rule: "AgentSilent", Labels: []machine.Label{{Name: "agent", Value: "h\n1"}},
		About: record.New(record.AboutAgentSilent, "h\n1"),
	}
	for l, want := range map[Language]string{
		English:  "Nothing has been heard from agent h 1 for 30 seconds: how its host is doing is not known.",
		Japanese: "エージェント h 1 から30秒間受信がありません。ホストの状態は不明です。", "": "エージェント h 1 から30秒間受信がありません。ホストの状態は不明です。",
	} {
		if got := w.SummaryIn(l, a); got != want {
			t.Errorf("in %q %q, want %q", l, got, want)
		}
	}
	a.RuleID = machine.RuleID{1} // a rule of that name
	a.Annotations = []machine.Label{{Name: "summary", Value: "Nothing was heard\nof it."}}
	if got, want := w.SummaryIn(Japanese, a), "Nothing was heard of it."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// BenchmarkAnnotations is the first sight of 10,000 alerts of one rule.
func BenchmarkAnnotations(b *testing.B) {
	alerts := make([]machine.Alert, 10_000)
	for i := range alerts {
		alerts[i] = machine.Alert{
			ID: "a" + strconv.Itoa(i), RuleID: machine.RuleID{1}, Value: "2",
			Labels: []machine.Label{{Name: "alertname", Value: "PaidTwice"}, {Name: "request", Value: strconv.Itoa(i)}},
			Annotations: []machine.Label{
				{Name: "runbook_url", Value: "https://runbooks.example/payouts"},
				{Name: "summary", Value: "{{ $value }} payments for withdrawal {{ $labels.request }}"},
				{Name: "description", Value: "{{ range $i, $e := $evidence }}{{ if $i }}, {{ end }}{{ $e }}{{ end }}"},
			},
		}
	}
	evidence := []string{"c/app/1", "c/app/2"}
	b.ReportAllocs()
	for b.Loop() {
		w := New(Options{})
		for i := range alerts {
			w.Annotations(alerts[i], evidence)
		}
	}
}
