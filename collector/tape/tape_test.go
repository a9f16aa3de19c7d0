package tape

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

var update = flag.Bool("update", false, "write golden files")

func open(t testing.TB, dir string, change ...func(*Options)) *Tape {
	t.Helper()
	o := Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), FrameBytes: 2000, SegmentBytes: 20_000}
	for _, c := range change {
		c(&o)
	}
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func closed(t testing.TB, p *Tape) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// entries makes n entries after index, with holes in their numbering.
func entries(after uint64, n int) []entry.Sealed {
	rnd := rand.New(rand.NewPCG(after, 1))
	list := make([]entry.Sealed, n)
	for i := range list {
		after += 1 + rnd.Uint64N(3)*rnd.Uint64N(2)
		raw := make([]byte, rnd.IntN(600))
		for k := range raw {
			raw[k] = byte(rnd.Uint32())
		}
		list[i] = entry.Sealed{Index: after, Raw: fmt.Appendf(raw, "entry %d", after)}
	}
	return list
}

func fill(t testing.TB, p *Tape, list []entry.Sealed) {
	t.Helper()
	for _, it := range list {
		p.Append(it.Index, it.Raw)
	}
}

func read(p *Tape, from uint64) (list []entry.Sealed, errs []error) {
	for it, err := range p.From(from) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, it)
	}
	return list, errs
}

func same(a, b []entry.Sealed) bool {
	return slices.EqualFunc(a, b, func(x, y entry.Sealed) bool { return x.Index == y.Index && bytes.Equal(x.Raw, y.Raw) })
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.tape"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	var all []entry.Sealed
	last := uint64(100) // a tape may begin anywhere
	for round := range 4 {
		p := open(t, dir)
		fill(t, p, all) // the ledger replays what the tape has
		list := entries(last, 100)
		all, last = append(all, list...), list[len(list)-1].Index
		fill(t, p, list)
		for _, from := range []uint64{0, 1, all[0].Index, all[len(all)/2].Index, all[len(all)/2].Index + 1, last, last + 1} {
			want := all[slices.IndexFunc(append(slices.Clone(all), entry.Sealed{Index: 1 << 60}), func(it entry.Sealed) bool { return it.Index >= from }):]
			if got, errs := read(p, from); !same(got, want) || errs != nil {
				t.Fatalf("round %d: from %d: %d entries, want %d; %v", round, from, len(got), len(want), errs)
			}
		}
		if err := p.Sync(last); err != nil {
			t.Fatal(err)
		}
		if p.Last() != last || p.Durable() != last || p.First() != all[0].Index {
			t.Errorf("first %d, last %d, durable %d, want %d, %d", p.First(), p.Last(), p.Durable(), all[0].Index, last)
		}
		has := map[uint64][]byte{}
		for _, it := range all {
			has[it.Index] = it.Raw
		}
		for i := all[0].Index - 1; i <= last+1; i++ {
			got, err := p.Get(i)
			if want, ok := has[i]; ok && !bytes.Equal(got.Raw, want) || !ok && !errors.Is(err, ErrNotFound) {
				t.Errorf("get %d: %d bytes, %v", i, len(got.Raw), err)
			}
		}
		closed(t, p)
	}
	if n := len(files(t, dir)); n < 4 {
		t.Errorf("%d segments", n)
	}
}

func TestFlushesBySelf(t *testing.T) {
	p := open(t, t.TempDir(), func(o *Options) { o.Every = time.Millisecond })
	p.Append(1, []byte("one"))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); ; {
		p.mu.Lock()
		written := p.written
		p.mu.Unlock()
		if written == 1 {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never written")
		}
	}
}

