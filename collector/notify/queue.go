package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	maxBatch = 1 << 20 // bytes of one proposal, unless one note is larger
	maxNotes = 500     // in one proposal
	maxTold  = 1_000   // that wait; the oldest are dropped
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
	// togetherWithin is how long what was told waits for its entry in the log
	// of notifications, which follows at once, so that both are one entry of
	// the ledger.
	togetherWithin = 5 * time.Millisecond
	// flushWithinStop bounds the last flush.
	flushWithinStop = 3 * time.Second
)

// A queue brings notes into the ledger, in order. What is queued for a key of
// the log replaces what waits for it.
type queue struct {
	propose func(context.Context, entry.NotifyState) error
	slog    *slog.Logger
	wake    chan struct{} // holds one

	mu       sync.Mutex // guards what follows; taken under Alertmanager's locks, so nothing is proposed under it
	actor    string     // of the silences that come now
	seq      uint64     // of the last note
	silenced uint64     // of the last silence
	done     uint64     // all notes up to this one are in the ledger
	moved    chan struct{}
	pending  []*note
	logs     map[string]*note // those of pending that are of the log
	told     int              // those of pending that are told
}

func newQueue(propose func(context.Context, entry.NotifyState) error, log *slog.Logger) *queue {
	return &queue{propose: propose, slog: log, wake: make(chan struct{}, 1), moved: make(chan struct{}), logs: map[string]*note{}}
}

func (q *queue) push(n *note) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if before := q.logs[n.kept.Key]; n.kept.Of == entry.KeptLog && before != nil {
		before.kept = n.kept
		return
	}
	q.seq++
	n.seq = q.seq
	q.pending = append(q.pending, n)
	switch {
	case n.told != nil:
		q.told++
		q.boundTold()
	case n.kept.Of == entry.KeptLog:
		q.logs[n.kept.Key] = n
	default:
		n.actor, q.silenced = q.actor, n.seq
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// boundTold drops the oldest of what was told: only the record of it is lost.
func (q *queue) boundTold() {
	if q.told <= maxTold {
		return
	}
	for i, n := range q.pending {
		if n.told != nil {
			q.pending = append(q.pending[:i], q.pending[i+1:]...)
			q.told--
			return
		}
	}
}

// take removes the next notes of one actor, at most a proposal of them.
func (q *queue) take() []*note {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, i := 0, 0
	for ; i < len(q.pending) && i < maxNotes; i++ {
		n := q.pending[i]
		if size += n.size(); i > 0 && (size > maxBatch || n.actor != q.pending[0].actor) {
			break
		}
		if n.told != nil {
			q.told--
		}
		if n.kept.Of == entry.KeptLog {
			delete(q.logs, n.kept.Key)
		}
	}
	batch := q.pending[:i:i]
	q.pending = q.pending[i:]
	return batch
}

// putBack is for notes that may not be in the ledger. The newest of a key of
// the log stays.
func (q *queue) putBack(batch []*note) {
	q.mu.Lock()
	defer q.mu.Unlock()
	kept := make([]*note, 0, len(batch)+len(q.pending))
	for _, n := range batch {
		if n.told != nil {
			q.told++
		}
		if n.kept.Of == entry.KeptLog {
			if q.logs[n.kept.Key] != nil {
				continue
			}
			q.logs[n.kept.Key] = n
		}
		kept = append(kept, n)
	}
	q.pending = append(kept, q.pending...)
	for q.told > maxTold {
		q.boundTold()
	}
}

func (q *queue) finish(batch []*note) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done = batch[len(batch)-1].seq
	close(q.moved)
	q.moved = make(chan struct{})
}

// flush proposes all that waits.
func (q *queue) flush(ctx context.Context) error {
	for {
		batch := q.take()
		if len(batch) == 0 {
			return nil
		}
		err := q.propose(ctx, notesOf(batch))
		if refused, ok := errors.AsType[*machine.Refusal](err); ok {
			err = q.refused(ctx, batch, refused)
		}
		if err != nil {
			q.putBack(batch)
			return err
		}
		q.finish(batch)
	}
}

// refused is for a proposal that was refused and would be again: one note of it
// must not keep the others.
func (q *queue) refused(ctx context.Context, batch []*note, why error) error {
	if len(batch) == 1 {
		q.slog.Error("a note is not kept", "of", batch[0].kept.Of, "key", batch[0].kept.Key, "error", why)
		return nil
	}
	for _, n := range batch {
		err := q.propose(ctx, notesOf([]*note{n}))
		if refused, ok := errors.AsType[*machine.Refusal](err); ok {
			err = q.refused(ctx, []*note{n}, refused)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onlyTold tells whether nothing waits but what was told.
func (q *queue) onlyTold() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.told == len(q.pending)
}

// run proposes until ctx ends, and what waits then. What may not have been
// stored is proposed again: the newest of a key counts.
func (q *queue) run(ctx context.Context) {
	pause := minPause
	retry := time.NewTimer(0)
	defer retry.Stop()
	// A proposal under way when ctx ends may still be answered.
	proposing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushWithinStop, cancel) })()
	for {
		select {
		case <-ctx.Done():
			q.flushLast(proposing)
			return
		case <-q.wake:
			if q.onlyTold() {
				q.settle(ctx)
			}
		case <-retry.C:
		}
		if err := q.flush(proposing); err != nil && ctx.Err() == nil {
			q.slog.Warn("what people were told, or a silence, is not known to be stored; it is proposed again", "error", err)
			retry.Reset(pause)
			pause = min(2*pause, maxPause)
			continue
		}
		pause = minPause
	}
}

func (q *queue) settle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-time.After(togetherWithin):
	}
}

func (q *queue) flushLast(ctx context.Context) {
	for {
		err := q.flush(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			q.slog.Error("what people were told last is not known to be stored; they may be told again", "error", err)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// storedWithin is how long a person waits for a silence to be stored.
const storedWithin = 5 * time.Second

var errSilenceUnknown = errors.New("the silence is in effect now; whether it outlasts a restart is not known yet: look at the silences before you repeat this")

// wait returns when all notes up to seq are in the ledger, or an error of
// entry.ErrUnknown.
func (q *queue) wait(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	for {
		q.mu.Lock()
		done, moved := q.done >= seq, q.moved
		q.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", entry.ErrUnknown, errSilenceUnknown)
		}
	}
}
