package rules

import (
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/rules/match"
)

// TestDeclaredAddresses declares fields that hold addresses: they have one
// spelling, and rules that tell events apart by them another identity.
func TestDeclaredAddresses(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: Key, event: e, by: [data.to], within: 1h, when: count() > 1}
  - {alert: Apart, event: e, within: 1h, when: distinct(data.meta.hash) > 1}
  - {alert: Named, event: e, by: [data.address], within: 1h, when: count() > 1}
  - {alert: Other, event: f, by: [data.to], within: 1h, when: count() > 1}
`
	read := func(text string) *Set {
		set, problems := Parse([]File{{Name: "a.yml", Text: []byte(text)}})
		if set == nil {
			t.Fatal(problems)
		}
		return set
	}
	before, after := read(text), read(text+"events: {e: {address: [to, meta.hash, address]}}\n")
	for i, r := range before.Rules {
		if same := r.ID == after.Rules[i].ID; same != (i >= 2) {
			t.Errorf("%s has the identity of before: %v", r.Name, same)
		}
	}
	e := &report.Event{ID: "1", Source: "s", Type: "e", Data: []byte(`{"to":"0xAB","meta":{"hash":"0xCD"},"address":"0xEF"}`)}
	for _, c := range []struct {
		set      *Set
		to, hash string
	}{{before, "0xAB", "0xCD"}, {after, "0xab", "0xcd"}} {
		hits := c.set.Matcher(match.Spelled).Match(e)
		if to, hash, named := match.Labels(hits[0].Key)[0], match.Labels(hits[1].Distinct[0])[0], match.Labels(hits[2].Key)[0]; to != c.to || hash != c.hash || named != "0xef" {
			t.Errorf("keys %s %s %s, want %s %s 0xef", to, hash, named, c.to, c.hash)
		}
	}
	e.Type = "f"
	if got := match.Labels(after.Matcher(match.Spelled).Match(e)[0].Key)[0]; got != "0xAB" {
		t.Errorf("another type: %s", got)
	}
}
