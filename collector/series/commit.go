package series

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// maxBuffered is how many samples are committed together at most: a commit
// costs, and so does what waits for one.
const maxBuffered = 20_000

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
		ref, err := app.Append(x.layout.refs[x.i], labels.EmptyLabels(), 0, x.time, x.value, nil, nil, storage.AOptions{})
		if errors.Is(err, tsdb.ErrInvalidSample) { // the TSDB does not know the reference
			ref, err = app.Append(0, x.layout.labels(x.i), 0, x.time, x.value, nil, nil, storage.AOptions{})
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
