package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Proposal is what should become an entry.
type Proposal struct {
	Kind entry.Kind
	Body []byte
	// Digest is what the chain covers of the body; zero means its SHA-256.
	Digest [32]byte
	// Need is what of the reserve it may take while the disk is full.
	Need entry.Need
}

// waiter is a proposal and whoever waits for it.
type waiter struct {
	Proposal
	begun time.Time
	state atomic.Int32 // queued, then taken by run or withdrawn by its proposer
	hash  [32]byte
	size  int

	done   chan struct{} // closed when the fields below are set
	index  uint64
	result any
	err    error
}

const (
	queued int32 = iota
	taken
	withdrawn
)

// Propose appends an entry and returns its index and what Apply returned for
// it, when it is durable and applied. An error wraps entry.ErrFull,
// entry.ErrNotStored or entry.ErrUnknown; unless it is the last, the entry is not
// in the ledger and will not be. Body must not change until then.
func (l *Ledger) Propose(ctx context.Context, p Proposal) (uint64, any, error) {
	index, result, err := l.propose(ctx, p)
	if err != nil && !errors.Is(err, entry.ErrUnknown) && !errors.Is(err, entry.ErrFull) {
		err = fmt.Errorf("%w: %w", entry.ErrNotStored, err)
	}
	return index, result, err
}

func (l *Ledger) propose(ctx context.Context, p Proposal) (uint64, any, error) {
	w := &waiter{Proposal: p, begun: time.Now(), done: make(chan struct{})}
	if err := l.admit(w); err != nil {
		return 0, nil, err
	}
	if w.Digest == ([32]byte{}) {
		w.Digest = sha256.Sum256(w.Body)
	}
	select {
	case l.queue <- w:
	case <-ctx.Done():
		return 0, nil, fmt.Errorf("propose: %w", context.Cause(ctx))
	case <-l.life.Done():
		return 0, nil, ErrClosed
	case <-l.failed:
		return 0, nil, l.err
	}
	select {
	case <-w.done:
		return w.index, w.result, w.err
	case <-ctx.Done():
		return w.leave(context.Cause(ctx))
	case <-l.stopped:
		return w.leave(ErrClosed)
	case <-l.failed:
		return w.leave(l.err)
	}
}

// admit refuses what will not be taken.
func (l *Ledger) admit(w *waiter) error {
	switch {
	case len(w.Body) > entry.MaxBody:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(w.Body), entry.MaxBody)
	case l.hasFailed():
		return l.err
	case l.losesIt(w.Need):
		l.met.refused.Inc()
		return ErrGone
	case !l.space.takes(w.Need, 0):
		l.met.refused.Inc()
		return entry.ErrFull
	}
	if l.life.Err() != nil {
		return ErrClosed
	}
	return nil
}

// leave ends the wait early. What run has not taken is withdrawn for certain.
func (w *waiter) leave(cause error) (uint64, any, error) {
	if w.state.CompareAndSwap(queued, withdrawn) {
		return 0, nil, fmt.Errorf("propose: %w", cause)
	}
	select {
	case <-w.done:
		return w.index, w.result, w.err
	default:
		return 0, nil, fmt.Errorf("propose: %w: %w", entry.ErrUnknown, cause)
	}
}

// refuse answers w with an error that means: not written.
func (w *waiter) refuse(err error) {
	w.err = err
	close(w.done)
}

// run owns the order of entries: it alone stamps and submits, and it alone
// opens the log anew after an error.
func (l *Ledger) run() {
	defer close(l.stopped)
	for l.step() {
	}
	if l.hasFailed() {
		l.endFailed()
	} else {
		l.snapshotAtEnd()
	}
	l.down = l.release()
}

// step does one thing; false is the end.
func (l *Ledger) step() bool {
	n := l.current()
	select {
	case <-l.life.Done():
		l.drain()
		return false
	case <-l.failed:
		return false
	case <-n.store.broken:
		return l.reopen(n)
	case lead := <-n.leads:
		if !lead {
			n.store.fail(errLead)
		}
		return true
	case w := <-l.queue:
		return l.submit(w)
	}
}

var errLead = errors.New("raft stopped leading")

// submit stamps w and hands it to raft; false is the end.
func (l *Ledger) submit(w *waiter) bool {
	size := entry.Overhead + len(w.Body)
	for n := l.current(); n.store.failed() || !l.fsm.room(size); n = l.current() {
		select {
		case <-l.fsm.landed:
		case <-n.store.broken:
			if !l.reopen(n) {
				return false
			}
		case <-l.failed:
			return false
		}
	}
	if !w.state.CompareAndSwap(queued, taken) {
		return true
	}
	if !l.space.takes(w.Need, size) {
		l.met.refused.Inc()
		w.refuse(entry.ErrFull)
		return true
	}
	l.last = max(l.last, l.Now())
	e := entry.Seal(entry.Entry{Kind: w.Kind, Time: l.last, Prev: l.prev, Digest: w.Digest, Body: w.Body})
	w.hash, w.size = e.Hash, len(e.Raw())
	l.prev = w.hash
	l.fsm.push(w)
	// The future is not waited for: raft leaves some without an answer when it
	// stops. Success comes from the fsm, failure from the store.
	l.current().raft.ApplyLog(raft.Log{Data: e.Raw()}, 0)
	return true
}

// begin lets entries into n, after what is applied.
func (l *Ledger) begin(n *node) {
	head := l.Head()
	l.prev, l.last = head.Hash, max(l.last, head.Time)
	n.store.arm(head.Hash)
	l.setNode(n, nil)
}

// drain submits what is queued and waits for it.
func (l *Ledger) drain() {
	for more := true; more; {
		select {
		case w := <-l.queue:
			more = l.submit(w)
		default:
			more = false
		}
	}
	n := l.current()
	for n != nil && !l.fsm.idle() {
		select {
		case <-l.fsm.landed:
		case <-n.store.broken:
			return
		case <-l.failed:
			return
		}
	}
}

// endFailed answers everyone and holds the directory until Close.
func (l *Ledger) endFailed() {
	l.mu.Lock()
	l.terms.turn(l.life, false, l.err)
	l.mu.Unlock()
	l.fsm.giveUp(fmt.Errorf("%w: %w", entry.ErrUnknown, l.err))
	<-l.life.Done()
}
