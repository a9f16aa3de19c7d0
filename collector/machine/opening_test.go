package machine

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// twoRules needs two people to open btc, or one after two minutes.
var twoRules = strings.Replace(testRules, "- {name: btc, mode: enforce}", "- {name: btc, mode: enforce, open: {approvals: 2, alone: {after: 2m}}}", 1)

// agrees decides to open, and wants to have to wait for a second person.
func (r *rig) agrees(d entry.Decision) {
	r.t.Helper()
	d.Do = entry.DoOpen
	out, ok := r.json(entry.KindDecision, d).(Pending)
	if !ok || out.Needed != 2 || Named(d.Actor) && out.Approvals != 1 {
		r.t.Fatalf("%s opens: %v, want it to wait for a second person", d.Actor, out)
	}
	r.wantClosed(d.Gate, true)
}

// opens decides to open, and wants nothing to wait.
func (r *rig) opens(d entry.Decision) {
	r.t.Helper()
	d.Do = entry.DoOpen
	if out := r.json(entry.KindDecision, d); out != nil {
		r.t.Fatalf("%s opens: %v", d.Actor, out)
	}
}

// by is an opening of btc.
func by(actor, verdict string) entry.Decision {
	return entry.Decision{Actor: actor, Gate: "btc", Reason: actor + " looked", Verdict: verdict}
}

func closedByRule(t *testing.T) *rig {
	r := newRig(t, twoRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
	return r
}

// wantStep looks for a step in the log of the newest incident.
func (r *rig) wantStep(actor string, said record.Note) {
	r.t.Helper()
	steps := r.m.IncidentsView()[0].Log
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Actor == actor && s.Said.Equal(said) }) {
		r.t.Errorf("the log lacks %s %s: %+v", actor, said, steps)
	}
}

func TestTwoPeopleOpen(t *testing.T) {
	r := closedByRule(t)
	epoch := r.gate("btc").Epoch
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r"}, Invalid, "verdict")
	r.agrees(by("alice", VerdictReal))
	wanted := r.named(approvalWanted)
	if len(wanted) != 1 || wanted[0].Label("severity") != "critical" || wanted[0].Label("gate") != "btc" || wanted[0].Incident != "i1" {
		t.Fatalf("%+v", wanted)
	}
	if got, want := wanted[0].About, record.New(record.AboutApproval, "btc", "1", "alice", "", VerdictReal, "alice looked"); !got.Equal(want) {
		t.Errorf("summary %q, want %q", got, want)
	}
	r.later(time.Minute)
	again := by("alice", VerdictTest)
	again.Reason = "alice looked again"
	r.agrees(again) // the same person is no second
	v := r.gate("btc")
	want := []Approval{{Subject: Subject{entry.DoOpen, "btc"}, Actor: "alice", At: r.now.UnixNano(), Reason: "alice looked again", Verdict: VerdictTest, AsOf: v.Reached}}
	if d := cmp.Diff(want, v.Approvals); d != "" || v.Epoch != epoch {
		t.Errorf("epoch %d, was %d\n%s", v.Epoch, epoch, d)
	}
	r.restarted()
	r.opens(by("bob", VerdictReal))
	if v := r.wantClosed("btc", false); v.Approvals != nil {
		t.Errorf("agreements outlived the opening: %+v", v.Approvals)
	}
	if len(r.named(approvalWanted))+len(r.named(gateClosed))+len(r.named(openedAlone)) != 0 {
		t.Errorf("standing %+v", r.m.AlertsView())
	}
	if in := r.m.IncidentsView()[0]; in.Verdict != VerdictReal || in.Ended == 0 {
		t.Errorf("the last verdict counts, and ends what it judged: %+v", in)
	}
	r.wantStep("alice", record.New(record.OpeningApproved, "btc", "", VerdictReal, "alice looked"))
	r.wantStep("alice", record.New(record.OpeningApproved, "btc", "", VerdictTest, "alice looked again"))
	r.wantStep("bob", record.New(record.OpenedByTwo, "btc", "alice", VerdictReal, "bob looked"))
	if e := r.m.EffectsView()[0]; e.State != Undone || e.Actor != "bob" {
		t.Errorf("%+v", e)
	}
}

// Whoever only has the loopback address or the socket is no person by name,
// neither the first nor the second.
func TestUnnamedNeverCount(t *testing.T) {
	r := closedByRule(t)
	r.agrees(by("local", VerdictReal))
	if got := r.named(approvalWanted)[0].About; got.Arg("named") != "0" {
		t.Errorf("summary %q", got)
	}
	r.agrees(by("uid:1000", VerdictReal))
	counted := func(want int) {
		t.Helper()
		d := by("uid:1001", VerdictReal)
		d.Do = entry.DoOpen
		if out := r.json(entry.KindDecision, d); out != (Pending{want, 2}) {
			t.Errorf("%v, want %d that count", out, want)
		}
	}
	counted(0)
	r.agrees(by("alice", VerdictReal))
	counted(1)
	r.agrees(by("local", VerdictReal))
	r.agrees(by("uid:1000", VerdictReal))
	if n := len(r.gate("btc").Approvals); n != 4 {
		t.Errorf("%d agreements are shown, want 4", n)
	}
	r.wantStep("local", record.New(record.OpeningUnnamed, "btc", "", VerdictReal, "local looked"))
	r.opens(by("bob", VerdictReal))
	r.wantClosed("btc", false)
}

