package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// An EffectState is where an effect is in its life.
type EffectState string

// The states. Refused, Declined and Undone are ends; an effect in shadow stays
// planned.
const (
	Planned    EffectState = "planned"    // written down, before anything is tried
	Approved   EffectState = "approved"   // by a person; to be tried
	Attempting EffectState = "attempting" // its target is about to be asked, or is asked now
	Applied    EffectState = "applied"    // the target said so
	Refused    EffectState = "refused"    // the target said no, and nothing happened
	Unknown    EffectState = "unknown"    // no answer came: neither yes nor no
	Observed   EffectState = "observed"   // the target was looked at after an attempt of unknown outcome
	Verified   EffectState = "verified"   // it was seen from outside
	Undoing    EffectState = "undoing"    // the target is asked to take it back
	Undone     EffectState = "undone"
	Declined   EffectState = "declined" // by a person; nothing was tried
)

// follows are the states that an effect can take from each.
var follows = map[EffectState][]EffectState{
	Planned:    {Approved, Declined, Attempting, Applied, Undone},
	Approved:   {Attempting, Applied, Undone},
	Attempting: {Applied, Refused, Unknown},
	Unknown:    {Observed},
	Observed:   {Applied, Attempting, Undone, Undoing},
	Applied:    {Verified, Undoing, Undone},
	Verified:   {Undoing, Undone},
	Undoing:    {Undone, Unknown},
}

// An Effect is one carrying-out of one mitigation on one target.
type Effect struct {
	ID, Mitigation string
	Action, Target string
	Match          map[string]string `json:",omitempty"` // what is held at the target; nil for all
	Mode           rules.Mode
	State          EffectState
	Alert          string // the first that wants it
	Count          int    `json:",omitempty"` // of the alerts that want or wanted it, if it is not that one alone
	Incident       string
	Planned        int64
	Result         record.Note // how it came to its state, or why it waits
	Hold           string      // that it put on a gate
	Epoch          uint64      // of the cell, at which it took effect
	Actor          string      `json:",omitempty"` // approved, declined or undid it
	Attempt        int         `json:",omitempty"` // how often it was tried
	TakeBack       bool        `json:",omitempty"` // a person wants it undone: it is tried no more
	Deadline       int64       `json:",omitempty"` // ledger time up to which the last attempt may still reach its target
}

// ended tells whether nothing will come of an effect any more.
func (s EffectState) ended() bool { return len(follows[s]) == 0 }

// Key is what the target is given with each attempt, so that two attempts are
// one action.
func (e Effect) Key(cell string) string { return cell + "/" + e.ID }

// WouldClose tells whether the effect closes its gate, or would.
func (e Effect) WouldClose() bool { return len(e.Match) == 0 }

// KeptBack tells whether an effect waits for approval for a reason of its alert's: it is
// not known what to hold, what it would stop, or whether it happened.
func (e Effect) KeptBack() bool {
	return e.State == Planned && slices.Contains([]record.Kind{record.ResultUnnamed, record.ResultUnasked, record.ResultUnproven}, e.Result.Kind)
}

// SwitchedOff tells whether an effect would have been carried out, if automatic
// effects had not been off.
func (e Effect) SwitchedOff() bool { return e.State == Planned && e.Result.Kind == record.ResultOff }

// move gives an effect a state that can follow, and keeps its counts right.
func (m *Machine) move(e *Effect, to EffectState, result record.Note) *Refusal {
	if !slices.Contains(follows[e.State], to) {
		return conflict(record.WrongState, e.ID, string(e.State), string(to))
	}
	m.tally(e, -1)
	e.State, e.Result = to, result
	m.tally(e, 1)
	m.versions.Gates++
	return nil
}
