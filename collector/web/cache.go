package web

import (
	"context"
	"sync"
	"time"
)

// A cache keeps what was costly to make, so that many who look at one page make
// it once.
type cache[V any] struct {
	mu   sync.Mutex // guards kept; not held while a value is made
	kept map[string]*kept[V]
}

// kept is something on the cache; it is in the making until ready is closed.
type kept[V any] struct {
	ready chan struct{}
	value V         // once ready is closed
	until time.Time // guarded by the cache; zero while it is made
}

const (
	shelfRoom = 64
	// keptFor is how long something is kept at least; what took long to make is
	// kept for ten times as long as that.
	keptFor = 10 * time.Second
)

// get is what is kept under key, or else what build makes. One makes it and the
// others wait for it. It is made to its end even if who asked first has gone,
// since others may wait; build bounds itself. It is not ok if ctx ends before.
func (s *cache[V]) get(ctx context.Context, key string, build func(context.Context) V) (value V, ok bool) {
	k, found := s.place(key)
	if found {
		select {
		case <-k.ready:
			return k.value, true
		case <-ctx.Done():
			return value, false
		}
	}
	began := time.Now()
	defer func() { // a panic of build must not leave others waiting
		s.mu.Lock()
		k.until = time.Now().Add(max(keptFor, 10*time.Since(began)))
		if !ok {
			delete(s.kept, key)
		}
		s.mu.Unlock()
		close(k.ready)
	}()
	k.value, ok = build(context.WithoutCancel(ctx)), true
	return k.value, ok
}

// place finds what is kept under key, or makes room for it.
func (s *cache[V]) place(key string) (k *kept[V], found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	k = s.kept[key]
	if k != nil && (k.until.IsZero() || now.Before(k.until)) {
		return k, true
	}
	if s.kept == nil || len(s.kept) >= shelfRoom {
		s.kept = map[string]*kept[V]{} // who waits for something holds it
	}
	k = &kept[V]{ready: make(chan struct{})}
	s.kept[key] = k
	return k, false
}
