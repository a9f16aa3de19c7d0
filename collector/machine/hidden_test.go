package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// Whoever sends an event first, equal but as of long ago, takes the place of the one
// that its application sends without a time: people are told.
func TestEqualEventOfLongAgo(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for name, forge := range map[string]func(r *rig, e *report.Event){
		"by its own time": func(r *rig, e *report.Event) { e.Time = r.now.Add(-month).UnixNano() },
		"by its receipt":  func(r *rig, e *report.Event) { e.Seen = r.now.Add(-month).UnixNano() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, testRules)
			first, second := payout("1", "w1", "p1", "a", "1"), payout("2", "w1", "p2", "a", "1")
			forged := second
			forged.Seen = r.now.UnixNano()
			forge(r, &forged)
			r.send(forged)
			first.Seen = r.now.UnixNano()
			r.send(first)
			second.Seen = r.now.UnixNano()
			r.send(second)
			r.restarted()
			if !r.gate("btc").Closed && !slices.Contains(r.standing(), eventIDReused) {
				t.Errorf("the second payment passed unnoticed: %v", r.standing())
			}
		})
	}
	t.Run("sent again after an outage", func(t *testing.T) {
		r := newRig(t, testRules)
		e := payout("1", "w1", "p1", "a", "1")
		e.Seen = r.now.Add(-9 * time.Hour).UnixNano()
		r.send(e)
		r.later(time.Hour)
		r.send(e)
		if s := r.standing(); slices.Contains(s, eventIDReused) {
			t.Errorf("standing %v", s)
		}
	})
}

// What entered while ledger time was days behind is found again by the times of its
// events.
func TestRecountOverAStep(t *testing.T) {
	const behind = 3 * 24 * time.Hour
	for name, again := range map[string]func(r *rig, at time.Time){
		"the rule is edited": func(r *rig, _ time.Time) {
			r.load(strings.Replace(testRules, "within: 1h", "within: 2h", 1))
			r.pay("w1", "p2")
		},
		"the second comes late": func(r *rig, at time.Time) {
			for i := range 40 {
				r.later(time.Hour)
				r.pay(fmt.Sprint("x", i), "p")
			}
			r.paidAt("w1", "p2", at.Add(time.Minute))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, testRules)
			r.later(time.Hour)
			r.timeOff(behind)
			r.later(time.Minute)
			at := r.now.Add(behind)
			r.paidAt("w1", "p1", at)
			r.later(behind + time.Minute)
			r.json(entry.KindCondition, entry.Condition{Name: ledgerTimeOff})
			again(r, at)
			r.restarted()
			if r.m.Recounter() != nil {
				r.recount(false)
			}
			r.wantClosed("btc", true)
		})
	}
}

// Beyond the keys that the alert over a limit keeps, nothing that entered after what a
// person read is opened over.
func TestOpeningBeyondTheKeys(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "    mitigate: [stop]\n", "    mitigate: [stop]\n    limit: 1\n", 1))
	for i := 0; i < maxOver+1; {
		var batch []report.Event
		for ; i < maxOver+1 && len(batch) < 1000; i++ {
			w := fmt.Sprint("w", i)
			batch = append(batch, payout(w+"a", w, "p1", w, "1"), payout(w+"b", w, "p2", w, "1"))
		}
		r.send(batch...)
	}
	read := r.gate("btc")
	r.pay("beyond", "p1")
	r.pay("beyond", "p2")
	open := entry.Decision{Do: entry.DoOpen, Actor: "bob", Gate: "btc", Reason: "r", Verdict: VerdictFalse, AsOf: read.AsOf, Alerts: &read.Alerts}
	r.refused(open, Conflict, "")
	epoch := read.Epoch
	open.AsOf, open.Epoch = 0, &epoch
	r.refused(open, Conflict, "")
	now := r.gate("btc")
	if now.Epoch <= read.Epoch || now.Reached <= read.Reached {
		t.Errorf("epoch %d of entry %d, was %d of %d", now.Epoch, now.Reached, read.Epoch, read.Reached)
	}
	open.AsOf, open.Epoch = 0, &now.Epoch
	r.decided(r.decide(open))
	r.wantClosed("btc", false)
}
