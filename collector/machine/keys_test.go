package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

func (r *rig) event(kind, source, data string) BatchOutcome {
	r.t.Helper()
	r.next++
	return r.send(report.Event{ID: fmt.Sprint("e", r.next), Source: source, Type: kind, Data: []byte(data)})
}

// TestEmptyKey has payouts that name no withdrawal: they are not one.
func TestEmptyKey(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("", "p1")
	r.pay("", "p2")
	r.wantClosed("btc", false)
	if s := r.standing(); !slices.Equal(s, []string{ruleErrors}) || r.m.Stats["test/PaidTwice"].Missing != 2 {
		t.Errorf("alerts %+v, stats %+v", s, r.m.Stats["test/PaidTwice"])
	}
	before := newRigAt(t, 2, testRules)
	before.pay("", "p1")
	before.pay("", "p2")
	before.wantClosed("btc", true)
}

// TestSpelledKeys pays one address in several spellings, before and after the
// version of the behavior that knows them.
func TestSpelledKeys(t *testing.T) {
	const spellings = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"
	text := strings.Replace(testRules, "mitigate: [{use: stop-all, mode: shadow}]", "limit: 9", 1)
	pay := func(r *rig) (labels []string) {
		for i, address := range strings.Fields(spellings) {
			r.send(payout(fmt.Sprint(r.index), fmt.Sprint("w", i), fmt.Sprint("p", i), address, "6"))
		}
		for _, a := range r.m.AlertsView() {
			labels = append(labels, a.Label("address"))
		}
		return labels
	}
	r := newRigAt(t, 2, text)
	if got := pay(r); got != nil {
		t.Errorf("by version 2: %q", got)
	}
	r.later(11 * 60e9)
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: Behavior}))
	if got := pay(r); len(got) != 1 || got[0] != strings.Fields(spellings)[0] {
		t.Errorf("by the newest version: %q", got)
	}
}

// TestOptionalKey pays one address with tags and without.
func TestOptionalKey(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Often, event: payout.sent, by: [data.address, {tag: {field: data.tag, optional: true}}], within: 1h, when: count() >= 2}
`)
	for _, tag := range []string{`,"tag":"1"`, `,"tag":"2"`, ``, `,"tag":"3"`} {
		r.event("payout.sent", "s", `{"address":"rExchange"`+tag+`}`)
	}
	if got := r.m.AlertsView(); len(got) != 0 {
		t.Fatalf("four different payees: %+v", got)
	}
	r.event("payout.sent", "s", `{"address":"rExchange","tag":""}`)
	r.event("payout.sent", "s", `{"address":"rExchange","tag":"2"}`)
	var got []string
	for _, a := range r.m.AlertsView() {
		got = append(got, Text(a.Labels))
	}
	if want := "[address=rExchange alertname=Often address=rExchange alertname=Often tag=2]"; fmt.Sprint(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.restarted()
}
