// Package spool is what waits for the collector, on disk.
//
// It promises that a batch whose Append returned nil survives a crash at any
// moment, that blocks come out in the order they went in, each at least once,
// and that a sequence number which may have been acknowledged is never given
// to other bytes: what a damaged disk took away shows as a gap. It does not
// promise that a block comes out only once; the collector sees to that.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

// Errors of Append.
var (
	// ErrFull means that nothing was kept: the bound or the disk is reached.
	ErrFull = errors.New("the spool is full")
	// ErrUnknown means that the disk did not confirm: the events may be kept
	// or not, and are to be sent again under the same ids.
	ErrUnknown = errors.New("the disk did not confirm: whether the events are kept is unknown")
	// ErrGone means that nothing was kept: the files are no longer where they were.
	ErrGone = errors.New("the spool's files were removed or replaced while the agent ran: put them back, or restart the agent to begin a new spool")
	// ErrClosed means that nothing was kept.
	ErrClosed = errors.New("the spool is closed")
)

// Options of Open.
type Options struct {
	Agent   string // the agent's id, which heads every block
	Max     int64  // bytes on disk before ErrFull; 0 is 1 GiB
	Segment int64  // bytes of a segment; 0 is 16 MiB, a quarter of Max at most
	Log     *slog.Logger
	Metrics *metrics.Set
}

// A Queue is an open spool. Any number may append; one reads.
type Queue struct {
	dir   string
	opt   Options
	log   *slog.Logger
	m     *meters
	fsync func(*os.File) error // replaced by tests that need a failing disk

	in     chan *request
	grown  chan struct{} // one token: there is something new to read
	stop   chan struct{}
	writer sync.WaitGroup

	r reader // belongs to the one that reads: Next, Ack, Refuse, Renew

	mu    sync.Mutex // guards what follows
	meta  meta
	head  *headFile
	last  uint64 // the newest sequence given out
	prev  digest // its batch's digest
	acked uint64
	segs  []segment // oldest first; the last one may be active
	aside int64     // bytes in damaged/ and refused/
	tail  *os.File  // the active segment, or nil; the writer's
	gap   bool      // blocks were lost before this start
}

type digest = [32]byte

// Open opens the spool in dir, which it makes if it is absent, and repairs
// what a crash left.
func Open(dir string, o Options) (*Queue, error) {
	if o.Max == 0 {
		o.Max = 1 << 30
	}
	if o.Segment == 0 {
		o.Segment = 16 << 20
	}
	o.Segment = min(o.Segment, o.Max/4)
	q := &Queue{
		dir: dir, opt: o, log: o.Log, fsync: fdatasync,
		in: make(chan *request), grown: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	for _, d := range []string{dir, q.path(damagedDir), q.path(refusedDir)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make spool: %w", err)
		}
	}
	q.m = newMeters(o.Metrics, q)
	if err := q.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool %s: %w", dir, err), q.closeFiles())
	}
	q.writer.Go(q.write)
	return q, nil
}

// Close waits for the appends that are being written and closes the files. The
// one that reads must have ended.
func (q *Queue) Close() error {
	close(q.stop)
	q.writer.Wait()
	return q.closeFiles()
}

func (q *Queue) closeFiles() (err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tail != nil {
		err = q.tail.Close()
		q.tail = nil
	}
	if q.head != nil {
		err = errors.Join(err, q.head.f.Close())
	}
	return errors.Join(err, q.r.close())
}

func (q *Queue) path(name ...string) string {
	return filepath.Join(append([]string{q.dir}, name...)...)
}

// Append returns when the events of b are durable. b is read until then, also
// when ctx ends meanwhile: ctx bounds only the wait for the writer.
func (q *Queue) Append(ctx context.Context, b *report.Builder) error {
	if b.Len() == 0 {
		return nil
	}
	r := &request{b: b, done: make(chan error, 1)}
	select {
	case q.in <- r:
		return <-r.done
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stop:
		return ErrClosed
	}
}

// Renew gives the spool a new id. All that is not acknowledged will be sent
// again under it, counted from one: what a collector that knows another
// history under the old id needs. Of blocks that were lost before the first one
// left is one counted: the gap shows, and is never as wide as between strangers.
func (q *Queue) Renew() error {
	if err := q.renew(); err != nil {
		return err
	}
	q.m.renewals.Inc()
	return q.r.rewind()
}

func (q *Queue) renew() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := q.acked
	if held := q.r.held; len(held) > 0 && held[0].gap {
		from = held[0].seq - 2
	}
	m := meta{id: newID(), base: from, acked: from}
	if err := durable.Replace(q.path(metaName), m.encode()); err != nil {
		return fmt.Errorf("renew spool: %w", err)
	}
	q.meta, q.acked = m, from
	return nil
}

// ID is the spool's present id.
func (q *Queue) ID() report.SpoolID {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.meta.id
}
