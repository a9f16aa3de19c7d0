package rules

import (
	"maps"
	"testing"
)

func TestNames(t *testing.T) {
	set, problems := Parse([]File{{Name: "a.yml", Text: []byte(`
gates: [{name: a}]
mitigations:
- {name: request, action: gate.hold, target: a, match: {request: '{{ $labels.request }}'}}
- {name: address, action: gate.hold, target: a, match: {address: "0x{{$labels.hex}}", tag: '{{ $labels.tag }}'}}
- {name: pieces, action: gate.hold, target: a, match: {customer: '{{ $labels.a }}-{{ $labels.b }}!', request: R1}}
- {name: stop, action: gate.close, target: a}
`)}})
	if set == nil {
		t.Fatal(problems)
	}
	alert := map[string]string{"request": "W1", "hex": "ABC", "tag": "T", "a": "{{ $labels.b }}", "b": "y", "empty": ""}
	for i, c := range []struct {
		without string
		want    map[string]string
		lacks   string
	}{
		{"", map[string]string{"request": "W1"}, ""}, // only addresses are spelled
		{"", map[string]string{"address": "0xabc", "tag": "T"}, ""},
		{"", map[string]string{"customer": "{{ $labels.b }}-y!", "request": "R1"}, ""}, // what an event says is no template
		{"", nil, ""},
		{"request", nil, "request"},
		{"tag", nil, "tag"}, // half of a name is none
		{"b", nil, "b"},
	} {
		m := set.Mitigations[i%4]
		got, lacks := m.Names(func(name string) string {
			if name == c.without {
				return ""
			}
			return alert[name]
		})
		if !maps.Equal(got, c.want) || lacks != c.lacks {
			t.Errorf("%s without %q: %v, %q", m.Name, c.without, got, lacks)
		}
	}
}

func TestExplainHold(t *testing.T) {
	set, problems := Parse([]File{{Name: "a.yml", Text: []byte(`
groups:
- name: g
  rules:
  - {alert: A, event: e, by: [data.request], within: 1h, when: count() > 1, mitigate: [hold, {use: hold2, mode: approve}, shadow]}
gates: [{name: a}]
mitigations:
- {name: hold, action: gate.hold, target: a, match: {request: '{{ $labels.request }}'}, mode: enforce}
- {name: hold2, action: gate.hold, target: a, match: {customer: 'c{{ $labels.request }}', tag: t}, mode: enforce}
- {name: shadow, action: gate.hold, target: a, match: {request: '{{ $labels.request }}'}, mode: shadow}
`)}})
	if set == nil {
		t.Fatal(problems)
	}
	want := "raises an alert when there is more than 1 e event of one data.request within 1h; when it raises the alert, it " +
		"holds the payments of its request at the gate a (if the gate enforces), and " +
		"asks a person to approve holding the payments of the customer c{{ $labels.request }} and the tag t at the gate a, and " +
		"notes that it would have held the payments of its request at the gate a."
	if got := set.Rules[0].Explain(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
