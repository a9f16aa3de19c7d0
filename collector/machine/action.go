package machine

import (
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// An action is what a mitigation does. The machine's own change its state in the
// entry that wants them; all others are planned here and tried at the edge.
type action interface {
	// has tells whether there is such a target.
	has(target string) bool
	// most is the strongest mode that the target allows; 0 if it names none.
	most(target string) rules.Mode
	// gates are those that the action on the target concerns.
	gates(target string) []string
	// shadowed is called when an effect is planned in shadow, and says so.
	shadowed(e *Effect) record.Note
	// keptBack is why it waits for a person, whatever is named; zero if it does not.
	keptBack(a *Alert, does *rules.Mitigation) record.Note
	// carryOut is called when an effect may happen; rule has led to it.
	carryOut(e *Effect, rule string)
	// undo takes the effect back because of a decision; nil, Pending or *Refusal.
	undo(e *Effect, d entry.Decision) any
	// takes tells whether the edge may report this state of an effect.
	takes(to EffectState) bool
}

// action is the one of a name; of no name, the only one that there was before
// actions had names.
func (m *Machine) action(name string) action {
	switch name {
	case rules.GateClose, "":
		return gateClose{m}
	case rules.GateHold:
		return gateHold{gateClose{m}}
	}
	return atEdge{m}
}

// gateClose closes a gate, in the entry that proves that it must.
type gateClose struct{ m *Machine }

func (a gateClose) has(gate string) bool        { return a.m.Gates[gate] != nil }
func (a gateClose) most(gate string) rules.Mode { return a.m.Gates[gate].Mode }
func (a gateClose) gates(gate string) []string  { return []string{gate} }
func (a gateClose) takes(to EffectState) bool   { return to == Verified }

func (a gateClose) shadowed(e *Effect) record.Note {
	a.m.turn(e.Target) // would_be has changed
	return record.New(record.ResultShadow)
}

func (a gateClose) keptBack(*Alert, *rules.Mitigation) record.Note { return record.Note{} }

func (a gateClose) carryOut(e *Effect, rule string) {
	h := a.m.hold(&Hold{Gate: e.Target, By: rule, Cause: ByRule, Alert: e.Alert, Effect: e.ID, Count: e.Count, Match: e.Match})
	if e.Count > 1 {
		a.m.tighten(h)
	}
	a.m.must(a.m.move(e, Applied, a.m.took(e, h)))
	e.Hold, e.Epoch, e.Incident = h.ID, a.m.Epoch, h.Incident
}

// undo lifts the hold, under the rules by which the gate opens.
func (a gateClose) undo(e *Effect, d entry.Decision) any {
	if e.Hold == "" {
		return conflict(record.NothingToUndo, e.ID, string(e.State))
	}
	d.Gate, d.Hold = e.Target, e.Hold
	return a.m.openGate(d)
}

// atEdge is every action on another system. What is planned in mode enforce, or
// approved, waits for the edge to try it.
type atEdge struct{ m *Machine }

func (a atEdge) has(target string) bool                         { return target != "" }
func (a atEdge) most(string) rules.Mode                         { return 0 }
func (a atEdge) gates(string) []string                          { return nil }
func (a atEdge) shadowed(*Effect) record.Note                   { return record.New(record.ResultShadow) }
func (a atEdge) carryOut(*Effect, string)                       {}
func (a atEdge) keptBack(*Alert, *rules.Mitigation) record.Note { return record.Note{} }
func (a atEdge) takes(to EffectState) bool                      { return to != Approved && to != Declined && to != Undoing }

// undo asks the edge to take it back; one that was never tried is over at once.
func (a atEdge) undo(e *Effect, d entry.Decision) any {
	to := Undoing
	if e.State == Planned || e.State == Approved {
		to = Undone
	}
	if d.Second || a.m.move(e, to, record.New(record.ResultUndone, d.Actor, d.Reason)) != nil {
		return conflict(record.NothingToUndo, e.ID, string(e.State))
	}
	e.Actor, e.TakeBack = d.Actor, true
	kind := record.EffectUndoing
	if to == Undone {
		kind = record.EffectUndone
	}
	a.m.appendStep(e.Incident, d.Actor, record.New(kind, e.ID).After(e.Result))
	return nil
}

// must is for moves that the life of an effect allows.
func (m *Machine) must(r *Refusal) {
	if r != nil {
		panic("machine: " + r.Error())
	}
}
