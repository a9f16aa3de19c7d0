package series

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/smalldisk"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// fillUp takes the last byte.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	chunk := make([]byte, 1<<20)
	for len(chunk) > 0 {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	must(t, f.Close())
}

// TestFullDisk takes the room away: the view leaves the last of it to the
// ledger, does not break, starts on a full disk, and has everything afterwards.
func TestFullDisk(t *testing.T) {
	t.Parallel() // most of it is waiting
	base := smalldisk.Detached(t, "160m")
	dir, filler := filepath.Join(base, "series"), filepath.Join(base, "filler")
	j := new(journal)
	h := newHost("web1", gauges("g", 50)...)
	at := now().Add(-time.Hour)
	second := 0
	measure := func(n int) {
		for range n {
			when := at.Add(time.Duration(second) * time.Second)
			values := make([]float64, 50)
			for i := range values {
				values[i] = float64(second)
			}
			j.add(entry.KindSamples, when, h.body(frame(when, values...)))
			second++
		}
	}
	r := open(t, dir, j, 0).run()
	measure(300)
	r.settle()
	fillUp(t, filler)
	time.Sleep(lookEvery)
	measure(300)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.WaitApplied(ctx, j.last()); err == nil || !r.disk.paused.Load() {
		t.Errorf("it goes on: %v", err)
	}
	if err := r.Own(t.Context(), now(), []OwnSample{{map[string]string{"__name__": "up"}, 1}}); err != nil || r.refused(reasonDisk) != 1 {
		t.Errorf("its own: %v", err)
	}
	if got := r.ask("count(g)", at.Add(299*time.Second)); !strings.HasPrefix(got, "{} => 50") {
		t.Errorf("what was there: %s", got)
	}
	r.halt()
	r.closed = true
	if err := r.Close(); err == nil { // it wants to write a chunk, and panics
		t.Log("the TSDB closed without room")
	}
	again := open(t, dir, j, 10).run()
	if err := again.WaitApplied(ctx, j.last()); err == nil {
		t.Error("it goes on after a start")
	}
	must(t, os.Remove(filler))
	again.settle()
	if got := again.ask("sum(count_over_time(g[2h]))", at.Add(time.Hour)); !strings.HasPrefix(got, "{} => 30000 @") {
		t.Errorf("when there is room again: %s\n%s", got, again.log)
	}
	again.close()
	last := open(t, dir, j, 10).run().settle()
	if got := last.ask("sum(count_over_time(g[2h]))", at.Add(time.Hour)); !strings.HasPrefix(got, "{} => 30000 @") {
		t.Errorf("after another start: %s\n%s", got, last.log)
	}
	if _, err := os.Stat(again.o.Dir); again.o.Dir == dir || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", again.o.Dir, err)
	}
	if _, err := os.Stat(damagedDir(last.o)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was set aside: %v", err)
	}
}

// TestCarefulCompactor writes no block for which there is no room.
func TestCarefulCompactor(t *testing.T) {
	base := smalldisk.Mount(t, "60m") // less than the reserve
	c := carefulCompactor{dir: base}
	if err := c.check(base); !errors.Is(err, errNoRoom) {
		t.Errorf("got %v", err)
	}
}
