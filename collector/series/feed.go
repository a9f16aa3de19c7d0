package series

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
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
	at     int64 // ledger time of the newest entry fed
	seldom map[string]time.Time // when was last logged what happens often
}

// maxBuffered is how many samples are committed together at most: a commit
// costs, and so does what waits for one.
const maxBuffered = 20_000

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
func (f *feeder) feed(ctx context.Context, e machine.Entry) error {
	f.at = max(f.at, e.Time)
	switch {
	case e.Kind == machine.KindSamples:
		if err := f.samples(ctx, e); err != nil {
			return err
		}
	case e.Kind == machine.KindWrite && !f.learning:
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
func (f *feeder) samples(ctx context.Context, e machine.Entry) error {
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

// keepPace waits for blocks to be cut while the tape is read faster than that
// happens by itself, so that the head stays small.
func (f *feeder) keepPace(ctx context.Context) error {
	head := f.s.db.Head()
	if head.MaxTime()-head.MinTime() < (4 * time.Hour).Milliseconds() {
		return ctx.Err()
	}
	if err := f.s.db.Compact(ctx); err != nil {
		f.complain("cut blocks of the series", "error", err)
	}
	return ctx.Err()
}

// remember writes the mark, after what it stands for.
func (f *feeder) remember() {
	applied := f.s.progress.get()
	if f.stuck || applied <= f.mark.Index {
		return
	}
	if n := f.s.logFailures(); n > 0 {
		f.jam("the TSDB could not write its logs", "times", n)
		return
	}
	ends, err := syncLogs(f.s.o.Dir, f.mark.Logs)
	if err == nil {
		f.mark.Logs = ends
		f.mark.advance(applied, f.at)
		err = f.mark.write(f.s.o.Dir)
	}
	if err != nil {
		f.complain("remember how far the series are: the next start takes longer", "error", err)
	}
}

// logFailures counts what the TSDB failed to write to its logs; it only logs
// some of them.
func (s *Store) logFailures() float64 {
	return counter(s.registry, "prometheus_tsdb_wal_writes_failed_total") +
		counter(s.registry, "prometheus_tsdb_out_of_order_wbl_writes_failed_total")
}

func (f *feeder) jam(why string, args ...any) {
	if !f.stuck {
		f.s.o.Log.Error("the series may lack samples until the next start, which takes longer: "+why, args...)
	}
	f.stuck = true
}

// complain logs what may happen often, once a minute.
func (f *feeder) complain(msg string, args ...any) {
	if time.Since(f.seldom[msg]) < time.Minute {
		return
	}
	f.seldom[msg] = time.Now()
	f.s.o.Log.Warn(msg, args...)
}

// commit stores what was decoded. While the TSDB cannot write, it tries again
// until ctx ends: the ledger has everything, so nothing is lost meanwhile.
func (f *feeder) commit(ctx context.Context) error {
	wait := firstPause
	for todo := f.buf; len(todo) > 0; {
		if err := f.s.disk.wait(ctx, f.s); err != nil {
			return err
		}
		n := min(len(todo), maxBuffered)
		if err := f.append(ctx, todo[:n]); err != nil {
			if err := f.pause(ctx, err, &wait); err != nil {
				return err
			}
			continue
		}
		todo = todo[n:]
	}
	if f.buf = f.buf[:0]; cap(f.buf) > 4*maxBuffered {
		f.buf = nil
	}
	return ctx.Err()
}

// append stores samples under one commit. The error is of the TSDB's logs; what
// is wrong with a sample is counted.
func (f *feeder) append(ctx context.Context, samples []sample) error {
	app := f.s.appender(ctx)
	stored := 0
	for _, x := range samples {
		ref, err := app.Append(x.layout.refs[x.i], labels.EmptyLabels(), x.time, x.value)
		if errors.Is(err, tsdb.ErrInvalidSample) { // the TSDB does not know the reference
			ref, err = app.Append(0, x.layout.labels(x.i), x.time, x.value)
		}
		if err != nil {
			f.s.met.refused(reasonOf(err)).Inc()
			continue
		}
		x.layout.refs[x.i] = ref
		stored++
	}
	if err := app.Commit(); err != nil {
		return err
	}
	f.s.met.appended.Add(stored)
	return nil
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// pause notes that the TSDB failed, and waits.
func (f *feeder) pause(ctx context.Context, err error, wait *time.Duration) error {
	f.jam("the TSDB cannot store", "error", err)
	f.complain("store samples, will try again", "error", err)
	f.s.met.failures.Inc()
	select {
	case <-ctx.Done():
		return fmt.Errorf("store samples: %w", context.Cause(ctx))
	case <-time.After(*wait):
	}
	*wait = min(2**wait, longestPause)
	return nil
}
