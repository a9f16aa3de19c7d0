package tape

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/smalldisk"
)

// A full disk is waited for as long as the queue takes entries; beyond that the
// tape lags, refuses to be synced, and is filled again after a restart.
func TestFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, "1m")
	dir := filepath.Join(disk, "tape")
	p := open(t, dir, func(o *Options) { o.Queue = 16 })
	list := entries(0, 3000)
	fill(t, p, list[:100])
	if err := p.Sync(p.Last()); err != nil {
		t.Fatal(err)
	}
	hog := filepath.Join(disk, "hog")
	fillDisk(t, hog)

	n := 100
	fill(t, p, list[n:n+30])
	n += 30
	err := p.Sync(p.Last())
	for err == nil { // room was left in the last block
		fill(t, p, list[n:n+30])
		n += 30
		err = p.Sync(p.Last())
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	synced(t, p) // the writer tries again by itself
	if got, errs := read(p, 0); !same(got, list[:n]) || errs != nil {
		t.Fatalf("%d entries, want %d; %v", len(got), n, errs)
	}

	fillDisk(t, hog)
	for !p.Lagging() && n < len(list) {
		fill(t, p, list[n:n+1])
		n++
	}
	if !p.Lagging() {
		t.Fatal("never lags")
	}
	last := list[n-1].Index
	if p.Last() >= last {
		t.Error("took what it had no room for")
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	if err := p.Sync(last); !errors.Is(err, ErrLagging) {
		t.Errorf("sync while lagging: %v", err)
	}
	synced(t, p)
	closed(t, p)
	p = open(t, dir)
	fill(t, p, list[:1000])
	if got, errs := read(p, 0); !same(got, list[:1000]) || errs != nil {
		t.Errorf("%d entries after a restart, want 1000; %v", len(got), errs)
	}
}

func synced(t *testing.T, p *Tape) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); p.Sync(p.Last()) != nil; {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never synced")
		}
	}
}

func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(b)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
