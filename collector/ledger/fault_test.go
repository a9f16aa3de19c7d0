package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/smalldisk"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// tally is what proposers were told.
type tally struct {
	mu             sync.Mutex
	acked, unknown map[string]bool
}

func (a *tally) propose(ctx context.Context, l *Ledger, p Proposal) error {
	_, _, err := l.Propose(ctx, p)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.acked[string(p.Body)] = true
	case errors.Is(err, entry.ErrUnknown):
		a.unknown[string(p.Body)] = true
	}
	return err
}

// check compares with what is applied: acknowledged once, unknown at most once,
// refused never.
func (a *tally) check(t *testing.T, got []string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]int{}
	for _, body := range got {
		seen[body]++
		if !a.acked[body] && !a.unknown[body] {
			t.Errorf("%.20q is there and was refused", body)
		}
	}
	for body := range a.acked {
		if seen[body] != 1 {
			t.Errorf("%.20q was acknowledged and is there %d times", body, seen[body])
		}
	}
	for body, n := range seen {
		if n > 1 {
			t.Errorf("%.20q is there %d times", body, n)
		}
	}
}

func (a *tally) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.acked)
}

func newTally() *tally { return &tally{acked: map[string]bool{}, unknown: map[string]bool{}} }

var errInjected = errors.New("injected")

// Appends fail again and again while proposers go on: before anything is
// written, and after everything is.
func TestFailedAppends(t *testing.T) {
	dir := t.TempDir()
	var lose atomic.Bool
	l, r := open(t, dir, smallBallast, func(o *Options) {
		o.lost = func() error {
			if lose.CompareAndSwap(true, false) {
				return errInjected
			}
			return nil
		}
	})
	a := newTally()
	const faults = 8
	var writers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for w := range 8 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_ = a.propose(t.Context(), l, Proposal{Body: fmt.Appendf(nil, "%d-%d-%s", w, i, strings.Repeat("x", 500))})
			}
		})
	}
	for i := range faults {
		var n *node
		begun := a.count()
		until(t, "entries are taken", func() bool { n = l.current(); return n != nil && !n.store.failed() && a.count() > begun+20 })
		if i%2 == 0 {
			n.store.fail(errInjected)
		} else {
			lose.Store(true)
		}
		<-n.store.broken
	}
	stop()
	writers.Wait()
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	propose(t, l, "end")
	a.acked["end"] = true
	a.check(t, r.all(t))
	closed(t, l)
	_, again := open(t, dir, smallBallast)
	a.check(t, again.all(t))
	if n := l.met.reopened.Get(); n < faults || len(a.unknown) == 0 {
		t.Errorf("reopened %d times, %d acknowledged, %d unknown", n, len(a.acked), len(a.unknown))
	}
}

// Damage found while running ends the ledger with a sentence.
func TestFailsForGood(t *testing.T) {
	dir := t.TempDir()
	l, r := open(t, dir, smallBallast)
	propose(t, l, "one")
	edit(t, segments(t, dir)[0], func(b []byte) []byte { b[100] ^= 1; return b[:200] })
	l.current().store.fail(errInjected)
	_, _, err := l.Propose(t.Context(), Proposal{Body: []byte("two")})
	if err == nil {
		t.Error("proposed to a damaged log")
	}
	<-l.Failed()
	if err := l.Err(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "restore from a backup") {
		t.Errorf("failed with %v", err)
	}
	if _, _, err := l.Propose(t.Context(), Proposal{Body: []byte("three")}); !errors.Is(err, ErrDamaged) {
		t.Errorf("propose after the end: %v", err)
	}
	if got := r.all(t); len(got) != 1 {
		t.Errorf("%d applied", len(got))
	}
	closed(t, l)
}

// hog fills the disk to the last block, and returns what it took.
func hog(t *testing.T, disk string) (free func()) {
	t.Helper()
	path := filepath.Join(disk, fmt.Sprintf("hog-%d", time.Now().UnixNano()))
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(b)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
			t.Error(err)
		}
	}
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !f(); {
		select {
		case <-end:
			t.Fatal("waited in vain until " + what)
		case <-tick.C:
		}
	}
}

func TestFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, "24m")
	dir := filepath.Join(disk, "ledger")
	l, r := open(t, dir)
	a := newTally()
	n := 0
	try := func(decision bool) error {
		n++
		body := fmt.Appendf(nil, "%v-%d-%s", decision, n, strings.Repeat("x", 40<<10))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		need := entry.NeedNone
		if decision {
			need = entry.NeedAll
		}
		return a.propose(ctx, l, Proposal{Body: body, Need: need})
	}
	for range 10 {
		if err := try(false); err != nil {
			t.Fatal(err)
		}
	}

	free := hog(t, disk)
	until(t, "the ledger is full", l.Full)
	if err := try(false); !errors.Is(err, entry.ErrFull) {
		t.Errorf("propose on a full disk: %v", err)
	}
	for range 30 { // more than one segment
		if err := try(true); err != nil {
			t.Fatalf("a decision on a full disk: %v", err)
		}
	}

	// Someone takes the reserve too: a rotation fails, and nothing is lost.
	freeMore := hog(t, disk)
	for range 60 {
		if try(true) != nil {
			break
		}
	}
	if l.met.reopened.Get() == 0 {
		t.Error("the log was never opened anew")
	}
	t.Logf("%d acknowledged, %d unknown", len(a.acked), len(a.unknown))

	free()
	freeMore()
	until(t, "there is space", func() bool { return !l.Full() })
	for range 40 {
		if err := try(false); err != nil {
			t.Fatalf("propose after space is back: %v", err)
		}
	}
	a.check(t, r.all(t))
	closed(t, l)
	l, again := open(t, dir)
	a.check(t, again.all(t))
	if l.Full() || !l.space.made() {
		t.Error("no reserve after a restart")
	}
}

// A ledger opens on a full disk and takes decisions.
func TestOpenOnFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, "16m")
	dir := filepath.Join(disk, "ledger")
	l, _ := open(t, dir)
	propose(t, l, "one")
	closed(t, l)
	free := hog(t, disk)
	l, r := open(t, dir)
	if !l.Full() {
		t.Error("not full")
	}
	if _, _, err := l.Propose(t.Context(), Proposal{Body: []byte("close the gate"), Need: entry.NeedAll}); err != nil {
		t.Errorf("a decision: %v", err)
	}
	free()
	until(t, "there is space", func() bool { return !l.Full() })
	propose(t, l, "two")
	if got := r.all(t); len(got) != 3 {
		t.Errorf("%d entries", len(got))
	}
}
