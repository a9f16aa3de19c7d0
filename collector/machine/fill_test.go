package machine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

func longer(within string) string {
	return strings.Replace(testRules, "within: 1h", "within: "+within, 1)
}

// TestFill edits a rule between two payments of one request, and after two of another.
func TestFill(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, ">= 2", ">= 3", 1))
	r.pay("before", "p1")
	r.later(time.Minute)
	r.pay("before", "p2")
	r.pay("around", "p1")
	r.later(time.Minute)
	r.load(testRules)
	r.pay("around", "p2") // nobody knows of the first
	r.wantClosed("btc", false)
	if anew := r.gate("btc").Anew; !slices.Equal(anew, []string{"PaidTwice"}) {
		t.Errorf("counting anew: %v", anew)
	}
	r.restarted()
	if n := r.recount(false); n != 3 {
		t.Errorf("%d events came back, want 3", n)
	}
	r.wantClosed("btc", true)
	if g := r.gate("btc"); len(g.Anew) > 0 || len(g.Holds) != 1 {
		t.Errorf("after the fill: counting anew %v, held by %v", g.Anew, g.Holds)
	}
	find := func(request string) *Alert {
		for _, a := range r.m.AlertsView() {
			if a.Rule == "PaidTwice" && a.Label("request") == request && a.Ended == 0 {
				return &a
			}
		}
		t.Fatalf("no alert of %s in %v", request, r.standing())
		return nil
	}
	if a := find("around"); a.Backfilled || len(a.Effects) == 0 {
		t.Errorf("made true by an event since: %+v", a)
	}
	if a := find("before"); !a.Backfilled || len(a.Effects) > 0 || len(a.Evidence) != 2 {
		t.Errorf("true before: %+v", a)
	}
	r.restarted()
	d := by("bob", VerdictTest)
	d.Do = entry.DoOpen
	r.must(r.json(entry.KindDecision, d))
	r.pay("before", "p2")
	r.wantClosed("btc", true)
	if a := find("before"); a.Backfilled {
		t.Error("a further event has made it true, and it is marked as backfilled")
	}
}

// TestFillIsTold leaves a fill undone, and then has the tape lack a part.
func TestFillIsTold(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.load(longer("2h"))
	about := func() record.Kind {
		for _, a := range r.m.AlertsView() {
			if a.Rule == "EventsLate" && a.Ended == 0 {
				return a.About.Kind
			}
		}
		return ""
	}
	r.later(31 * time.Second)
	r.tick()
	if got := about(); got != record.AboutFill {
		t.Errorf("a fill that takes long: %q", got)
	}
	r.recount(true)
	if got := about(); got != record.AboutFillLost || len(r.gate("btc").Anew) != 1 {
		t.Errorf("a fill that lacks a part: %q, counting anew %v", got, r.gate("btc").Anew)
	}
	r.restarted()
	r.later(5 * time.Hour) // within and lateness are over
	r.tick()
	if got := about(); got != "" || len(r.gate("btc").Anew) != 0 || len(r.m.Recounts) != 0 {
		t.Errorf("when the window is full: %q, counting anew %v, owed %v", got, r.gate("btc").Anew, r.m.Recounts)
	}
	r.load(longer("3h"))
	r.load(longer("4h")) // before the fill
	r.recount(false)
	if got := about(); got != "" || len(r.m.Recounts) != 0 {
		t.Errorf("two edits: %q, owed %v", got, r.m.Recounts)
	}
}

// TestFillIsRight edits a rule in the middle of random payments and compares when it
// closes, once it is filled, with one that was there all the time.
func TestFillIsRight(t *testing.T) {
	closed := 0
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		r, always := newRig(t, longer("90m")), newRig(t, testRules)
		both := func(request, payment string, at time.Time) {
			for _, r := range []*rig{r, always} {
				r.next++
				e := payout(fmt.Sprint("e", r.next), request, payment, "a", "0")
				e.Time = at.UnixNano()
				r.send(e)
			}
		}
		pay := func() {
			d := time.Duration(rnd.Int64N(int64(6 * time.Minute)))
			r.later(d)
			always.later(d)
			both(fmt.Sprint("w", rnd.IntN(40)), fmt.Sprint("p", rnd.IntN(2)), r.now.Add(-time.Duration(rnd.Int64N(int64(40*time.Minute)))))
		}
		for range 40 {
			pay()
		}
		r.load(testRules)
		for _, r := range []*rig{r, always} { // what was before closes nothing
			if r.gate("btc").Closed {
				d := by("bob", VerdictTest)
				d.Do, d.AsOf = entry.DoOpen, r.gate("btc").AsOf
				r.must(r.json(entry.KindDecision, d))
			}
		}
		for range 12 {
			before := always.gate("btc").Closed
			pay()
			if rnd.IntN(2) == 0 && r.m.Recounter() != nil {
				r.recount(false)
			}
			if always.gate("btc").Closed && !before {
				if r.m.Recounter() != nil {
					r.recount(false)
				}
				r.wantClosed("btc", true)
				closed++
				break
			}
			r.wantClosed("btc", false)
		}
	}
	if closed < 10 {
		t.Errorf("%d gates were closed: this shows little", closed)
	}
}

// TestFillProves is that what waited for a fill is proven as soon as it came, and not
// called uncertain first.
func TestFillProves(t *testing.T) {
	r := newRig(t, strings.ReplaceAll(absenceRules, "60s", "50s"))
	r.load(absenceRules)
	r.send(event("other", "payout.recorded", `{"request":"x"}`), event("sent", "payout.sent", `{"request":"w"}`))
	r.later(61 * time.Second)
	r.tick()
	r.wantClosed("btc", false)
	r.recount(false)
	r.wantClosed("btc", true)
	for _, a := range r.m.AlertsView() {
		if a.unproven() {
			t.Errorf("%+v", a)
		}
	}
}
