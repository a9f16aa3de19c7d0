package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/form/formtest"
)

// TestFormStates holds the states of all forms to what they promise.
func TestFormStates(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: Number, event: e, by: [data.k], within: 1h, when: count() >= 3}
  - {alert: Sum, event: e, by: [data.k], within: 1h, lateness: 20m, when: sum(data.amount) > 100}
  - {alert: Apart, event: e, by: [data.k], within: 1h, lateness: 0s, when: 'distinct(data.a, data.b) == 2 && max(data.n) > min(data.n)'}
  - {alert: Own, event: e, by: [data.k], within: 1h, lateness: 5m, when: 'last(data.n) > 2 * max_before(data.n) || sum_before(data.amount) > 300'}
  - {alert: Absent, event: e, by: [data.k], unless: {event: f, by: [data.o], within: 10m}}
  - {alert: Next, event: e, by: [data.k], unless: {event: e, within: 1h}, grace: 5s, lateness: 2h}
  - {alert: Share, event: e, by: [data.k], within: 1h, when: 'share() >= 0.4 && distinct(data.a) > 1'}
  - {alert: OwnShare, event: e, by: [data.k], within: 1h, lateness: 5m, when: 'share() >= 0.3 && count_before() > 0'}
  - {alert: Sides, reconcile: {a: {event: e, key: [data.k]}, b: {event: f, key: [data.o]}}, settle: 1m, within: 10m, when: a > b}
  - {alert: Declared, reconcile: {a: {event: e, key: [data.k]}, b: {event: f, key: [data.o]}}, except: {event: g, key: [data.k]}, within: 1h, lateness: 2m, when: b != a}
  - {alert: Sequence, sequence: [{event: e}, {not: f}, {event: e}, {event: g}], by: [data.k], within: 1h}
  - {alert: Quiet, quiet: e, by: [data.k], after: 10m}
  - {record: recorded, event: e, by: [data.k], value: sum(data.n)}
  - {alert: Totals, join: {a: {event: e, by: [data.k]}, b: {event: f, by: [data.k]}}, within: 1h, when: sum(a.data.amount) > sum(b.data.amount)}
  - {alert: Levels, join: {a: {event: e, by: [data.k], max_age: 10m}, b: {event: f, by: [data.k], max_age: 2h}, c: {event: g, by: []}}, within: 1h, when: last(a.data.n) > last(b.data.n) + count(c)}
`
	set, problems := ParseForms(append(Forms(), formtest.Quiet{}), []File{{Name: "f.yml", Text: []byte(text)}})
	if set == nil {
		t.Fatal(problems)
	}
	for _, r := range set.Rules {
		t.Run(r.Name, func(t *testing.T) { formtest.Suite(t, r.Body) })
	}
}

// TestAnotherForm reads rules of a form that is not shipped: what is wrong with
// them is found as with any other, and nobody else knows of it.
func TestAnotherForm(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: WorkerQuiet, quiet: worker.beat, by: [data.worker], after: 1m}
  - {alert: Typo, quiet: worker.beat, by: [data.worker], aftr: 1m}
  - {alert: Bare, quiet: worker.beat}
  - {alert: Both, expr: up, quiet: worker.beat}
  - {alert: Foreign, quiet: worker.beat, after: 1m, when: count() > 1}
  - {alert: Twice, quiet: worker.beat, after: 1m, by: [data.a], labels: {a: b}}
  - {alert: Counted, event: worker.beat, within: 1m, when: count() > 1}
  - {alert: Wrong, quiet: "two words", after: soon, by: ["data.a +"]}
`
	forms := append(Forms(), formtest.Quiet{})
	_, problems := ParseForms(forms, []File{{Name: "f.yml", Text: []byte(text)}})
	var got []string
	for _, p := range problems {
		head, _, _ := strings.Cut(p.String(), "\n")
		got = append(got, head)
	}
	if diff := cmp.Diff([]string{
		"f.yml:5:58: a rule has no key \"aftr\", did you mean \"after\"?",
		"f.yml:6:5: the rule has no after: write after how long it is missed, as in `after: 1m`",
		"f.yml:7:29: a rule has `expr` or `quiet`, not both",
		"f.yml:8:53: a rule has no key \"when\"",
		"f.yml:9:5: the label a is set twice: by labels and by `by`",
		`f.yml:11:27: "two words" is not an event type: it is one word, such as payout.sent, without * and spaces`,
		`f.yml:11:47: after: "soon" is not a duration: a duration is written like 30s, 15m, 24h or 1d12h`,
		"f.yml:11:67: the expression ends too early",
	}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}}); !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.Text, `no key "quiet"`) }) {
		t.Errorf("without the form: %v", problems)
	}
	set, problems := ParseForms(forms, []File{{Name: "f.yml", Text: []byte(strings.Join(strings.Split(text, "\n")[:4], "\n"))}})
	if set == nil {
		t.Fatal(problems)
	}
	if got, want := set.Rules[0].Explain(), "raises an alert when there has been no worker.beat event of one data.worker for 1m."; got != want {
		t.Errorf("Explain() = %q, want %q", got, want)
	}
}
