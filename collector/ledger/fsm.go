package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// fsm checks each entry and hands it to the Applier. It outlives raft: when the
// log is opened anew under the same Applier, what was applied is skipped.
type fsm struct {
	applier Applier
	files   *headFile
	met     *meters
	log     *slog.Logger
	fail    func(error)
	failed  func() bool
	grown   func(entries, bytes int) // since the last snapshot
	before  func(Head) error         // a snapshot is reported done; may be nil

	expect []promise // raft's goroutine
	done   []*waiter
	none   []any

	mu     sync.Mutex // guards what follows
	head   Head
	flight []*waiter // submitted, oldest first
	bytes  int       // in flight
	landed chan struct{}
}

// promise is an entry that must be there, and who says so.
type promise struct {
	Head
	who string
}

func (f *fsm) at() Head {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head
}

// ApplyBatch applies what raft has committed: in this cluster, what is synced.
func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	applied, size := 0, 0
	before := f.at()
	for _, l := range logs {
		if l.Type != raft.LogCommand || f.failed() {
			continue
		}
		if f.apply(l) {
			applied++
			size += len(l.Data)
		}
	}
	if head := f.at(); head != before {
		// Written before anyone is answered: what is acknowledged is named here.
		// Without it the log is as durable, only its end is watched less.
		if f.files.write(head) != nil {
			f.met.headErrors.Inc()
		}
		f.met.index.Set(float64(head.Index))
		f.met.applied.Add(applied)
		f.grown(applied, size)
	}
	f.answer()
	for len(f.none) < len(logs) {
		f.none = append(f.none, nil)
	}
	return f.none[:len(logs)]
}

// Apply is here for raft's interface; raft calls ApplyBatch.
func (f *fsm) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

func (f *fsm) apply(l *raft.Log) bool {
	head := f.at()
	if l.Index <= head.Index {
		return false
	}
	e, err := entry.Open(l.Index, l.Data)
	if err == nil {
		err = follows(head, e)
	}
	if err != nil {
		f.fail(damaged(l.Index, err))
		return false
	}
	next := Head{Index: l.Index, Hash: e.Hash, Time: e.Time}
	if err := f.keeps(next); err != nil {
		f.fail(err)
		return false
	}
	result := f.applyTo(e)
	if fatal, ok := result.(Fatal); ok {
		f.fail(fmt.Errorf("entry %d: %w", l.Index, fatal.Err))
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = next
	if len(f.flight) > 0 && f.flight[0].hash == next.Hash {
		w := f.flight[0]
		f.pop(1)
		w.index, w.result = l.Index, result
		f.done = append(f.done, w)
	}
	return true
}

// applyTo hands the entry to the applier. A panic there is the end: the state is
// half of what it should be, and the next start would meet the entry again.
func (f *fsm) applyTo(e entry.Entry) (result any) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("panic while an entry was applied", "entry", e.Index, "panic", p, "stack", string(debug.Stack()))
			result = Fatal{fmt.Errorf("cannot be applied, which is an error of this program: run another version, or restore from a backup: %v", p)}
		}
	}()
	return f.applier.Apply(e)
}

var (
	errPrev = errors.New("it does not name the hash of the entry before")
	errTime = errors.New("its time is before that of the entry before")
)

func follows(head Head, e entry.Entry) error {
	if e.Prev != head.Hash {
		return errPrev
	}
	if e.Time < head.Time {
		return errTime
	}
	return nil
}

// keeps checks an entry against what is known of it from elsewhere.
func (f *fsm) keeps(h Head) error {
	for _, p := range f.expect {
		if p.Index == h.Index && p.Hash != ([32]byte{}) && p.Hash != h.Hash {
			return damaged(h.Index, fmt.Errorf("it is not the one that was acknowledged (%s)", p.who))
		}
	}
	return nil
}

// pop takes the n oldest out of flight; f.mu is held.
func (f *fsm) pop(n int) {
	for i := range n {
		f.bytes -= f.flight[i].size
		f.flight[i] = nil
	}
	f.flight = f.flight[n:]
	select {
	case f.landed <- struct{}{}:
	default:
	}
}

// answer wakes the proposers of what has been applied.
func (f *fsm) answer() {
	for i, w := range f.done {
		f.met.commit.Update(time.Since(w.begun).Seconds())
		close(w.done)
		f.done[i] = nil
	}
	f.done = f.done[:0]
}

// push puts w in flight.
func (f *fsm) push(w *waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flight = append(f.flight, w)
	f.bytes += w.size
}

// room reports whether size more may be in flight: one batch of raft takes all
// that waits, and must fit beside the reserve.
func (f *fsm) room(size int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.flight) == 0 || f.bytes+size <= maxFlight
}

func (f *fsm) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.flight) == 0
}

// giveUp answers all that is in flight with err.
func (f *fsm) giveUp(err error) {
	f.mu.Lock()
	lost := append([]*waiter(nil), f.flight...)
	f.pop(len(f.flight))
	f.mu.Unlock()
	for _, w := range lost {
		f.met.unknown.Inc()
		w.err = err
		close(w.done)
	}
}

// Snapshot captures the state now; raft writes it from another goroutine.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.failed() {
		return nil, errors.New("the ledger has failed")
	}
	write, err := f.applier.Snapshot()
	if err != nil {
		return nil, err
	}
	return &capture{head: f.at(), write: write, before: f.before}, nil
}

// Restore replaces the state, unless it already stands at or after the snapshot.
func (f *fsm) Restore(r io.ReadCloser) error {
	var b [headLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	head, err := decodeHead(snapshotMagic, b[:])
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if at := f.at(); at.Index > 0 && head.Index <= at.Index {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	got, err := f.applier.Restore(r)
	if err != nil {
		return fmt.Errorf("restore snapshot at entry %d: %w", head.Index, err)
	}
	if got != head {
		return fmt.Errorf("restore snapshot: the state says that it stands at entry %d, the snapshot at %d", got.Index, head.Index)
	}
	f.mu.Lock()
	f.head = head
	f.mu.Unlock()
	return f.keeps(head)
}

// capture is one snapshot on its way to disk.
type capture struct {
	head   Head
	write  func(io.Writer) error
	before func(Head) error
}

// Persist writes the snapshot, and reports it done after what must come before.
func (c *capture) Persist(sink raft.SnapshotSink) error {
	b := bytes.NewBuffer(appendHead(nil, snapshotMagic, c.head))
	if _, err := b.WriteTo(sink); err != nil {
		return err
	}
	if err := c.write(sink); err != nil {
		return err
	}
	if c.before != nil {
		if err := c.before(c.head); err != nil {
			return err
		}
	}
	return sink.Close()
}

// Release has nothing to give back.
func (c *capture) Release() {}
