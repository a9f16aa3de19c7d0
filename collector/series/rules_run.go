package series

import (
	"context"
	"sync"
	"time"

	promrules "github.com/prometheus/prometheus/rules"
)

// iterate is one evaluation of a group, and the proposal of what it found.
func (r *Rules) iterate(ctx context.Context, g *promrules.Group, at time.Time) {
	if r.store.broken.is() {
		return
	}
	if r.behind.now(r.store) {
		if !r.waits.Swap(true) {
			r.o.Log.Warn("metric rules are not evaluated while the series are behind the ledger")
		}
		return
	}
	if r.waits.Swap(false) {
		r.o.Log.Info("metric rules are evaluated again")
	}
	now := r.loaded.Load()
	known := now.group(g)
	if known == nil {
		r.evaluate(ctx, g, at)
		return
	}
	r.missed.Add(known.late(at))
	known.before()
	r.evaluate(ctx, g, at)
	if ctx.Err() != nil || r.store.broken.is() {
		return // the rules end, and queries were cut off
	}
	found := known.compare(r.o.Standing, now.since(at))
	r.propose(ctx, now.set, g.Interval(), found)
}

// since is how long the set has been evaluated.
func (l *loaded) since(at time.Time) time.Duration {
	l.begun.CompareAndSwap(nil, &at)
	return at.Sub(*l.begun.Load())
}

// evaluate is one evaluation of a group, in its turn.
func (r *Rules) evaluate(ctx context.Context, g *promrules.Group, at time.Time) {
	done := r.turn(ctx)
	defer done()
	begun := time.Now()
	err := r.store.guarded(func() error {
		promrules.DefaultEvalIterationFunc(ctx, g, at)
		return nil
	})
	if err != nil {
		return // it was said
	}
	r.seconds.UpdateDuration(begun)
}

// turn waits for a place among those that evaluate, until done. After maxTurn
// the place is given on, so that one slow query cannot stop all rules.
func (r *Rules) turn(ctx context.Context) (done func()) {
	select {
	case r.turns <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	leave := sync.OnceFunc(func() { <-r.turns })
	late := time.AfterFunc(maxTurn, leave)
	return func() {
		late.Stop()
		leave()
	}
}

// behind tells when the series lack what the ledger has had for maxBehind. What
// is missing then is neither true nor false.
type behind struct {
	mu    sync.Mutex // guards what follows
	index uint64     // of the ledger's newest entry
	at    time.Time  // when it was looked at
}

func (b *behind) now(s *Store) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.progress.get() >= b.index {
		b.index, b.at = s.queue.newest(), time.Now()
	}
	return time.Since(b.at) > maxBehind
}

// Blind says why metric rules are not evaluated as they should be; empty if
// they are.
func (r *Rules) Blind() string {
	switch {
	case r.store.broken.is():
		return "the view of the metrics has failed: start the collector again"
	case r.waits.Load():
		return "the view of the metrics is behind the ledger"
	}
	return ""
}
