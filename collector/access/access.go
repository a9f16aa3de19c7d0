// Package access is who may do what: the rights of people, and the one place
// that asks for the right which a decision needs.
//
// It promises that no decision reaches the ledger without the name of a person
// who may take it, and that the API and the screen answer alike. It does not
// know people: who asks is found out by package auth.
package access

import (
	"context"
	"net/http"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// Rights of people.
const (
	MayView    = "view"
	MayOperate = "operate" // close and open gates, give verdicts, silence
	MayApprove = "approve" // effects that wait for a person, and openings that another has asked for
	MayReveal  = "reveal"  // see what rule files call private
)

// A ForbiddenError says why the asker may not.
type ForbiddenError struct{ Err error }

func (e *ForbiddenError) Error() string { return e.Err.Error() }

func (e *ForbiddenError) Unwrap() error { return e.Err }

// State is what is read of the machine.
type State interface {
	GateView(name string) (machine.GateView, bool)
	EffectView(id string) (machine.Effect, bool)
}

// A Decider takes the decisions of people.
type Decider struct {
	State State
	// Actor says who asks for what needs the right, or why they may not.
	Actor func(r *http.Request, right string) (string, error)
	// Submit puts a decision into the ledger and returns its outcome.
	Submit func(context.Context, entry.Decision) (any, error)
}

// Decide puts a decision into the ledger under the asker's name. The outcome is
// machine.Pending if it takes more people. The error is a *ForbiddenError, a
// *machine.Refusal, or one of the ledger's.
func (d *Decider) Decide(r *http.Request, what entry.Decision) (any, error) {
	var err error
	if what.Actor, what.Second, err = d.actor(r, what); err != nil {
		return nil, &ForbiddenError{err}
	}
	out, err := d.Submit(r.Context(), what)
	if err != nil {
		return nil, err
	}
	if refused, ok := out.(error); ok {
		return nil, refused
	}
	return out, nil
}

// actor is the person who takes a decision, and whether they may only as the
// second of two people who open a gate: that needs less than the first, the
// right to approve.
func (d *Decider) actor(r *http.Request, what entry.Decision) (actor string, second bool, err error) {
	right := MayOperate
	if what.Do == entry.DoApprove || what.Do == entry.DoDecline {
		right = MayApprove
	}
	actor, err = d.Actor(r, right)
	if err == nil || what.Do != entry.DoOpen && what.Do != entry.DoUndo {
		return actor, false, err
	}
	approver, lacks := d.Actor(r, MayApprove)
	if v, ok := d.State.GateView(d.gate(what)); lacks == nil && ok && v.Awaits(approver) {
		return approver, true, nil
	}
	return "", false, err
}

// gate is the one that a decision would open.
func (d *Decider) gate(what entry.Decision) string {
	if what.Do == entry.DoOpen {
		return what.Gate
	}
	e, _ := d.State.EffectView(what.Effect)
	return e.Target
}