// An agreement is about what its person saw.
func TestAgreementsLapse(t *testing.T) {
	for name, lapse := range map[string]func(r *rig){
		"a hold by a rule":   func(r *rig) { r.pay("w2", "p3"); r.pay("w2", "p4") },
		"a hold by a person": func(r *rig) { r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "more"})) },
		"a hold on one request": func(r *rig) {
			r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "m", Match: map[string]string{"request": "w"}}))
		},
		"an hour, and a tick":       func(r *rig) { r.later(time.Hour); r.tick() },
		"an hour, and nobody ticks": func(r *rig) { r.later(time.Hour) },
		"other rules for opening":   func(r *rig) { r.load(strings.Replace(twoRules, "2m", "3m", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := closedByRule(t)
			r.agrees(by("alice", VerdictReal))
			lapse(r)
			r.agrees(by("bob", VerdictReal))
			if v := r.gate("btc"); len(v.Approvals) != 1 || v.Approvals[0].Actor != "bob" {
				t.Errorf("agreed %+v", v.Approvals)
			}
			if wanted := r.named(approvalWanted); len(wanted) != 1 || wanted[0].About.Arg("by") != "bob" {
				t.Errorf("%+v", wanted)
			}
			r.restarted()
		})
	}
	// Each lapses in its own time, and is due then.
	r := closedByRule(t)
	r.agrees(by("alice", VerdictReal))
	r.later(50 * time.Minute)
	r.agrees(by("local", VerdictReal))
	r.later(10 * time.Minute)
	if due := r.m.Due(); due != r.now.UnixNano() {
		t.Errorf("due %s, want %s", time.Unix(0, due).UTC(), r.now)
	}
	r.tick()
	if v := r.gate("btc"); len(v.Approvals) != 1 || v.Approvals[0].Actor != "local" || len(r.named(approvalWanted)) != 1 {
		t.Errorf("agreed %+v", v.Approvals)
	}
	r.later(50 * time.Minute)
	r.tick()
	if v := r.gate("btc"); v.Approvals != nil || len(r.named(approvalWanted)) != 0 {
		t.Errorf("agreed %+v", v.Approvals)
	}
	r.wantClosed("btc", true)
}

// A wrong stop can be undone by one person, who is not the only one to know.
func TestAlone(t *testing.T) {
	for _, actor := range []string{"alice", "local", "uid:1000"} {
		t.Run(actor, func(t *testing.T) {
			r := closedByRule(t)
			r.later(2*time.Minute - 1)
			r.agrees(by(actor, VerdictFalse)) // too soon
			r.later(1)
			r.agrees(by(actor, VerdictReal)) // not a wrong stop
			r.pay("w2", "p3")
			r.pay("w2", "p4")
			r.agrees(by(actor, VerdictFalse)) // the newest hold is what counts
			r.later(2 * time.Minute)
			r.opens(by(actor, VerdictFalse))
			r.wantClosed("btc", false)
			a := r.named(openedAlone)
			if len(a) != 1 || a[0].Label("gate") != "btc" || a[0].Label("by") != actor || a[0].Label("severity") != "critical" || a[0].Incident != "i1" {
				t.Fatalf("%+v", a)
			}
			if got, want := a[0].About, record.New(record.AboutOpenedAlone, "btc", actor, VerdictFalse, actor+" looked"); !got.Equal(want) {
				t.Errorf("summary %q, want %q", got, want)
			}
			r.wantStep(actor, record.New(record.OpenedAlone, "btc", VerdictFalse, actor+" looked"))
			r.later(time.Hour - 1)
			r.tick()
			if len(r.named(openedAlone)) != 1 {
				t.Error("it was told for less than an hour")
			}
			r.later(1)
			r.tick()
			if in := r.m.IncidentsView()[0]; len(r.named(openedAlone)) != 0 || in.Ended == 0 || in.Verdict != VerdictFalse {
				t.Errorf("an hour later: %+v, %+v", r.m.AlertsView(), in)
			}
			r.restarted()
		})
	}
	// Each time is news, also within the hour.
	r := closedByRule(t)
	for i := range 3 {
		r.later(2 * time.Minute)
		r.opens(by("alice", VerdictFalse))
		if n := len(r.named(openedAlone)); n != i+1 {
			t.Errorf("%d are told of %d openings", n, i+1)
		}
		r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "again"}))
	}
	// Two who agree are not alone.
	r = closedByRule(t)
	r.agrees(by("alice", VerdictFalse))
	r.later(2 * time.Minute)
	r.opens(by("bob", VerdictFalse))
	if len(r.named(openedAlone)) != 0 {
		t.Error("two people opened, and one is said to have")
	}
	// Without `alone` nobody is.
	r = newRig(t, strings.Replace(twoRules, ", alone: {after: 2m}", "", 1))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.later(48 * time.Hour)
	r.agrees(by("alice", VerdictFalse))
}

