package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAutomaticSnapshots(t *testing.T) {
	dir := t.TempDir()
	often := func(o *Options) { o.SnapshotEntries = 100; o.SegmentBytes = 64 << 10 }
	l, r := open(t, dir, often)
	for i := range 400 {
		propose(t, l, fmt.Sprintf("%d-%s", i, strings.Repeat("x", 1000)))
	}
	until(t, "two snapshots are taken", func() bool { return l.met.snapshots.Get() >= 2 })
	until(t, "the log is shorter", func() bool {
		first, err := l.current().store.FirstIndex()
		return err == nil && first > 1
	})
	closed(t, l)
	want := r.all(t)
	l, again := open(t, dir, often)
	if got := again.all(t); !slices.Equal(got, want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	if n := len(again.indexes); n > 300 {
		t.Errorf("%d entries replayed", n)
	}
	propose(t, l, "after")
}

func TestBeforeSnapshot(t *testing.T) {
	dir := t.TempDir()
	var fail error
	var heads []Head
	with := func(o *Options) { o.BeforeSnapshot = func(h Head) error { heads = append(heads, h); return fail } }
	l, r := open(t, dir, with)
	propose(t, l, "one")
	fail = errors.New("the tape lags")
	if err := l.Snapshot(); !strings.Contains(fmt.Sprint(err), "the tape lags") {
		t.Errorf("got %v", err)
	}
	list, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil || len(list) != 0 {
		t.Errorf("%d snapshots are left, %v", len(list), err)
	}
	fail = nil
	if err := l.Snapshot(); err != nil {
		t.Error(err)
	}
	if len(heads) != 2 || heads[1] != r.head {
		t.Errorf("told of %v, want %v", heads, r.head)
	}
}

// When the newest snapshot is damaged, the one before it and the log serve.
func TestDamagedSnapshot(t *testing.T) {
	dir := t.TempDir()
	l, r := open(t, dir, smallBallast)
	for round := range 3 {
		for i := range 50 {
			propose(t, l, fmt.Sprintf("%d-%d-%s", round, i, strings.Repeat("x", 2000)))
		}
		if err := l.Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	propose(t, l, "last")
	closed(t, l)
	want := r.all(t)
	spoil := func(i int) {
		list, err := filepath.Glob(filepath.Join(dir, "snapshots", "*", "state.bin"))
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		edit(t, list[i], func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	}
	spoil(1)
	l, again := open(t, dir, smallBallast)
	if got := again.all(t); !slices.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	closed(t, l)
	spoil(0)
	if _, err := openWith(t, dir, &record{}, smallBallast); !strings.Contains(fmt.Sprint(err), "restore from a backup") {
		t.Errorf("both damaged: %v", err)
	}
}

func TestSeed(t *testing.T) {
	l, r := open(t, t.TempDir())
	for i := range 10 {
		propose(t, l, fmt.Sprint(i))
	}
	var state bytes.Buffer
	head, err := l.Backup(&state)
	if err != nil {
		t.Fatal(err)
	}
	if head != r.head {
		t.Errorf("backup stands at %v, want %v", head, r.head)
	}
	closed(t, l)

	dir := filepath.Join(t.TempDir(), "new")
	broken := errors.New("no")
	if err := Seed(dir, head, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	write := func(w io.Writer) error { _, err := w.Write(state.Bytes()); return err }
	if err := Seed(dir, head, write); err != nil {
		t.Fatal(err)
	}
	if err := Seed(dir, head, write); err == nil {
		t.Error("seeded twice")
	}
	want := r.all(t)
	for i := range 3 {
		l, r := open(t, dir)
		if got := r.all(t); !slices.Equal(got, want) {
			t.Fatalf("%d entries, want %d", len(got), len(want))
		}
		if i == 0 && l.Head() != head {
			t.Errorf("head %v, want %v", l.Head(), head)
		}
		body := fmt.Sprintf("after-%d", i)
		if index := propose(t, l, body); index <= head.Index {
			t.Errorf("entry %d after %d", index, head.Index)
		}
		want = append(want, body)
		closed(t, l)
	}
}

// TestNoSnapshotCanBeRead has the whole log still, which is enough.
func TestNoSnapshotCanBeRead(t *testing.T) {
	dir := t.TempDir()
	l, r := open(t, dir)
	for i := range 20 {
		propose(t, l, fmt.Sprint(i))
	}
	if err := l.Snapshot(); err != nil {
		t.Fatal(err)
	}
	propose(t, l, "after")
	want := r.all(t)
	closed(t, l)
	states, err := filepath.Glob(filepath.Join(dir, "snapshots", "*", "state.bin"))
	if err != nil || len(states) != 1 {
		t.Fatalf("snapshots %q, %v", states, err)
	}
	raw, err := os.ReadFile(states[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(states[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, again := open(t, dir)
	if got := again.all(t); !slices.Equal(got, want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
	aside, err := filepath.Glob(filepath.Join(dir, "snapshots-damaged-*", "*", "state.bin"))
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %q, %v", aside, err)
	}
}
