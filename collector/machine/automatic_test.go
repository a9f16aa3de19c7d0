package machine

import (
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

func (r *rig) off(d time.Duration) {
	r.t.Helper()
	r.decided(r.decide(entry.Decision{Do: entry.DoSwitch, For: d, Reason: "the node is moved."}))
}

func TestSwitch(t *testing.T) {
	r := newRig(t, testRules)
	r.refused(entry.Decision{Do: entry.DoSwitch}, Invalid, "reason")
	r.refused(entry.Decision{Do: entry.DoSwitch, Reason: "r", For: 24*time.Hour + 1}, Invalid, "for")
	r.refused(entry.Decision{Do: entry.DoSwitch, Reason: "r", For: -time.Hour}, Invalid, "for")
	r.refused(entry.Decision{Do: entry.DoSwitch, Reason: "r", For: time.Millisecond}, Invalid, "for")
	r.refused(entry.Decision{Do: entry.DoSwitch, On: true, For: time.Hour}, Invalid, "for")
	r.decided(r.decide(entry.Decision{Do: entry.DoSwitch, On: true})) // it is on
	if s := r.m.AutomaticView(); s != (Automatic{}) || len(r.standing()) != 0 {
		t.Fatalf("%+v", s)
	}
	began := r.now.UnixNano()
	r.off(0)
	s := r.m.AutomaticView()
	if want := (Automatic{Off: true, Since: began, Until: began + int64(2*time.Hour), Actor: "alice", Reason: "the node is moved."}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	a := r.named(automaticOff)
	if len(a) != 1 || len(a[0].Labels) != 3 || a[0].Label(Mark) != MarkBuiltIn || a[0].Label("severity") != "warning" || a[0].Incident != "" {
		t.Fatalf("%+v", a)
	}
	if got, want := a[0].About, record.New(record.AboutAutomaticOff, "alice", decimalOf(s.Until), "the node is moved."); !got.Equal(want) {
		t.Errorf("summary %q, want %q", got, want)
	}
	// Off again while off: the newest word counts, since it was switched off.
	r.later(time.Hour)
	r.off(3 * time.Hour)
	s = r.m.AutomaticView()
	if s.Since != began || s.Until != began+int64(4*time.Hour) || len(r.named(automaticOff)) != 1 {
		t.Errorf("%+v", s)
	}
	if got := r.named(automaticOff)[0].About; got.Arg("until") != decimalOf(s.Until) || s.Until != began+int64(4*time.Hour) {
		t.Errorf("summary %q", got)
	}
	r.restarted()
	// It goes on by itself, in time.
	if due := r.m.Due(); due != s.Until {
		t.Errorf("due %d, want %d", due, s.Until)
	}
	r.later(3*time.Hour - 1)
	r.tick()
	if !r.m.AutomaticView().Off {
		t.Error("on too soon")
	}
	r.later(1)
	r.tick()
	if s := r.m.AutomaticView(); s != (Automatic{Since: r.now.UnixNano()}) || len(r.named(automaticOff)) != 0 || r.m.Due() != 0 {
		t.Errorf("%+v, due %d", s, r.m.Due())
	}
	r.off(time.Hour)
	r.decided(r.decide(entry.Decision{Do: entry.DoSwitch, On: true, Actor: "bob", Reason: "done"}))
	if s := r.m.AutomaticView(); s != (Automatic{Since: r.now.UnixNano(), Actor: "bob", Reason: "done"}) || len(r.named(automaticOff)) != 0 {
		t.Errorf("%+v", s)
	}
}

// While automatic effects are off, what would close a gate waits for a person.
func TestSwitchedOff(t *testing.T) {
	waits := record.New(record.ResultOff)
	r := newRig(t, testRules)
	r.off(0)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc", false)
	e := r.m.EffectsView()[0]
	if e.State != Planned || e.Mode != rules.Approve || !e.Result.Equal(waits) {
		t.Errorf("%+v", e)
	}
	r.wantStep("", record.New(record.EffectPlanned, "e1", "stop", "approve", "btc").After(waits))
	// What is in shadow stays there.
	r.send(payout("m1", "w8", "p8", "a", "6"), payout("m2", "w9", "p9", "a", "5.5"))
	if e := r.m.EffectsView()[1]; e.Mode != rules.Shadow || e.Result.Kind != record.ResultShadow {
		t.Errorf("%+v", e)
	}
	// A person may approve, and close.
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}))
	r.wantClosed("btc", true)
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictReal}))
	r.pay("w2", "p1")
	r.pay("w2", "p2")
	r.wantClosed("btc", false)
	// After it went on, the next event that makes it true closes.
	r.decided(r.decide(entry.Decision{Do: entry.DoSwitch, On: true}))
	r.tick()
	r.wantClosed("btc", false)
	r.pay("w2", "p3")
	v := r.wantClosed("btc", true)
	if e, _ := r.m.EffectView("e3"); e.State != Undone || e.Result.Kind != record.ResultSuperseded || v.Holds[0].Effect != "e4" {
		t.Errorf("%+v, holds %+v", e, v.Holds)
	}
}

