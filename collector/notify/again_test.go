package notify

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// TestRunsAgain stops and runs one Notifier, as a change of leaders does: what
// was told is not told again, and what ended meanwhile is.
func TestRunsAgain(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, quick(h.URL))
	w.start()
	a, b := an("a", "A"), an("b", "B")
	w.raise(a)
	w.awaitTold(1)
	w.raise(b)
	w.awaitTold(2)
	for range 2 {
		w.again()
	}
	w.stop()
	w.raise(over(a))
	w.again()
	w.awaitTold(3)
	w.stop()
	all := h.all()
	if len(all) != 3 || !slices.Equal(all[2].names("resolved"), []string{"a"}) {
		t.Errorf("told %+v, want each alert once and then the end of one", all)
	}
	if n := len(w.n.follower.standing); n != 1 {
		t.Errorf("%d alerts stand, want 1", n)
	}
}

// again stops the Notifier and runs it again.
func (w *world) again() {
	w.t.Helper()
	w.stop()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { w.n.Run(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
	w.n.awaitRunning()
}
