package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// filled returns a closed ledger of n entries of size bytes and its entries.
func filled(t *testing.T, n, size int, change ...func(*Options)) (string, []string) {
	t.Helper()
	dir := t.TempDir()
	l, r := open(t, dir, change...)
	for i := range n {
		propose(t, l, fmt.Sprintf("entry-%04d-%s", i, strings.Repeat("x", size)))
	}
	closed(t, l)
	return dir, r.all(t)
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	if err != nil || len(list) == 0 {
		t.Fatal("no segments", err)
	}
	slices.Sort(list)
	return list
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

func smallBallast(o *Options) { o.SegmentBytes = 64 << 10 }

// One flipped bit anywhere in the log is refused with a sentence or does no
// harm: an entry is never lost, and never other than it was.
func TestFlippedBit(t *testing.T) {
	dir, want := filled(t, 12, 100, smallBallast)
	used := len(strings.TrimRight(string(must(os.ReadFile(segments(t, dir)[0]))), "\x00"))
	refused := make([]bool, used)
	t.Run("at", func(t *testing.T) {
		for at := 3; at < used; at += 61 {
			t.Run(fmt.Sprint(at), func(t *testing.T) {
				t.Parallel()
				dir := copied(t, dir)
				edit(t, segments(t, dir)[0], func(b []byte) []byte { b[at] ^= 1 << (at % 8); return b })
				refused[at] = refusesOrHas(t, dir, want)
			})
		}
	})
	n := 0
	for _, r := range refused {
		if r {
			n++
		}
	}
	if n < used/61*3/4 {
		t.Errorf("only %d of %d flips were refused", n, used/61)
	}
}

func refusesOrHas(t *testing.T, dir string, want []string) (refused bool) {
	t.Helper()
	r := &record{}
	l, err := openWith(t, dir, r, smallBallast)
	if err != nil {
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "restore from a backup") {
			t.Errorf("refused without a remedy: %v", err)
		}
		return true
	}
	defer closed(t, l)
	if got := r.all(t); !slices.Equal(got, want) {
		t.Errorf("opened with %d entries, want %d", len(got), len(want))
	}
	return false
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDamage(t *testing.T) {
	dir, want := filled(t, 40, 10_000, smallBallast)
	if n := len(segments(t, dir)); n < 4 {
		t.Fatalf("only %d segments", n)
	}
	flip := func(body string) func([]byte) []byte {
		return func(b []byte) []byte {
			if at := bytes.Index(b, []byte(body)); at >= 0 {
				b[at+6] ^= 1
			}
			return b
		}
	}
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string)
		say    string
	}{
		{"a bit in a sealed segment", func(t *testing.T, dir string) { edit(t, segments(t, dir)[1], flip("entry-")) }, "ledger entry "},
		{"a bit in the last entry", func(t *testing.T, dir string) {
			edit(t, segments(t, dir)[len(segments(t, dir))-1], flip(want[len(want)-1][:11]))
		}, "was acknowledged"},
		{"the last segment is cut", func(t *testing.T, dir string) {
			edit(t, segments(t, dir)[len(segments(t, dir))-1], func(b []byte) []byte { return b[:9000] })
		}, "acknowledged"},
		{"a sealed segment is cut", func(t *testing.T, dir string) {
			edit(t, segments(t, dir)[1], func(b []byte) []byte { return b[:9000] })
		}, "ledger entry "},
		{"the last segment is gone", func(t *testing.T, dir string) {
			if err := os.Remove(segments(t, dir)[len(segments(t, dir))-1]); err != nil {
				t.Fatal(err)
			}
		}, "acknowledged"},
		{"the log is gone", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "wal")); err != nil {
				t.Fatal(err)
			}
		}, "entries 1 to "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, dir)
			c.change(t, dir)
			_, err := openWith(t, dir, &record{}, smallBallast)
			if err == nil || !strings.Contains(err.Error(), c.say) || !strings.Contains(err.Error(), "restore from a backup") {
				t.Fatalf("got %v, want %q", err, c.say)
			}
			t.Log(err)
			if _, again := openWith(t, dir, &record{}, smallBallast); again == nil || again.Error() != err.Error() {
				t.Errorf("the second try says %v: the evidence was changed", again)
			}
		})
	}
}

