package rules

import (
	"slices"
	"testing"
)

// TestPrivate finds the names under which what is private comes, whatever they are,
// and leaves the rules what they are.
func TestPrivate(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: A, event: e, by: {who: data.customer.id, at: data.shop}, within: 1h, when: count() > 1, mitigate: [m]}
  - {alert: B, event: f, by: {net: data.fee - data.tax}, within: 1h, when: count() > 1}
  - {alert: C, event: f, by: {own: data.customer}, unless: {event: e, by: {other: data.phone}, within: 1h}}
gates: [{name: w, mode: enforce}]
mitigations: [{name: m, action: gate.hold, target: w, match: {tag: '{{ $labels.who }}', request: '{{ $labels.at }}'}, mode: enforce}]
`
	read := func(text string) *Set {
		set, problems := Parse([]File{{Name: "a.yml", Text: []byte(text)}})
		if set == nil {
			t.Fatal(problems)
		}
		return set
	}
	before := read(text)
	after := read(text + "events: {e: {private: [customer, phone]}, f: {private: [tax]}}\n")
	if got := before.Private(); got != nil {
		t.Errorf("private of nothing: %q", got)
	}
	if got, want := after.Private(), []string{"customer", "net", "own", "phone", "tag", "tax", "who"}; !slices.Equal(got, want) {
		t.Errorf("private %q, want %q", got, want)
	}
	for i, r := range after.Rules {
		if r.ID != before.Rules[i].ID {
			t.Errorf("%s has become another rule", r.Name)
		}
	}
}
