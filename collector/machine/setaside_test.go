package machine

import (
	"strings"
	"testing"
)

// TestSetAside is that an event of who may not report its type counts for nothing,
// and not in silence.
func TestSetAside(t *testing.T) {
	const declared = "events: {payout.sent: {sources: ['bitcoin@wallet1']}, transfer.declared: {sources: [treasury]}, noise: {sources: [x]}}\n"
	r := newRig(t, testRules+declared)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc", false)
	r.restarted()
	want := func(eventType, severity, value string, evidence int) {
		t.Helper()
		for _, a := range r.named(eventsSetAside) {
			if a.Label("type") != eventType {
				continue
			}
			if a.Label("severity") != severity || a.Value != value || len(a.Evidence) != evidence || a.About.Arg("source") != "test" {
				t.Errorf("%+v of %s", a, eventType)
			}
			return
		}
		t.Errorf("nothing stands about %s", eventType)
	}
	want("payout.sent", "critical", "2", 2)
	r.send(event("t", "transfer.declared", `{}`))
	want("transfer.declared", "critical", "1", 1)
	for range 20 {
		r.next++
		r.send(event(strings.Repeat("n", r.next), "noise", `{}`))
	}
	want("noise", "warning", "20", maxSetAside)
	if n := r.m.Events.SetAside; n != 23 || r.m.Types["payout.sent"].SetAside != 2 {
		t.Errorf("%d are counted", n)
	}

	mine := payout("e9", "w1", "p3", "a", "1")
	mine.Source = "bitcoin@wallet1"
	r.send(mine)
	r.wantClosed("btc", false)
	mine.ID = "e10"
	mine.Data = []byte(strings.Replace(string(mine.Data), "p3", "p4", 1))
	r.send(mine)
	r.wantClosed("btc", true)
}

// TestSetAsideRead is that what was set aside is read back from the tape once its
// source may report it.
func TestSetAsideRead(t *testing.T) {
	r := newRig(t, testRules+"events: {payout.sent: {sources: [other]}}\n")
	r.pay("w1", "p1")
	r.load(testRules + "events: {payout.sent: {sources: [other, test]}}\n")
	r.recount(false)
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
}

// TestExcuseSetAside is that what would keep a rule from being true is told as gravely
// as a payment.
func TestExcuseSetAside(t *testing.T) {
	r := newRig(t, `groups: [{name: g, rules: [{alert: Sides, reconcile: {a: {event: e, key: [data.k]}, b: {event: f, key: [data.k]}}, except: {event: wallet.moved, key: [data.k]}, when: a > b}]}]
events: {wallet.moved: {sources: [treasury]}, e: {sources: [x]}}
`)
	r.send(event("1", "wallet.moved", `{"k":"a"}`), event("2", "e", `{"k":"a"}`))
	for _, a := range r.named(eventsSetAside) {
		if want := map[string]string{"wallet.moved": "critical", "e": "warning"}[a.Label("type")]; a.Label("severity") != want {
			t.Errorf("%+v, want it to be %s", a, want)
		}
	}
	if n := len(r.named(eventsSetAside)); n != 2 {
		t.Errorf("%d alerts stand", n)
	}
}
