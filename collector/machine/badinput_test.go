package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const badInputRules = `groups:
- name: test
  rules:
  - {alert: Count, event: count, by: [data.k], within: 365d, when: distinct(data.v) >= 4000, mitigate: [stop]}
  - {alert: Absence, event: absence, by: [data.k], unless: {event: never, within: 365d}, mitigate: [stop]}
  - {alert: Sequence, sequence: [{event: sequence}, {event: end}], by: [data.k], within: 365d, mitigate: [stop]}
  - {alert: Join, join: {a: {event: join, by: [data.k]}, b: {event: never, by: [data.k]}}, within: 365d, when: max(a.data.amount) > 9, mitigate: [stop]}
  - {alert: Reconcile, reconcile: {a: {event: reconcile, key: [data.k]}, b: {event: never, key: [data.k]}}, within: 365d, when: a > b, mitigate: [stop]}
  - {alert: Where, event: where, where: data.n > 1, by: [data.k], within: 1h, when: count() >= 2, mitigate: [stop]}
gates:
- {name: btc, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`

// TestBadInput gives rules of every form what nobody should send: each is told, critical
// where a payment may pass because of it, and nothing else is harmed.
func TestBadInput(t *testing.T) {
	for _, form := range []string{"count", "absence", "sequence", "join", "reconcile"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, badInputRules)
			if n := len(r.m.live.set.Rules); n != 6 {
				t.Fatalf("%d rules load", n)
			}
			send := func(from, n int, key string) {
				var events []report.Event
				for i := range n {
					id := fmt.Sprint(from + i)
					events = append(events, report.Event{ID: id, Source: "s", Type: form, Time: r.now.UnixNano() + int64(i), Data: fmt.Appendf(nil, `{"k":%q,"v":%q,"amount":"1","asset":"BTC"}`, key, id)})
				}
				r.send(events...)
			}
			errors := func(kind string) []Alert {
				return slices.DeleteFunc(r.named(ruleErrors), func(a Alert) bool { return a.Label("error") != kind })
			}
			send(0, 1, strings.Repeat("k", 1<<20)) // a key of a megabyte
			if got := errors("event"); len(got) != 1 || !strings.EqualFold(got[0].Label("rule"), form) {
				t.Errorf("a key of a megabyte: %v", got)
			}
			size := len(r.m.Snapshot().Bytes)
			send(1, 4200, "one") // more of one key than is kept
			if form == "join" {  // it keeps more of what is summed, and their totals
				for i := 1; i < 16; i++ {
					r.later(time.Second)
					send(i*4200+1, 4200, "one")
				}
			}
			if got := errors("saturated"); len(got) == 0 {
				t.Error("that a key is full is not told")
			}
			if grown := len(r.m.Snapshot().Bytes) - size; grown > 32<<20 {
				t.Errorf("one key takes %d bytes", grown)
			}
		})
	}
}

// TestAlwaysAnError has a condition that cannot be decided of any event: the rule is blind.
func TestAlwaysAnError(t *testing.T) {
	r := newRig(t, badInputRules)
	for i := range 5 {
		r.event("where", "s", fmt.Sprintf(`{"k":"a","n":"text%d"}`, i))
	}
	if got := r.named(ruleBlind); len(got) != 1 || got[0].Label("rule") != "Where" || got[0].Label("severity") != "critical" {
		t.Errorf("told: %v", got)
	}
}

// TestYear pays a request again after a year less a second: a window of a year holds both.
func TestYear(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "within: 1h", "within: 1y", 1))
	r.pay("w1", "p1")
	r.pay("w2", "p1")
	r.later(365*24*time.Hour - time.Second)
	r.restarted()
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
	r.later(2 * time.Second)
	r.pay("w2", "p2")
	if got := r.named("PaidTwice"); len(got) != 0 {
		t.Errorf("what is more than a year apart is one: %v", got)
	}
	r.restarted()
}