// Whoever may only approve is the second person or nobody, even where somebody
// else agreed to something else, or one person might open alone.
func TestApproverIsOnlySecond(t *testing.T) {
	r := closedByRule(t)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "more"}))
	first := by("alice", VerdictReal)
	first.Hold = r.gate("btc").Holds[0].ID
	r.agrees(first)
	r.later(2 * time.Minute)
	second := by("bob", VerdictFalse)
	second.Do, second.Second = entry.DoOpen, true
	r.refused(second, Conflict, "")
	if v := r.wantClosed("btc", true); len(v.Approvals) != 1 || len(v.Holds) != 2 {
		t.Errorf("%+v", v)
	}
	second.Hold = first.Hold
	r.opens(second)
	if v := r.wantClosed("btc", true); len(v.Holds) != 1 {
		t.Errorf("%+v", v)
	}
	// A gate that has come to take one person takes one who may operate.
	r.load(testRules)
	second.Hold = ""
	r.refused(second, Conflict, "")
	r.wantClosed("btc", true)
}

// One hold takes as many people as all of them, and they have to mean the same.
func TestTwoPeopleLiftOneHold(t *testing.T) {
	r := closedByRule(t)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "more"}))
	holds := r.gate("btc").Holds
	one := func(actor, hold string) entry.Decision {
		d := by(actor, VerdictReal)
		d.Hold = hold
		return d
	}
	r.agrees(one("alice", holds[0].ID))
	r.agrees(one("bob", holds[1].ID))
	r.agrees(by("carol", VerdictReal))
	r.wantStep("alice", record.New(record.OpeningApproved, "btc", "h1", VerdictReal, "alice looked"))
	r.opens(one("dave", holds[1].ID))
	if v := r.wantClosed("btc", true); len(v.Holds) != 1 || v.Holds[0].ID != holds[0].ID || v.Approvals != nil {
		t.Fatalf("%+v", v)
	}
	if len(r.named(gateClosed)) != 1 {
		t.Error("a hold is left, and the gate is not said to be closed")
	}
	// The only hold there is, is all there is: an undo and an opening are about
	// the same, and undoing takes two people too.
	e := r.m.EffectsView()[0]
	if out := r.json(entry.KindDecision, entry.Decision{Do: entry.DoUndo, Actor: "alice", Effect: e.ID, Reason: "r", Verdict: VerdictTest}); out != (Pending{1, 2}) {
		t.Fatalf("undo: %v", out)
	}
	r.opens(by("bob", VerdictTest))
	r.wantClosed("btc", false)
	// What was done before is done: an answer was lost.
	r.opens(one("erin", holds[0].ID))
	r.opens(by("erin", VerdictReal))
}

// A person's hold, and one because of a restore, take two people too.
func TestTwoPeopleForOtherHolds(t *testing.T) {
	r := newRig(t, twoRules)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "r"}))
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc"}, Invalid, "reason")
	r.agrees(entry.Decision{Actor: "alice", Gate: "btc", Reason: "done"})
	r.opens(entry.Decision{Actor: "bob", Gate: "btc", Reason: "done"})
	r.wantClosed("btc", false)
	r.wantStep("bob", record.New(record.OpenedByTwo, "btc", "alice", "", "done"))
	r.must(r.json(entry.KindRestored, entry.Restored{Actor: "root", Backup: r.now}))
	r.agrees(entry.Decision{Actor: "alice", Gate: "btc", Reason: "compared"})
	r.opens(entry.Decision{Actor: "bob", Gate: "btc", Reason: "compared"})
	r.wantClosed("btc", false)
	// A gate that left the rule files takes what it took.
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "r"}))
	r.load("gates: [{name: eth, mode: enforce}]\n")
	r.agrees(entry.Decision{Actor: "alice", Gate: "btc", Reason: "gone"})
	r.opens(entry.Decision{Actor: "bob", Gate: "btc", Reason: "gone"})
}

// Agreements are bounded, and what people say of them.
func TestAgreementsAreBounded(t *testing.T) {
	r := closedByRule(t)
	for i := range 50 {
		d := by("uid:"+strings.Repeat("9", i+1), VerdictReal)
		d.Reason = strings.Repeat("long ", 10_000)
		r.agrees(d)
	}
	if n := len(r.gate("btc").Approvals); n != maxApprovals {
		t.Errorf("%d agreements", n)
	}
	if n := len(r.named(approvalWanted)[0].About.String()); n > 1000 {
		t.Errorf("a summary of %d bytes", n)
	}
	twin := New()
	if err := twin.Restore(bytes.NewReader(r.m.Snapshot().Bytes)); err != nil {
		t.Fatal(err)
	}
	if twin.Hash() != r.m.Hash() {
		t.Error("agreements do not come back from a snapshot as they were")
	}
}
