package series

import (
	"errors"
	"sync"
	"time"
)

// errBroken is what is left to say after a panic of the TSDB.
var errBroken = errors.New("the series have failed and stand still until the collector is started again")

// closeTimeout is how long a view that has failed may take to end: what it
// waits for may never come.
const closeTimeout = 5 * time.Second

// broken is set by the first panic of the TSDB, which leaves its locks as they
// are. Nothing is appended after it. A view must not take the collector down:
// gates, events and event rules go on.
type broken struct {
	once sync.Once
	now  chan struct{} // closed then
}

func (b *broken) is() bool {
	select {
	case <-b.now:
		return true
	default:
		return false
	}
}

// guarded does what may panic; after a panic the view is broken.
func (s *Store) guarded(do func() error) error {
	if s.broken.is() {
		return errBroken
	}
	return s.lost(surviving(do))
}

// lost breaks the view if the error was a panic.
func (s *Store) lost(err error) error {
	if !errors.As(err, new(panicError)) {
		return err
	}
	s.broken.once.Do(func() {
		close(s.broken.now)
		s.o.Log.Error("the series have failed: metric rules are not evaluated until the collector is started again; gates, events and event rules go on", "error", err)
	})
	return errBroken
}
