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

// TestDeclaredMoney declares an amount: it is an exact decimal in keys, in
// conditions of slots and in those of the interpreter.
func TestDeclaredMoney(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: Key, event: e, by: [data.total], within: 1h, when: count() > 1}
  - {alert: Slots, event: e, where: data.meta.net > 9, within: 1h, when: count() > 1}
  - {alert: Interpreted, event: e, where: data.meta.net + 1 > 10, within: 1h, when: count() > 1}
  - {alert: Other, event: f, by: [data.total], within: 1h, when: count() > 1}
`
	before, after := parsed(t, text), parsed(t, text+"events: {e: {money: [total, meta.net, gone.x]}}\n")
	for i, r := range before.Rules {
		if same := r.ID == after.Rules[i].ID; same != (r.Name == "Other") {
			t.Errorf("%s has the identity of before: %v", r.Name, same)
		}
	}
	e := &report.Event{ID: "1", Source: "s", Type: "e", Data: []byte(`{"total":"1.10","meta":{"net":"10"}}`)}
	hits := before.Matcher(match.Spelled).Match(e)
	if len(hits) != 3 || match.Labels(hits[0].Key)[0] != "1.10" || hits[1].Fault == nil || hits[2].Fault == nil {
		t.Errorf("before: %+v", hits)
	}
	hits = after.Matcher(match.Spelled).Match(e)
	if len(hits) != 3 || match.Labels(hits[0].Key)[0] != "1.1" || hits[1].Fault != nil || hits[2].Fault != nil {
		t.Errorf("after: %+v", hits)
	}
}

// TestDeclaredSources declares who may report a type.
func TestDeclaredSources(t *testing.T) {
	const text = `groups:
- name: g
  rules:
  - {alert: A, event: e, within: 1h, when: count() > 1}
  - {alert: B, event: f, within: 1h, when: count() > 1}
`
	before, after := parsed(t, text), parsed(t, text+"events: {e: {sources: [a, b]}, unread: {sources: [a]}}\n")
	if again := parsed(t, text+"events: {e: {sources: [b, a]}}\n"); again.Rules[0].ID != after.Rules[0].ID || before.Rules[0].ID == after.Rules[0].ID || before.Rules[1].ID != after.Rules[1].ID {
		t.Error("another identity is that of rules whose events others may not report, and of no other")
	}
	m := after.Matcher(match.Spelled)
	for _, c := range []struct {
		event, source string
		hits          int
		aside         bool
	}{{"e", "a", 1, false}, {"e", "A", 0, true}, {"e", "c", 0, true}, {"f", "c", 1, false}, {"unread", "c", 0, true}, {"unread", "a", 0, false}, {"g", "c", 0, false}} {
		hits := m.Match(&report.Event{ID: "1", Source: c.source, Type: c.event, Data: []byte(`{}`)})
		if len(hits) != c.hits || m.Aside() != c.aside {
			t.Errorf("%s of %s: %d hits, aside %v", c.event, c.source, len(hits), m.Aside())
		}
	}
}
