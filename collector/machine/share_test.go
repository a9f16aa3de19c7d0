package machine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// shareRules closes when more than half of the payments are of one request.
func shareRules(within string) string {
	return strings.Replace(longer(within), "distinct(data.payment) >= 2", "share() > 0.5 && count() >= 3", 1)
}

// TestShareAfterForgetting sends payments that are late by more than a rule remembers:
// whether one request has most of them is only known with those of all.
func TestShareAfterForgetting(t *testing.T) {
	for _, c := range []struct {
		others int
		closed bool
	}{{1, true}, {3, false}} {
		r := newRig(t, shareRules("1h"))
		at := r.now
		r.paidAt("w1", "p1", at)
		r.paidAt("w1", "p2", at.Add(time.Minute))
		for i := range c.others {
			r.paidAt(fmt.Sprint("y", i), "p", at.Add(2*time.Minute))
		}
		for i := range 200 { // others come and go, until they are swept
			r.later(30 * time.Minute)
			r.pay(fmt.Sprint("x", i), "p")
		}
		r.paidAt("w1", "p3", at.Add(20*time.Minute))
		r.wantClosed("btc", false)
		r.restarted()
		r.recount(false)
		r.wantClosed("btc", c.closed)
		if r.m.Recounter() != nil {
			t.Error("a recount is due after the recount")
		}
		r.restarted()
	}
}

// TestShareIsFilled edits a rule in the middle of random payments and compares when it
// closes, once it is filled, with one that was there all the time.
func TestShareIsFilled(t *testing.T) {
	closed, open := 0, 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 12))
		r, always := newRig(t, shareRules("90m")), newRig(t, shareRules("1h"))
		pay := func() {
			d := time.Duration(rnd.Int64N(int64(6 * time.Minute)))
			request, at := fmt.Sprint("w", min(rnd.IntN(4), rnd.IntN(4))), r.now.Add(d-time.Duration(rnd.Int64N(int64(40*time.Minute))))
			for _, r := range []*rig{r, always} {
				r.later(d)
				r.next++
				e := payout(fmt.Sprint("e", r.next), request, "p", "a", "0")
				e.Time = at.UnixNano()
				r.send(e)
			}
		}
		for range 30 {
			pay()
		}
		r.load(shareRules("1h"))
		for _, r := range []*rig{r, always} { // what was before closes nothing
			if r.gate("btc").Closed {
				d := by("bob", VerdictTest)
				d.Do, d.AsOf = entry.DoOpen, r.gate("btc").AsOf
				r.must(r.json(entry.KindDecision, d))
			}
		}
		for range 12 {
			pay()
			if !always.gate("btc").Closed {
				r.wantClosed("btc", false)
			}
			if rnd.IntN(2) == 0 && r.m.Recounter() != nil {
				r.recount(false)
			}
		}
		if r.m.Recounter() != nil {
			r.recount(false)
		}
		if r.wantClosed("btc", always.gate("btc").Closed); always.gate("btc").Closed {
			closed++
		} else {
			open++
		}
	}
	if min(closed, open) < 10 {
		t.Errorf("%d gates were closed, %d open: this shows little", closed, open)
	}
}
