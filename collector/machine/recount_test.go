package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules/form"
)

// readBack is what the edge makes of the tape for a recounter.
func (r *rig) readBack(in *Recounter) []entry.Recount {
	r.t.Helper()
	for _, e := range r.tape {
		if e.Index <= in.Through() && e.Time >= in.From() {
			if err := in.Read(e); err != nil && e.Kind != entry.KindBlocks {
				r.t.Fatal(err)
			}
		}
	}
	return in.Recounts(false)
}

// recount does once what the edge does for late events, and tells how many came back.
func (r *rig) recount(lost bool) (n int) {
	r.t.Helper()
	in := r.m.Recounter()
	if in == nil {
		r.t.Fatal("nothing is due")
	}
	for _, rc := range r.readBack(in) {
		rc.Lost = lost
		out := r.json(entry.KindRecount, rc)
		r.must(out)
		n += out.(RecountOutcome).Events
	}
	return n
}

// recountsLate forgets a payment, is told of another of its request, and recounts.
func (r *rig) recountsLate() {
	at := r.now
	r.paidAt("late", "p1", at)
	for i := range 40 {
		r.later(time.Hour)
		r.pay(fmt.Sprint("after", i), "p")
	}
	r.paidAt("late", "p2", at.Add(time.Minute))
	if r.m.Recounter() == nil {
		r.t.Fatal("nothing was forgotten")
	}
	r.later(time.Minute)
	r.tick()
	r.recount(true)
}

// paidAt sends a payment that was made at another time than now.
func (r *rig) paidAt(request, payment string, at time.Time) {
	r.t.Helper()
	e := payout(request+payment, request, payment, "a", "1")
	e.Time = at.UnixNano()
	r.send(e)
}

// TestRecount sends the second payment of a request when the first has been forgotten
// for long.
func TestRecount(t *testing.T) {
	r := newRig(t, testRules)
	at := r.now
	r.paidAt("w1", "p1", at)
	for i := range 200 { // others come and go, until w1 is swept
		r.later(30 * time.Minute)
		r.pay(fmt.Sprint("x", i), "p")
	}
	r.paidAt("w1", "p2", at.Add(20*time.Minute))
	r.wantClosed("btc", false)
	r.restarted()
	if n := r.recount(false); n == 0 {
		t.Error("nothing came back")
	}
	r.wantClosed("btc", true)
	if in := r.m.Recounter(); in != nil {
		t.Error("a recount is due after the recount")
	}
	if slices.Contains(r.standing(), "EventsLate") {
		t.Error("what was recounted at once is told")
	}
	if got := r.m.Totals().Recounted; got == 0 {
		t.Error("what came back is not counted")
	}
	r.restarted()
}

// TestRecountLeavesRepeats sends a payment again, long after it was made: it is one.
func TestRecountLeavesRepeats(t *testing.T) {
	r := newRig(t, testRules)
	at := r.now
	r.paidAt("w1", "p1", at)
	r.later(100 * time.Hour)
	r.pay("x", "p")
	for range 3 {
		r.paidAt("w1", "p1", at)
		if r.m.Recounter() != nil {
			r.recount(false)
		}
	}
	r.paidAt("w1", "p3", at.Add(61*time.Minute))
	if r.m.Recounter() != nil {
		r.recount(false)
	}
	r.wantClosed("btc", false)
	r.paidAt("w1", "p2", at.Add(59*time.Minute))
	if r.m.Recounter() != nil {
		r.recount(false)
	}
	r.wantClosed("btc", true)
}

