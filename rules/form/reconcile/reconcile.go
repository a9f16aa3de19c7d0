// Package reconcile is the form of two sides that must agree: each event of a side has
// one partner of its own on the other side, with an equal key and about the same time. A
// rule is true of a key when an event is left without.
//
// It promises that as many events as can be go together, whatever order they came in, and
// that what is left over is proven to be, or said not to be: its partner has not come once
// those who report it were heard past the deadline.
package reconcile

import (
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A rule compares two sides, key by key.
type rule struct {
	sources  []match.Source // of both sides and, if there is one, of except
	names    [2]string
	asked    [2]bool       // the sides whose events must have a partner
	settle   time.Duration // how far partners of both sides may be apart
	within   time.Duration // how long what has none can still get one
	grace    time.Duration
	lateness time.Duration
	spare    time.Duration // how long what has a partner is kept, for what comes late
}

const (
	// defaultSettle is how far partners may be apart, where the rule does not say.
	defaultSettle = 30 * time.Second
	// defaultWithin is how long an event can get a partner: a day's backlog is a late
	// partner, and what is older was told of and looked at.
	defaultWithin = 24 * time.Hour
	// mostWithin bounds it, since all that has no partner is kept for so long.
	mostWithin = 400 * 24 * time.Hour
	// mostGrace bounds how long after its deadline what is not proven is told, where
	// the rule does not say.
	mostGrace = 30 * time.Second
	// How long what has a partner is kept, where the rule does not say how late events
	// may be: as long as one without, within these bounds.
	leastSpare = time.Minute
	mostSpare  = 24 * time.Hour
	// stands is how long an alert stands for the last event that has no partner.
	stands = time.Hour
)

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return r.sources }

// Excuses implements form.Excuser.
func (r *rule) Excuses() (events []string) {
	for _, s := range r.sources[min(except, len(r.sources)):] {
		events = append(events, s.Event)
	}
	return events
}

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("reconcile rule 1", group, name)
	for i := range r.sources {
		d.Add(r.sources[i].Event, r.sources[i].Where.String())
		d.By(r.sources[i].By)
	}
	for side, asked := range r.asked {
		if asked {
			d.Add("asked", [...]string{"first", "second"}[side])
		}
	}
	for _, length := range []time.Duration{r.settle, r.within, r.grace, r.lateness} {
		d.Length(length)
	}
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration {
	return r.settle + r.within + r.spare + time.Duration(r.before())
}

// before is how much older than an event its partner may be.
func (r *rule) before() int64 {
	if len(r.sources) > except {
		return int64(r.within)
	}
	return int64(r.settle)
}

// keep is how long after its time and its arrival an event is kept.
func (r *rule) keep(near bool) int64 {
	if near {
		return int64(r.settle + r.spare)
	}
	return int64(r.settle + r.spare + r.within)
}
