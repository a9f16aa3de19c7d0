package machine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// planned is an effect of an action on another system, as a rule file that may
// name one would plan it.
func planned(t *testing.T, mode rules.Mode) (*rig, *Alert) {
	t.Helper()
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	a := r.m.byID[r.m.AlertsView()[0].ID]
	r.m.mitigate(a, a.Rule, []rules.Use{{Mitigation: &rules.Mitigation{Name: "pause", Action: "asynq.pause", Target: "queue:payouts", Mode: mode}}})
	return r, a
}

func (r *rig) newestEffect() Effect {
	all := r.m.EffectsView()
	return all[len(all)-1]
}

func (r *rig) reportsOf(e Effect, to EffectState, attempt int, said record.Note) *Refusal {
	x := entry.Result{Effect: e.ID, State: string(to), Attempt: attempt, Said: said}
	if to == Attempting {
		x.Deadline = r.now.Add(5 * time.Second).UnixNano()
	}
	refusal, _ := r.json(entry.KindResult, x).(*Refusal)
	return refusal
}

// TestEffectLife is an effect on a target that is no gate, through all its life:
// an attempt that nobody answered is observed, only after its deadline, before
// anything is repeated.
func TestEffectLife(t *testing.T) {
	r, _ := planned(t, rules.Enforce)
	e := r.newestEffect()
	if e.State != Planned || e.Target != "queue:payouts" || e.Hold != "" {
		t.Fatalf("planned for the edge: %+v", e)
	}
	step := func(to EffectState, attempt int, want bool) {
		t.Helper()
		refusal := r.reportsOf(e, to, attempt, record.New(record.ResultObserved, "as it was"))
		if got := refusal == nil; got != want {
			t.Fatalf("%s from %s: %v", to, r.newestEffect().State, refusal)
		}
	}
	step(Applied, 0, false) // never without an attempt that was written down
	step(Verified, 0, false)
	step(Attempting, 2, false)
	step(Attempting, 1, true)
	step(Attempting, 2, false) // one at a time
	r.later(time.Second)
	r.must(r.json(entry.KindLead, entry.Lead{})) // the collector was killed meanwhile
	if got := r.newestEffect(); got.State != Unknown || got.Result.Kind != record.ResultInterrupted {
		t.Fatalf("after another lead: %+v", got)
	}
	step(Attempting, 2, false) // unknown is not failed
	step(Observed, 1, false)   // it may still arrive
	r.later(5 * time.Second)
	step(Observed, 1, true)
	step(Attempting, 2, true)
	step(Applied, 1, false) // of the first attempt
	step(Applied, 2, true)
	step(Verified, 2, true)
	r.restarted()
	if refusal := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "over"}); refusal != nil {
		t.Fatal(refusal)
	}
	step(Undone, 2, true)
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "again"}); err == nil {
		t.Error("undone twice")
	}
	if got := r.newestEffect(); got.State != Undone || got.Attempt != 2 || got.Key("c0") != "c0/"+e.ID {
		t.Errorf("%+v", got)
	}
}

// TestEffectWaits is one that needs a person, who approves or declines it.
func TestEffectWaits(t *testing.T) {
	r, a := planned(t, rules.Approve)
	e := r.newestEffect()
	if refusal := r.reportsOf(e, Attempting, 1, record.Note{}); refusal == nil {
		t.Error("tried without approval")
	}
	r.refused(entry.Decision{Do: entry.DoDecline, Effect: e.ID}, Invalid, "reason")
	if err := r.decide(entry.Decision{Do: entry.DoDecline, Effect: e.ID, Actor: "bob", Reason: "known"}); err != nil {
		t.Fatal(err)
	}
	if got := r.newestEffect(); got.State != Declined || got.Actor != "bob" || !got.Result.Equal(record.New(record.ResultDeclined, "bob", "known")) {
		t.Errorf("%+v", got)
	}
	r.wantStep("bob", record.New(record.EffectDeclined, e.ID, "known"))
	r.refused(entry.Decision{Do: entry.DoApprove, Effect: e.ID}, Conflict, "")
	use := []rules.Use{{Mitigation: &rules.Mitigation{Name: "pause", Action: "asynq.pause", Target: "queue:payouts", Mode: rules.Approve}}}
	r.m.mitigate(a, a.Rule, use) // what makes the alert true again asks again
	again := r.newestEffect()
	if again.ID == e.ID || again.State != Planned {
		t.Fatalf("%+v", again)
	}
	if err := r.decide(entry.Decision{Do: entry.DoApprove, Effect: again.ID}); err != nil {
		t.Fatal(err)
	}
	if refusal := r.reportsOf(again, Attempting, 1, record.Note{}); refusal != nil || r.newestEffect().State != Attempting {
		t.Errorf("approved, and cannot be tried: %v", refusal)
	}
	if refusal := r.reportsOf(again, Refused, 1, record.New(record.ResultTargetSaid, "no such queue")); refusal != nil || !r.newestEffect().State.ended() {
		t.Errorf("%v, %+v", refusal, r.newestEffect())
	}
}

