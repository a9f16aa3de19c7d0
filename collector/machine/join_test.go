package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const joinRules = `groups:
- name: g
  rules:
  - alert: Refunded
    join:
      charged: {event: charge.captured, by: [data.charge]}
      refunded: {event: refund.sent, by: [data.charge]}
      change: {event: change.made, by: []}
    within: 1h
    settle: 1s
    lateness: 5m
    when: count(refunded) > count(charged) && count(change) > 0
`

// TestJoinRecount sends refunds when their charge, and what belongs to every charge,
// have been forgotten for long: both come back. It is restarted in between.
func TestJoinRecount(t *testing.T) {
	r := newRig(t, joinRules)
	n := 0
	send := func(event, charge string, at time.Time) {
		t.Helper()
		n++
		r.send(report.Event{ID: fmt.Sprint(n), Source: "shop", Type: event, Time: at.UnixNano(), Data: fmt.Appendf(nil, `{"charge":%q}`, charge)})
	}
	refunded := func() bool {
		r.later(10 * time.Second)
		r.tick()
		return slices.Contains(r.standing(), "Refunded")
	}
	at := r.now
	send("change.made", "", at)
	send("charge.captured", "c", at)
	for i := range 200 {
		r.later(30 * time.Minute)
		send("charge.captured", fmt.Sprint("x", i), r.now)
		send("change.made", "", r.now)
	}
	send("refund.sent", "c", at.Add(20*time.Minute))
	r.restarted()
	r.recount(false)
	if refunded() {
		t.Error("a refund of what was charged is told")
	}
	send("refund.sent", "c", at.Add(21*time.Minute))
	if !refunded() {
		t.Error("a second refund is not told")
	}
	r.restarted()
}

const levelRules = `groups:
- name: g
  rules:
  - alert: OwesMore
    join:
      owed: {event: balance.liabilities, by: [data.asset], max_age: 2m}
      held: {event: balance.holdings, by: [data.asset], max_age: 2m}
    within: 10m
    when: last(owed.data.amount) > last(held.data.amount)
    mitigate: [stop]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
gates: [{name: btc, mode: enforce}]
`

// TestStaleSide has a side fall silent and speak again.
func TestStaleSide(t *testing.T) {
	r := newRig(t, levelRules)
	held := func(assets ...string) {
		for _, asset := range assets {
			r.event("balance.holdings", "bank", fmt.Sprintf(`{"asset":%q,"amount":"5"}`, asset))
		}
	}
	want := func(what, severity, keys, of string) {
		t.Helper()
		r.tick()
		r.restarted()
		all := r.named(ruleBlind)
		if severity == "" {
			if len(all) != 0 {
				t.Errorf("%s: %+v", what, all)
			}
			return
		}
		if len(all) != 1 {
			t.Fatalf("%s: %+v", what, all)
		}
		a := all[0]
		if a.Label("severity") != severity || a.Label("rule") != "OwesMore" || a.Label("side") != "owed" || a.Label("event") != "balance.liabilities" || a.Value != keys || a.About.Arg("key") != of {
			t.Errorf("%s: %+v", what, a)
		}
	}
	held("BTC", "JPY")
	for range 2 {
		r.later(time.Minute)
		held("BTC", "JPY")
		want("not for long", "", "", "")
	}
	r.later(time.Minute)
	want("for a minute beyond", "critical", "2", "BTC")
	r.load(strings.Replace(levelRules, "enforce}]\ngates", "shadow}]\ngates", 1))
	want("it closes nothing", "warning", "2", "BTC")
	r.load(levelRules)
	want("it closes", "critical", "2", "BTC")
	r.event("balance.liabilities", "book", `{"asset":"BTC","amount":"5"}`)
	want("one is heard of", "critical", "1", "JPY")
	r.event("balance.liabilities", "book", `{"asset":"JPY","amount":"5"}`)
	want("all are", "", "", "")
	for range 3 {
		r.later(time.Minute)
		held("BTC", "JPY")
	}
	want("again", "critical", "2", "JPY")
	r.load(strings.Replace(levelRules, "within: 10m", "within: 9m", 1))
	want("it is another rule", "", "", "")
	r.recount(false)
	want("it was before as well", "critical", "2", "BTC")
	r.load("groups: [{name: g, rules: []}]")
	want("it is gone", "", "", "")
}

// TestJoinOwesAllKeys sends late what belongs to every charge, when it was forgotten how
// much of one was refunded.
func TestJoinOwesAllKeys(t *testing.T) {
	r := newRig(t, joinRules)
	n := 0
	send := func(event, charge string, at time.Time) {
		t.Helper()
		n++
		r.send(report.Event{ID: fmt.Sprint(n), Source: "shop", Type: event, Time: at.UnixNano(), Data: fmt.Appendf(nil, `{"charge":%q}`, charge)})
	}
	at := r.now
	send("refund.sent", "c", at)
	send("change.made", "", at.Add(-3*time.Hour))
	for i := range 400 {
		r.later(5 * time.Minute)
		send("charge.captured", fmt.Sprint("x", i), r.now)
	}
	old := r.now.Add(-20 * time.Hour)
	send("refund.sent", "c", old)
	r.recount(false) // it is held again
	send("change.made", "", old.Add(-10*time.Minute))
	r.restarted()
	if rc := r.m.Recounter(); rc == nil {
		t.Fatal("nothing is owed")
	}
	r.recount(false)
	r.restarted()
	if r.m.Recounter() != nil {
		t.Error("it is owed for ever")
	}
}
