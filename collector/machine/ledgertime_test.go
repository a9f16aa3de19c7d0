package machine

import (
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

func (r *rig) timeOff(behind time.Duration) {
	r.t.Helper()
	r.must(r.json(entry.KindCondition, entry.Condition{
		Name: ledgerTimeOff, Firing: true, Behind: behind, About: record.New(record.AboutTimeDoubted),
	}))
}

// While ledger time waits for its host's clock to be confirmed, events keep their
// own times: two payments of one minute meet, whenever it is stepped.
func TestEventsKeepTheirTimesWhileLedgerTimeIsOff(t *testing.T) {
	const day = 24 * time.Hour
	for name, stepped := range map[string]bool{"both before the step": false, "one after it": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, testRules)
			r.timeOff(day)
			first, second := payout("1", "w1", "p1", "a", "1"), payout("2", "w1", "p2", "a", "1")
			first.Seen = r.now.Add(day).UnixNano()
			second.Seen = first.Seen + int64(time.Minute)
			r.send(first)
			if stepped {
				r.later(day + time.Minute)
			}
			r.send(second)
			r.wantClosed("btc", true)
			if n := r.m.Totals().Ahead; n != 0 {
				t.Errorf("%d events were said to be ahead", n)
			}
		})
	}
	t.Run("what is ahead of that clock too", func(t *testing.T) {
		r := newRig(t, testRules)
		r.timeOff(day)
		e := payout("1", "w1", "p1", "a", "1")
		e.Seen = r.now.Add(day + 6*time.Minute).UnixNano()
		r.send(e)
		r.json(entry.KindCondition, entry.Condition{Name: ledgerTimeOff})
		e = payout("2", "w2", "p1", "a", "1")
		e.Seen = r.now.Add(day).UnixNano()
		r.send(e)
		if n := r.m.Totals().Ahead; n != 2 {
			t.Errorf("%d events were said to be ahead, want 2", n)
		}
	})
}

// TestPauseIsNoStep has nothing come for a while: ledger time is as far behind as before,
// and two payments of one minute meet.
func TestPauseIsNoStep(t *testing.T) {
	const day = 24 * time.Hour
	r := newRig(t, testRules)
	r.timeOff(day)
	for range 3 {
		r.later(6 * time.Minute)
		r.tick()
	}
	first, second := payout("1", "w1", "p1", "a", "1"), payout("2", "w1", "p2", "a", "1")
	first.Seen = r.now.Add(day).UnixNano()
	second.Seen = first.Seen + int64(time.Minute)
	r.send(first)
	r.later(day + time.Minute)
	r.send(second)
	r.wantClosed("btc", true)
	if n := r.m.Totals().Ahead; n != 0 {
		t.Errorf("%d events were said to be ahead", n)
	}
	if r.m.Behind > int64(time.Minute) {
		t.Errorf("after the step still %v behind", time.Duration(r.m.Behind))
	}
}

// A step of ledger time is not silence: nobody could be heard in between.
func TestStepIsNotSilence(t *testing.T) {
	r := newRig(t, testRules)
	r.speaks("host1")
	r.timeOff(24 * time.Hour)
	r.later(24 * time.Hour)
	r.tick()
	if got := r.named(agentSilent); len(got) != 0 {
		t.Errorf("silent by a step: %+v", got)
	}
	r.later(time.Minute)
	r.tick()
	if got := r.named(agentSilent); len(got) != 1 {
		t.Errorf("silence after the step is not told: %v", r.standing())
	}
	r.restarted()
}

func TestTimeIsAcceptedWithAReason(t *testing.T) {
	r := newRig(t, testRules)
	r.refused(entry.Decision{Do: entry.DoTime}, Invalid, "reason")
	r.decided(r.decide(entry.Decision{Do: entry.DoTime, Reason: "compared"}))
	past := newRigAt(t, 2, testRules)
	past.refused(entry.Decision{Do: entry.DoTime, Reason: "compared"}, Invalid, "do")
}