// Whole entries that do not continue the chain are refused when applied, and
// are not even written while the ledger runs.
func TestBrokenChain(t *testing.T) {
	dir, _ := filled(t, 3, 10, smallBallast)
	for name, c := range map[string]struct {
		next entry.Entry
		say  string
	}{
		"another predecessor": {entry.Entry{Prev: [32]byte{1}, Time: 1 << 62}, errPrev.Error()},
		"earlier":             {entry.Entry{Time: 1}, errTime.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, dir)
			l, _ := open(t, dir, smallBallast)
			e := c.next
			if e.Prev == ([32]byte{}) {
				e.Prev = l.Head().Hash
			}
			e = entry.Seal(e)
			closed(t, l)
			s, err := openStore(filepath.Join(dir, "wal"), 64<<10, l.met, engineLog(testLog(t)), func(uint64) error { return nil }, func(error) {})
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.LastIndex()
			if err != nil {
				t.Fatal(err)
			}
			forged := &raft.Log{Index: last + 1, Term: 1, Type: raft.LogCommand, Data: e.Raw()}
			if err := s.follow([]*raft.Log{forged}); err == nil {
				t.Error("taken before the store is armed")
			}
			s.arm([32]byte{9})
			if err := s.follow([]*raft.Log{forged}); err == nil {
				t.Error("taken though it does not continue the chain")
			}
			s.arm(e.Prev)
			if err := errors.Join(s.StoreLog(forged), s.close()); err != nil {
				t.Fatal(err)
			}
			if _, err := openWith(t, dir, &record{}, smallBallast); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want %q", err, c.say)
			}
		})
	}
}

func TestMinHead(t *testing.T) {
	dir, _ := filled(t, 5, 10, smallBallast)
	l, r := open(t, dir)
	end := l.Head()
	first := r.indexes[0]
	closed(t, l)
	for name, c := range map[string]struct {
		min Head
		say string
	}{
		"at the end":       {end, ""},
		"beyond the end":   {Head{Index: end.Index + 50}, "(tape)"},
		"another entry":    {Head{Index: end.Index, Hash: [32]byte{1}}, "not the one that was acknowledged (tape)"},
		"an earlier one":   {Head{Index: first}, ""},
		"a different past": {Head{Index: first, Hash: [32]byte{1}}, "not the one"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := openWith(t, dir, &record{}, func(o *Options) { o.MinHead = c.min })
			if err == nil {
				closed(t, l)
			}
			if c.say == "" && err != nil || c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
				t.Errorf("got %v, want %q", err, c.say)
			}
		})
	}
}

// A batch that was being written when the process died is cleared, whatever of
// it had reached the disk, and the log goes on.
func TestTornBatch(t *testing.T) {
	dir, want := filled(t, 6, 300, smallBallast)
	path := segments(t, dir)[0]
	tl, err := scanTail(path, 1)
	if err != nil || tl.torn {
		t.Fatal(tl, err)
	}
	raw := must(os.ReadFile(path))
	before := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(before, raw[:tl.end-1], 0o600); err != nil {
		t.Fatal(err)
	}
	batch := slices.Clone(raw[must(scanTail(before, 1)).end:tl.end])
	for i, n := range []int{1, 8, 9, 200, len(batch) - 9, len(batch) - 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := copied(t, dir)
			edit(t, segments(t, dir)[0], func(b []byte) []byte { copy(b[tl.end:], batch[:n]); return b })
			want := slices.Clone(want)
			for range 2 {
				l, r := open(t, dir, smallBallast)
				if got := r.all(t); !slices.Equal(got, want) {
					t.Fatalf("%d entries, want %d", len(got), len(want))
				}
				body := strings.Repeat("y", 10*i)
				propose(t, l, body)
				want = append(want, body)
				closed(t, l)
			}
		})
	}
}

// raft-wal seals a segment in one write and records it in another. A process
// that dies between the two must not leave a log that takes nothing more.
func TestDiedBetweenSealAndRotation(t *testing.T) {
	dir := t.TempDir()
	l, r := open(t, dir, smallBallast)
	for i := 0; must(scanTail(segments(t, dir)[0], 1)).sealed == 0; i++ {
		propose(t, l, fmt.Sprintf("%d-%s", i, strings.Repeat("x", 5000)))
	}
	closed(t, l)
	want := r.all(t)
	undoRotation(t, filepath.Join(dir, "wal"))
	l, r = open(t, dir, smallBallast)
	propose(t, l, "after")
	closed(t, l)
	_, again := open(t, dir, smallBallast)
	if got := again.all(t); !slices.Equal(got, append(want, "after")) {
		t.Errorf("%d entries, want %d; %d", len(got), len(want)+1, len(r.all(t)))
	}
}