// TestEventsLate tells of a recount that is due for long, and of one that did not find
// all.
func TestEventsLate(t *testing.T) {
	r := newRig(t, testRules)
	at := r.now
	for i := range 5 {
		r.paidAt(fmt.Sprint("w", i), "p1", at)
	}
	r.later(9 * time.Hour)
	for i := range 2000 {
		r.pay(fmt.Sprint("x", i), "p")
	}
	late := func() *Alert {
		for _, a := range r.m.AlertsView() {
			if a.Rule == "EventsLate" && a.Ended == 0 && a.Label("rule") == "PaidTwice" {
				return &a
			}
		}
		return nil
	}
	for i := range 5 {
		r.paidAt(fmt.Sprint("w", i), "p2", r.now.Add(-9*time.Hour))
	}
	r.later(29 * time.Second)
	r.tick()
	if late() != nil {
		t.Fatal("told before anybody could have read the tape")
	}
	r.later(2 * time.Second)
	r.tick()
	a := late()
	if a == nil || a.Label("severity") != "critical" || a.About.Arg("lag") != decimalOf(int64(9*time.Hour)) {
		t.Fatalf("%+v is not the alert of a recount that is due", a)
	}
	r.load(strings.Replace(testRules, "mitigate: [stop]", "mitigate: [{use: stop, mode: shadow}]", 1))
	if b := late(); b == nil || b.Label("severity") != "warning" || b.ID == a.ID {
		t.Fatalf("the rule closes nothing any more: %+v", b)
	}
	r.load(testRules)
	if a = late(); a == nil || a.Label("severity") != "critical" {
		t.Fatalf("it closes again: %+v", a)
	}
	r.restarted()
	r.recount(true)
	if a = late(); a == nil || !strings.Contains(string(a.About.Kind), "lost") {
		t.Fatalf("%+v is not the alert of a recount that did not find all", a)
	}
	r.later(23 * time.Hour)
	r.tick()
	if late() == nil {
		t.Fatal("it is over too soon")
	}
	r.restarted()
	r.later(2 * time.Hour)
	r.tick()
	if a = late(); a != nil || len(r.m.Recounts) != 0 {
		t.Errorf("after a day: %+v, owed %v", a, r.m.Recounts)
	}
	r.paidAt("w1", "p3", at.Add(time.Minute))
	r.later(time.Minute)
	r.tick()
	if late() == nil {
		t.Fatal("not told")
	}
	r.recount(false)
	if a = late(); a != nil || len(r.m.Recounts) != 0 {
		t.Errorf("after a recount that found all: %+v, owed %v", a, r.m.Recounts)
	}
	r.paidAt("w2", "p3", at.Add(time.Minute))
	r.later(time.Minute)
	r.tick()
	r.load(strings.Replace(testRules, "PaidTwice", "Another", 1))
	if a = late(); a != nil || len(r.m.Recounts) > 2 {
		t.Errorf("after the rule is gone: %+v, owed %v", a, r.m.Recounts)
	}
}

// TestManyLate sends more late keys than are kept to wait: that is told.
func TestManyLate(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "severity: critical", "severity: warning", 1))
	for i := range maxWaiting + 10 {
		r.paidAt(fmt.Sprint("w", i), "p1", r.now.Add(-100*time.Hour))
	}
	if n := len(r.m.Recounts); n == 0 {
		t.Fatal("nothing is due")
	}
	r.recount(false)
	if !slices.Contains(r.standing(), "EventsLate") {
		t.Errorf("it is not told that not all was recounted: %v", r.standing())
	}
}

// TestRecountBringsWhatIsForgottenMeanwhile: what a rule still has while the tape is
// read may be forgotten before the recount is applied.
func TestRecountBringsWhatIsForgottenMeanwhile(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, ">= 2", ">= 3", 1))
	at := r.now
	left := func(n int) { // once others come for whom there is no room
		t.Helper()
		key := r.m.hash([]byte("\x00\x00\x00\x02w1"))
		held := func() int { return len(r.m.states[r.m.live.set.Rules[0].ID].(form.Recounter).Held(key)) }
		for i := 0; i < 5000 && held() > n; i++ {
			r.pay(fmt.Sprint("x", r.now, i), "p")
		}
		if held() != n {
			t.Fatalf("%d payments are held, want %d", held(), n)
		}
	}
	r.later(75 * time.Minute)
	passes := func(d time.Duration) {
		for end := r.now.Add(d); r.now.Before(end); r.later(10 * time.Minute) {
			r.pay(fmt.Sprint("y", r.now), "p")
		}
	}
	r.paidAt("w1", "p1", at)
	passes(3 * time.Hour)
	r.paidAt("w1", "p2", at.Add(20*time.Minute))
	passes(75 * time.Minute)
	left(1)
	r.paidAt("w1", "p3", at.Add(40*time.Minute))
	in := r.m.Recounter()
	if in == nil {
		t.Fatal("nothing is due")
	}
	back := r.readBack(in)
	passes(90 * time.Minute)
	r.pay("w1", "p3") // takes the room of the second
	left(2)
	for _, rc := range back {
		r.must(r.json(entry.KindRecount, rc))
	}
	r.wantClosed("btc", true)
	r.restarted()
}

// TestSteadyBacklog sends what is late all the time, each piece of which is recounted
// within seconds: nobody is told. What is not recounted is told, however much else is.
func TestSteadyBacklog(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "by: [data.request]", "by: [data.asset]", 1))
	from := r.now.Add(-100 * time.Hour)
	said := func() bool { return slices.Contains(r.standing(), "EventsLate") }
	second := func(i int) {
		r.later(time.Second)
		r.paidAt(fmt.Sprint("w", i), "p1", from.Add(time.Duration(i)*time.Minute))
	}
	for i := range 120 {
		second(2 * i)
		in := r.m.Recounter()
		back := r.readBack(in)
		second(2*i + 1) // comes while the tape is read
		for _, rc := range back {
			r.must(r.json(entry.KindRecount, rc))
		}
		if said() {
			t.Fatalf("told after %d s", 2*i)
		}
	}
	r.restarted()
	for i := range 31 {
		second(500 + i)
	}
	if !said() {
		t.Error("a recount has been due for long, and nobody is told")
	}
	r.recount(false)
	if said() {
		t.Error("all was recounted, and it stands")
	}
}
