package collector

import (
	"context"
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// How often it is looked whether anything is to be read back, and how much longer than
// a reading took the tape is left alone after it: one event that is years late has all
// of it read.
const (
	recountEvery = time.Second
	recountRest  = 3
	recountMost  = 5 * time.Minute
)

// recount reads back from the tape what event rules forgot and turn out to need, for
// all of them at once, and puts it into the ledger.
func (l *leader) recount(ctx context.Context) {
	for ctx.Err() == nil {
		rest := recountEvery
		if r := l.machine.Recounter(); r != nil && !l.ledger.Full() { // it is due until it is stored
			began := time.Now()
			if err := l.readBack(ctx, r); err != nil && ctx.Err() == nil {
				l.log.Warn("what late events count with could not be read back", "error", err)
			}
			rest = min(max(rest, recountRest*time.Since(began)), recountMost)
		}
		pause(ctx, rest)
	}
}

// readBack reads the tape once and proposes what it holds. What does not commit is
// still due, and read again; so is all while the tape takes no entries.
func (l *leader) readBack(ctx context.Context, r *machine.Recounter) error {
	from, reached := l.tapeSince(r.From())
	lost, last := !reached, uint64(0)
	for item, err := range l.tape.From(from) {
		if last = item.Index; ctx.Err() != nil || last > r.Through() {
			break
		}
		if err == nil {
			var e entry.Entry
			if e, err = item.Open(); err == nil {
				err = r.Read(e)
			}
		}
		if err != nil {
			lost = true
			l.log.Warn("part of the tape could not be read back", "entry", item.Index, "error", err)
		}
	}
	if last < r.Through() {
		return fmt.Errorf("the tape ends at entry %d, and %d is wanted: it is read again", last, r.Through())
	}
	events := 0
	for _, rc := range r.Recounts(lost) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out, err := l.submitOK(ctx, entry.KindRecount, rc)
		if err != nil {
			return err
		}
		if o, ok := out.(machine.RecountOutcome); ok {
			events += o.Events
		}
	}
	l.log.Info("late events were recounted", "from", from, "through", r.Through(), "events_back", events, "complete", !lost)
	return nil
}

// tapeSince is the first entry on the tape of a ledger time or after it, and whether the
// tape has all since then.
func (c *core) tapeSince(at int64) (index uint64, reached bool) {
	first, last := c.tape.First(), c.tape.Last()
	if last < first {
		return first, true
	}
	n := sort.Search(int(last-first)+1, func(i int) bool { return c.tapeTime(first+uint64(i)) >= at })
	kind, begins := c.tapeBegin()
	return first + uint64(n), kind == entry.KindGenesis || begins <= at
}

// tapeTime is the ledger time of the first entry at or after an index that can be read.
func (c *core) tapeTime(index uint64) int64 {
	for item, err := range c.tape.From(index) {
		if err != nil {
			continue
		}
		if e, err := item.Open(); err == nil {
			return e.Time
		}
	}
	return math.MaxInt64
}

// tapeBegin is the kind and the time of the first entry on the tape.
func (c *core) tapeBegin() (kind entry.Kind, at int64) {
	for item, err := range c.tape.From(c.tape.First()) {
		if err != nil {
			break
		}
		if e, err := item.Open(); err == nil {
			return e.Kind, e.Time
		}
		break
	}
	return 0, math.MaxInt64
}