// TestEffectsMoveAsTold reports states at random: an effect takes only those that
// may follow, and a state that ends is never left.
func TestEffectsMoveAsTold(t *testing.T) {
	states := []EffectState{Planned, Approved, Attempting, Applied, Refused, Unknown, Observed, Verified, Undoing, Undone, Declined, "nonsense"}
	ends := map[EffectState]int{}
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		r, _ := planned(t, []rules.Mode{rules.Approve, rules.Enforce}[seed%2])
		id := r.newestEffect().ID
		for range 30 {
			before, _ := r.m.EffectView(id)
			switch rnd.IntN(8) {
			case 0:
				r.later(time.Duration(rnd.IntN(8)) * time.Second)
			case 1:
				r.json(entry.KindDecision, entry.Decision{Do: []string{entry.DoApprove, entry.DoDecline, entry.DoUndo}[rnd.IntN(3)], Actor: "bob", Effect: id, Reason: "r"})
			case 2:
				r.json(entry.KindLead, entry.Lead{})
			default:
				_ = r.reportsOf(before, states[rnd.IntN(len(states))], before.Attempt+rnd.IntN(2), record.Note{})
			}
			after, _ := r.m.EffectView(id)
			if after.State != before.State && !reachable(before.State, after.State) {
				t.Fatalf("seed %d: from %s to %s", seed, before.State, after.State)
			}
			if after.Attempt > before.Attempt && before.State == Unknown {
				t.Fatalf("seed %d: repeated while unknown", seed)
			}
		}
		after, _ := r.m.EffectView(id)
		ends[after.State]++
	}
	for _, s := range []EffectState{Refused, Undone, Declined, Unknown} {
		if ends[s] == 0 {
			t.Errorf("nothing ended as %s, and this shows nothing: %v", s, fmt.Sprint(ends))
		}
	}
}

// reachable tells whether a state follows another in at most two steps, as an
// approval that is carried out at once does.
func reachable(from, to EffectState) bool {
	return slices.Contains(follows[from], to) || slices.ContainsFunc(follows[from], func(s EffectState) bool { return s == Approved && slices.Contains(follows[s], to) })
}

// TestTakenBack is an effect that a person does not want any more: it is tried no
// more, whatever becomes of an attempt that is under way.
func TestTakenBack(t *testing.T) {
	r, _ := planned(t, rules.Approve)
	e := r.newestEffect()
	if err := r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}); err != nil {
		t.Fatal(err)
	}
	if refusal := r.reportsOf(e, Applied, 0, record.Note{}); refusal == nil {
		t.Error("applied without an attempt that was written down")
	}
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "wrong"}); err != nil || r.newestEffect().State != Undone {
		t.Errorf("an approved one that was not tried yet cannot be taken back: %v", err)
	}
	r, _ = planned(t, rules.Enforce)
	e = r.newestEffect()
	r.off(0)
	if refusal := r.reportsOf(e, Attempting, 1, record.Note{}); refusal == nil {
		t.Error("tried while automatic effects are off")
	}
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "bob", On: true}))
	for _, to := range []EffectState{Attempting, Applied} {
		if refusal := r.reportsOf(e, to, 1, record.Note{}); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "wrong", Second: true}); err == nil {
		t.Error("undone by somebody who may only approve")
	}
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "wrong"}); err != nil {
		t.Fatal(err)
	}
	r.must(r.json(entry.KindLead, entry.Lead{}))
	r.later(time.Minute)
	if refusal := r.reportsOf(e, Observed, 1, record.Note{}); refusal != nil {
		t.Fatal(refusal)
	}
	if refusal := r.reportsOf(e, Attempting, 2, record.Note{}); refusal == nil {
		t.Error("tried again although a person took it back")
	}
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "still"}); err != nil || r.newestEffect().State != Undoing {
		t.Errorf("undone again: %v", err)
	}
}

// TestNotesWithoutKind has an entry whose note says nothing: in memory and in a
// snapshot it is the same.
func TestNotesWithoutKind(t *testing.T) {
	r := newRig(t, testRules)
	body := []byte(`{"name":"DiskLow","firing":true,"text":{"a":"b"}}`)
	r.must(r.apply(entry.KindCondition, body))
	twin := New()
	if err := twin.Restore(bytes.NewReader(r.m.Snapshot().Bytes)); err != nil {
		t.Fatal(err)
	}
	r.later(time.Second)
	r.must(r.apply(entry.KindCondition, body))
	twin.Apply(r.tape[len(r.tape)-1])
	if twin.Hash() != r.m.Hash() {
		t.Error("a note without a kind is another one after a restart")
	}
}
