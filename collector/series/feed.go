package series

import (
	"context"
	"math"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// feeder brings entries into the TSDB, in the order of the ledger. It is used
// by one goroutine, Run's.
type feeder struct {
	s       *Store
	mark    mark
	streams map[string]*stream // by agent
	buf     []sample           // decoded and not yet committed
	// learning is set while entries are read again that the TSDB has: only what
	// the streams were like is learned from them.
	learning bool
	// stuck is set when the TSDB may lack what it was given: the mark stays
	// where it is, and the next start reads the tape again from there.
	stuck  bool
	at     int64                // ledger time of the newest entry fed
	seldom map[string]time.Time // when was last logged what happens often
}

func newFeeder(s *Store, m mark) feeder {
	return feeder{
		s: s, mark: m, streams: map[string]*stream{}, seldom: map[string]time.Time{},
	}
}

func (f *feeder) run(ctx context.Context) {
	if f.begin(ctx) != nil {
		return
	}
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		if f.consume(ctx, f.s.queue.take()) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-f.s.queue.wake:
		case <-tick.C:
			f.remember()
			f.forget()
		}
	}
}

// begin learns what the streams were like before the start, and catches up
// with what the ledger has.
func (f *feeder) begin(ctx context.Context) error {
	defer func() { f.learning = false }()
	if f.mark.Index > 0 {
		f.learning = true
		if _, err := f.read(ctx, f.mark.back(lookback).Index, f.mark.Index); err != nil {
			return err
		}
		f.learning = false
	}
	if err := f.consume(ctx, f.s.queue.take()); err != nil {
		return err
	}
	// What the ledger had in its snapshot it did not offer again.
	seen, err := f.read(ctx, f.s.progress.get(), math.MaxUint64)
	if err != nil {
		return err
	}
	f.s.progress.set(max(seen, f.s.progress.get()))
	close(f.s.caughtUp)
	return nil
}

// consume does all of a haul, or returns the error of ctx.
func (f *feeder) consume(ctx context.Context, h haul) error {
	if h.anew {
		f.s.o.Log.Warn("the ledger is another one than before: the series go on with it")
		f.s.progress.set(0)
		f.mark = mark{}
	}
	if applied := f.s.progress.get(); h.missing > applied {
		f.s.met.catchUps.Inc()
		seen, err := f.read(ctx, applied, h.missing)
		if err != nil {
			return err
		}
		if h.known > max(seen, applied) {
			f.jam("the tape does not have all entries yet", "wanted", h.known, "has", seen)
		}
		f.s.progress.set(h.missing)
	}
	applied := f.s.progress.get()
	for _, e := range h.entries {
		if e.Index <= applied {
			continue
		}
		if err := f.feed(ctx, e); err != nil {
			return err
		}
	}
	if err := f.commit(ctx); err != nil {
		return err
	}
	if h.through > applied {
		f.at = h.time
		f.s.progress.set(h.through)
	}
	return nil
}

// read feeds the entries after one index, through another, from the tape, and
// returns the newest that it saw.
func (f *feeder) read(ctx context.Context, after, through uint64) (seen uint64, err error) {
	for e, err := range f.s.o.Entries(after + 1) {
		if ctx.Err() != nil {
			return seen, ctx.Err()
		}
		if err != nil {
			f.s.met.unreadable.Inc()
			f.complain("entries of the tape cannot be read, their samples are missing", "error", err)
			continue
		}
		if e.Index > through {
			break
		}
		if err := f.feed(ctx, e); err != nil {
			return seen, err
		}
		seen = e.Index
	}
	return seen, f.commit(ctx)
}

// feed brings in one entry; what it holds may wait for the next commit.
func (f *feeder) feed(ctx context.Context, e entry.Entry) error {
	f.at = max(f.at, e.Time)
	switch {
	case e.Kind == entry.KindSamples:
		if err := f.samples(ctx, e); err != nil {
			return err
		}
	case e.Kind == entry.KindWrite && !f.learning:
		if err := f.commit(ctx); err != nil {
			return err
		}
		if err := f.write(ctx, e); err != nil {
			return err
		}
	}
	if len(f.buf) < maxBuffered {
		return nil
	}
	if err := f.commit(ctx); err != nil {
		return err
	}
	f.s.progress.set(e.Index)
	return f.keepPace(ctx)
}

// samples decodes an entry of an agent's samples. One that was damaged, or is
// no such entry, is left out.
func (f *feeder) samples(ctx context.Context, e entry.Entry) error {
	if time.Since(time.Unix(0, e.Time)) > f.s.o.Retention {
		return nil
	}
	for body := e.Body; len(body) > 0; {
		s, rest, err := report.ReadSamples(body)
		if err != nil {
			f.s.met.unreadable.Inc()
			f.complain("an entry with samples cannot be read and is left out", "index", e.Index, "error", err)
			return nil
		}
		if f.repeats(&s) {
			// The TSDB finds other values for a time only among what is committed.
			if err := f.commit(ctx); err != nil {
				return err
			}
		}
		f.take(&s, e.Time)
		body = rest
	}
	return nil
}
