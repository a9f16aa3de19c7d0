package host

import (
	"context"
	"errors"
	"time"
)

// lateAfter is how old what an errand found may become while the next run of
// it does not end.
const lateAfter = 30 * time.Second

var errLate = errors.New("no answer for too long")

// An errand is work that may be slow or never return, so it is done off the
// tick. At most one run of it is under way: one that hangs is not repeated. All
// but the work itself belongs to the tick's goroutine.
type errand struct {
	health
	ctx     context.Context // ends with the collector
	every   time.Duration
	started time.Time
	done    chan error
	busy    bool
}

func (c *Collector) newErrand(name string, every time.Duration) errand {
	return errand{health: health{name: name, log: c.log}, ctx: c.ctx, every: every, done: make(chan error, 1)}
}

// poll takes the result of a run that has ended. It tells whether one has been
// under way for so long that what is known is too old to be told.
func (e *errand) poll(now time.Time) (late bool) {
	if !e.busy {
		return false
	}
	select {
	case err := <-e.done:
		e.busy = false
		e.report(err)
		return false
	default:
	}
	if late = now.Sub(e.started) >= lateAfter; late {
		e.report(errLate)
	}
	return late
}

// due tells whether it is time to start. A clock that went back does not delay
// it.
func (e *errand) due(now time.Time) bool {
	age := now.Sub(e.started)
	return !e.busy && (age >= e.every || age < 0)
}

func (e *errand) start(now time.Time, work func(context.Context) error) {
	e.started, e.busy = now, true
	go func() { e.done <- work(e.ctx) }() // poll takes what it found; wait, until a deadline
}

// wait waits for what is under way, until the deadline.
func (e *errand) wait(deadline <-chan struct{}) {
	if !e.busy {
		return
	}
	select {
	case err := <-e.done:
		e.busy = false
		e.report(err)
	case <-deadline:
	}
}
