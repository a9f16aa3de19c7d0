// Package ledger keeps the replicated log: the only way by which anything
// enters the collector's state. It is the only importer of hashicorp/raft.
//
// It promises that an entry whose Propose returned nil is on disk and applied,
// once and in order, and that it is there after a kill at any moment; that
// every entry names the hash of the one before and has its own checksum, both
// checked whenever it is applied; that a log which ends before an acknowledged
// entry, or was changed, is refused with a sentence; and that ledger time never
// goes back. While the disk is full decisions are still taken, from a reserve.
//
// It does not promise that an error means "not written": entry.ErrUnknown says so. It
// does not repair a damaged log. In this version it is a cluster of one.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// Applier is what entries are applied to. Its methods are called by one
// goroutine at a time, in order.
type Applier interface {
	// Apply must be deterministic. Its result goes back to the proposer.
	Apply(e entry.Entry) any
	// Snapshot captures the state now; the function that it returns writes it
	// later, from another goroutine, while entries are applied.
	Snapshot() (func(io.Writer) error, error)
	// Restore replaces all state and says at which entry it stands.
	Restore(r io.Reader) (Head, error)
}

// Options say where a ledger lies and how it behaves. Dir and Applier are
// required.
type Options struct {
	Dir     string
	Applier Applier
	Log     *slog.Logger
	Metrics *metrics.Set

	// MinHead is an entry that must be there: the durable end of the tape. A
	// zero Hash is not compared.
	MinHead Head

	SnapshotEntries int // a snapshot after so many entries; 50,000
	SnapshotBytes   int // or so many bytes; 128 MB
	SegmentBytes    int // of one file of the log; 16 MB

	// BeforeSnapshot must return before a snapshot is reported done: the log
	// before it may be deleted then.
	BeforeSnapshot func(Head) error

	lost   func() error // see store
	synced func() bool  // the kernel sets its clock; asks the kernel
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.SnapshotEntries == 0 {
		o.SnapshotEntries = 50_000
	}
	if o.SnapshotBytes == 0 {
		o.SnapshotBytes = 128 << 20
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 16 << 20
	}
	if o.synced == nil {
		o.synced = synchronized
	}
	return o
}

// Ledger is an open log. All methods may be called concurrently.
type Ledger struct {
	o     Options
	met   *meters
	lock  *durable.DirLock
	fsm   *fsm
	space *space
	time  *ledgerTime

	files     watched
	lostFiles atomic.Bool

	queue   chan *waiter  // to run; holds 256, then Propose waits
	stopped chan struct{} // closed at the end of run
	life    context.Context
	end     context.CancelFunc // called by Close
	down    error              // of closing; after stopped

	failing sync.Once
	failed  chan struct{}
	err     error // why; after failed

	snap struct {
		due            chan struct{}
		entries, bytes atomic.Int64 // since the last one
		mu             sync.Mutex   // held over a snapshot: one at a time
	}
	tasks sync.WaitGroup

	mu    sync.Mutex // guards node and terms
	node  *node      // nil while the log is opened anew
	terms terms

	prev [32]byte // of the last entry submitted; run's own
	last int64    // its time
}

// lockDir keeps other processes out of dir. It comes before the log is touched:
// raft-wal would wait for ever without a word.
func lockDir(dir string) (*durable.DirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	return durable.Lock(dir)
}

// Open takes the directory, replays the log into the Applier and returns when
// proposals are taken. While another process has the directory, the error wraps
// durable.ErrInUse and names it.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	o = o.withDefaults()
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		o: o, met: newMeters(o.Metrics), lock: lock,
		queue: make(chan *waiter, 256), stopped: make(chan struct{}),
		failed: make(chan struct{}), terms: terms{turned: make(chan struct{})},
	}
	l.life, l.end = context.WithCancel(context.WithoutCancel(ctx))
	l.snap.due = make(chan struct{}, 1)
	files, acked, err := openHeadFile(o.Dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.fsm = &fsm{
		applier: o.Applier, files: files, met: l.met, log: o.Log,
		fail: l.fail, failed: l.hasFailed, grown: l.grown, before: o.BeforeSnapshot,
		expect: []promise{{acked, "head file"}, {o.MinHead, "tape"}},
		landed: make(chan struct{}, 1),
	}
	l.space = newSpace(l.life, o.Dir, int64(o.SegmentBytes), l.met, o.Log)
	l.space.check()
	_, missing := os.Stat(filepath.Join(o.Dir, "wal"))
	if err := l.start(ctx); err != nil {
		l.end()
		return nil, errors.Join(err, files.close(), lock.Close())
	}
	if acked.Index == 0 && missing == nil && l.Head().Index > 0 {
		o.Log.Error("the file that names the last acknowledged entry is missing or empty: if the log lost its end, only the tape could tell; compare the gates with what agents know",
			"file", filepath.Join(o.Dir, "head"), "entry", l.Head().Index, "tape", o.MinHead.Index)
	}
	return l, nil
}

// start opens the log for the first time and sets the goroutines going.
func (l *Ledger) start(ctx context.Context) error {
	n, err := l.openNode(ctx)
	if err != nil {
		return err
	}
	l.time = newLedgerTime(l.o.Dir, l.Head().Time, l.o.synced)
	if l.TimeDoubted() {
		l.o.Log.Warn("this host's clock is far ahead of the last entry: ledger time goes on from there until it is confirmed", "ahead", l.TimeBehind())
	}
	l.files = watch(l.o.Dir)
	l.begin(n)
	l.met.index.Set(float64(l.Head().Index))
	l.tasks.Go(l.space.watch)
	l.tasks.Go(l.snapshots)
	l.tasks.Go(l.keepTime)
	go l.run() // Close waits for it
	return nil
}

// Head is the last applied entry.
func (l *Ledger) Head() Head { return l.fsm.at() }

// Now is ledger time: what an entry proposed now would carry at least.
func (l *Ledger) Now() int64 {
	now, ahead := l.time.now()
	l.met.ahead.Set(float64(ahead) / 1e9)
	return now
}

// Full reports whether the reserve is in use: only decisions are taken.
func (l *Ledger) Full() bool { return l.space.full.Load() }

// Failed is closed when the ledger has stopped for good; Err says why.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Err says why the ledger has stopped for good, or nil.
func (l *Ledger) Err() error {
	if l.hasFailed() {
		return l.err
	}
	return nil
}

func (l *Ledger) fail(err error) {
	l.failing.Do(func() {
		l.err = err
		close(l.failed)
		l.o.Log.Error("ledger stopped", "error", err)
	})
}

func (l *Ledger) hasFailed() bool {
	select {
	case <-l.failed:
		return true
	default:
		return false
	}
}

// Close lets what is in flight land, then releases everything.
func (l *Ledger) Close() error {
	l.end()
	<-l.stopped
	return l.down
}

// release is the end of run: everything that Open took, in reverse.
func (l *Ledger) release() error {
	var err error
	if n := l.setNode(nil, ErrClosed); n != nil {
		err = n.stop()
	}
	l.tasks.Wait()
	l.fsm.giveUp(fmt.Errorf("%w: the ledger was closed", entry.ErrUnknown))
	return errors.Join(err, l.fsm.files.close(), l.lock.Close())
}

// setNode swaps the raft that is in use. The term of the one before is over.
func (l *Ledger) setNode(n *node, why error) (old *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, l.node = l.node, n
	l.terms.turn(l.life, n != nil, why)
	return old
}

func (l *Ledger) current() *node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node
}