// The entry at which the time is over is judged as after it.
func TestSwitchGoesOnInTime(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.off(time.Minute)
	r.later(time.Minute)
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
}

// A metric alert that fires all the time has to be said to fire again.
func TestSwitchAndMetrics(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.firing(r.level("Slow"))
	r.later(time.Minute)
	r.off(time.Hour)
	r.later(time.Minute)
	stuck := r.level("Stuck", "instance", "x")
	r.firing(stuck)
	r.wantClosed("btc", false)
	id := r.metricRule("Stuck").ID
	if r.m.Standing(id)[0].Renew || r.m.Standing(r.metricRule("Slow").ID)[0].Renew {
		t.Error("while automatic effects are off nothing is to be renewed")
	}
	r.later(time.Hour)
	r.tick()
	r.wantClosed("btc", false)
	if !r.m.Standing(id)[0].Renew {
		t.Fatal("nothing asks to say again that it fires")
	}
	r.firing(stuck)
	r.wantClosed("btc", true)
	if r.m.Standing(id)[0].Renew {
		t.Error("it was said again, and is asked for still")
	}
}

// TestSwitchAsRead does not switch on what another has switched off since.
func TestSwitchAsRead(t *testing.T) {
	r := newRig(t, testRules)
	off := entry.Decision{Do: entry.DoSwitch, Reason: "r", For: time.Hour}
	if err := r.decide(off); err != nil {
		t.Fatal(err)
	}
	read := uint64(r.m.AutomaticView().Until)
	r.later(time.Minute)
	if err := r.decide(off); err != nil {
		t.Fatal(err)
	}
	r.refused(entry.Decision{Do: entry.DoSwitch, On: true, Epoch: &read}, Conflict, "")
	now := uint64(r.m.AutomaticView().Until)
	if err := r.decide(entry.Decision{Do: entry.DoSwitch, On: true, Epoch: &now}); err != nil || r.m.AutomaticView().Off {
		t.Errorf("as it was read: %v, %+v", err, r.m.AutomaticView())
	}
}

// TestWaitsAfterVerdict takes back a verdict when, after it, an effect waits
// for a person: what was judged is not what happens now.
func TestWaitsAfterVerdict(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	in := r.m.IncidentsView()[0].ID
	for _, d := range []entry.Decision{
		{Do: entry.DoVerdict, Incident: in, Verdict: VerdictFalse},
		{Do: entry.DoSwitch, Reason: "migration"},
	} {
		if err := r.decide(d); err != nil {
			t.Fatal(err)
		}
	}
	r.pay("w2", "p1")
	r.pay("w2", "p2")
	if now, _ := r.m.IncidentView(in); now.Verdict != "" || len(r.m.IncidentsView()) != 1 {
		t.Errorf("the verdict %q stands though an effect waits: %+v", now.Verdict, now.Log)
	}
}