// filled makes a closed tape of several segments.
func filled(t *testing.T, n int) (string, []entry.Sealed) {
	t.Helper()
	dir := t.TempDir()
	p := open(t, dir)
	list := entries(10, n)
	fill(t, p, list)
	closed(t, p)
	return dir, list
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lost checks that got is list without one or more ranges, each of which is
// named by an error, and returns how many entries are missing.
func lost(t *testing.T, got, list []entry.Sealed, errs []error) int {
	t.Helper()
	missing := 0
	for _, it := range list {
		if i, ok := slices.BinarySearchFunc(got, it.Index, func(x entry.Sealed, n uint64) int { return int(int64(x.Index) - int64(n)) }); !ok {
			missing++
		} else if !bytes.Equal(got[i].Raw, it.Raw) {
			t.Errorf("entry %d is not what it was", it.Index)
		}
	}
	if missing > 0 && len(errs) == 0 {
		t.Errorf("%d entries are missing and nothing says so", missing)
	}
	for _, err := range errs {
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), ".tape") {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
	return missing
}

// A flipped bit in a sealed segment costs its frame; one in the last segment,
// too, or the end, which the ledger brings again.
func TestFlippedBit(t *testing.T) {
	dir, list := filled(t, 120)
	names := files(t, dir)
	last := len(names) - 1
	for _, file := range []int{0, 1, last} {
		info, err := os.Stat(names[file])
		if err != nil {
			t.Fatal(err)
		}
		for at := int64(0); at < info.Size(); at += 211 {
			dir := copied(t, dir)
			edit(t, files(t, dir)[file], func(b []byte) []byte { b[at] ^= 1 << (at % 8); return b })
			p, err := Open(dir, Options{FrameBytes: 2000, SegmentBytes: 20_000})
			if err != nil {
				if at == 4 {
					continue
				}
				t.Fatalf("%s at %d: %v", names[file], at, err)
			}
			fill(t, p, list) // replay
			got, errs := read(p, 0)
			if n := lost(t, got, list, errs); n > 20 {
				t.Errorf("%s at %d: %d entries lost", filepath.Base(names[file]), at, n)
			}
			for _, it := range list[:60] {
				got, err := p.Get(it.Index)
				if err == nil && !bytes.Equal(got.Raw, it.Raw) || errors.Is(err, ErrNotFound) {
					t.Errorf("%s at %d: get %d: %v", names[file], at, it.Index, err)
				}
			}
			closed(t, p)
		}
	}
}

func TestTornEnd(t *testing.T) {
	dir, list := filled(t, 20)
	name := files(t, dir)[0]
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(0); n < info.Size(); n += 61 {
		dir := copied(t, dir)
		if err := os.Truncate(files(t, dir)[0], n); err != nil {
			t.Fatal(err)
		}
		p := open(t, dir)
		got, errs := read(p, 0)
		if !same(got, list[:len(got)]) || errs != nil {
			t.Errorf("cut at %d: %d entries, %v", n, len(got), errs)
		}
		fill(t, p, list)
		closed(t, p)
		p = open(t, dir)
		if got, errs := read(p, 0); !same(got, list) || errs != nil {
			t.Errorf("cut at %d and filled: %d entries, want %d; %v", n, len(got), len(list), errs)
		}
		closed(t, p)
	}
}

func TestMissingParts(t *testing.T) {
	dir, list := filled(t, 300)
	for name, spoil := range map[string]func(names []string){
		"a segment is gone": func(n []string) { _ = os.Remove(n[1]) },
		"a segment is cut":  func(n []string) { _ = os.Truncate(n[1], 9000) },
		"its header is cut": func(n []string) { _ = os.Truncate(n[1], 9) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, dir)
			spoil(files(t, dir))
			p := open(t, dir)
			got, errs := read(p, 0)
			if lost(t, got, list, errs) == 0 {
				t.Error("nothing is missing")
			}
			if got[len(got)-1].Index != list[len(list)-1].Index {
				t.Error("what follows is not readable")
			}
		})
	}
}

func TestExpect(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	p.Expect(50) // an empty tape begins after a snapshot
	p.Append(51, []byte("a"))
	if err := p.Sync(51); err != nil {
		t.Fatal(err)
	}
	p.Expect(80)
	if err := p.Sync(80); err != nil {
		t.Fatal(err)
	}
	p.Append(70, []byte("old"))
	p.Append(81, []byte("b"))
	check := func() {
		t.Helper()
		if err := p.Sync(81); err != nil {
			t.Fatal(err)
		}
		got, errs := read(p, 0)
		if !same(got, []entry.Sealed{{Index: 51, Raw: []byte("a")}, {Index: 81, Raw: []byte("b")}}) || len(errs) != 1 || !strings.Contains(errs[0].Error(), "entries 52 to 80") {
			t.Errorf("got %v, %v", got, errs)
		}
	}
	check()
	closed(t, p)
	p = open(t, dir)
	check()
}

func TestNewerVersion(t *testing.T) {
	dir, _ := filled(t, 10)
	edit(t, files(t, dir)[0], func(b []byte) []byte { b[4] = 2; return b })
	_, err := Open(dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("got %v", err)
	}
}

func TestTrim(t *testing.T) {
	dir, list := filled(t, 300)
	p := open(t, dir)
	names := files(t, dir)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(names[0], old, old); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Trim(old.Add(time.Minute), 0); n != 1 || err != nil {
		t.Errorf("by age: %d removed, %v", n, err)
	}
	n, err := p.Trim(time.Time{}, 45_000)
	if left := total(t, dir); n == 0 || left > 45_000 || left < 20_000 || err != nil {
		t.Errorf("by size: %d removed, %d bytes left, %v", n, left, err)
	}
	if _, err := p.Trim(time.Now().Add(time.Hour), 1); len(files(t, dir)) != 1 || err != nil {
		t.Errorf("all: %d left, %v", len(files(t, dir)), err)
	}
	got, errs := read(p, 0)
	if len(got) == 0 || errs != nil || !same(got, list[len(list)-len(got):]) || p.First() != got[0].Index {
		t.Errorf("%d entries left, %v", len(got), errs)
	}
}

func total(t *testing.T, dir string) (n int64) {
	t.Helper()
	for _, name := range files(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

func TestFiles(t *testing.T) {
	p := open(t, t.TempDir())
	list := entries(0, 100)
	fill(t, p, list[:80])
	copies, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, p, list[80:])
	if err := p.Sync(p.Last()); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for _, f := range copies {
		b, err := os.ReadFile(filepath.Join(p.dir, f.Name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name), b[:f.Size], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, errs := read(open(t, to), 0); !same(got, list[:80]) || errs != nil {
		t.Errorf("%d entries in the copy, %v", len(got), errs)
	}
}
