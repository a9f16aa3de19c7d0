package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// record is an Applier that keeps what it was given.
type record struct {
	mu      sync.Mutex
	head    Head
	indexes []uint64
	bodies  []string
	errs    []error
}

func (r *record) Apply(e entry.Entry) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Prev != r.head.Hash || e.Index <= r.head.Index || e.Time < r.head.Time {
		r.errs = append(r.errs, fmt.Errorf("entry %d does not follow %d", e.Index, r.head.Index))
	}
	r.head = Head{e.Index, e.Hash, e.Time}
	r.indexes = append(r.indexes, e.Index)
	r.bodies = append(r.bodies, string(e.Body))
	return len(r.bodies)
}

func (r *record) Snapshot() (func(io.Writer) error, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	b.Write(appendHead(nil, "TEST", r.head))
	for _, s := range r.bodies {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
		b.WriteString(s)
	}
	return func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }, nil
}

func (r *record) Restore(in io.Reader) (Head, error) {
	b, err := io.ReadAll(in)
	if err != nil {
		return Head{}, err
	}
	head, err := decodeHead("TEST", b)
	if err != nil {
		return Head{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head, r.bodies, r.indexes = head, nil, nil
	for b = b[headLen:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b)
		r.bodies = append(r.bodies, string(b[4:4+n]))
		b = b[4+n:]
	}
	return head, nil
}

func (r *record) all(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.errs {
		t.Error(err)
	}
	return slices.Clone(r.bodies)
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func open(t testing.TB, dir string, change ...func(*Options)) (*Ledger, *record) {
	t.Helper()
	r := &record{}
	l, err := openWith(t, dir, r, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, r
}

func openWith(t testing.TB, dir string, r Applier, change ...func(*Options)) (*Ledger, error) {
	t.Helper()
	o := Options{Dir: dir, Applier: r, Log: testLog(t), SegmentBytes: 1 << 20}
	for _, c := range change {
		c(&o)
	}
	return Open(t.Context(), o)
}

func propose(t testing.TB, l *Ledger, body string) uint64 {
	t.Helper()
	index, _, err := l.Propose(t.Context(), Proposal{Kind: 1, Body: []byte(body)})
	if err != nil {
		t.Fatalf("propose %.20q: %v", body, err)
	}
	return index
}

func closed(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for range 4 {
		l, r := open(t, dir)
		if got := r.all(t); !slices.Equal(got, want) {
			t.Fatalf("after reopening: %d entries, want %d", len(got), len(want))
		}
		if got, want := l.Head().Index, r.head.Index; got != want {
			t.Errorf("head %d, want %d", got, want)
		}
		for i := range 20 {
			body := fmt.Sprintf("%d-%d", len(want), i)
			index := propose(t, l, body)
			want = append(want, body)
			if got := l.Head(); got.Index != index || got != r.head {
				t.Errorf("head %v after entry %d", got, index)
			}
		}
		closed(t, l)
	}
}

func TestProposerGetsItsOwnResult(t *testing.T) {
	l, r := open(t, t.TempDir())
	const writers, each = 16, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprintf("%d-%d", w, i)
				index, result, err := l.Propose(t.Context(), Proposal{Body: []byte(body)})
				if err != nil {
					t.Errorf("propose: %v", err)
					return
				}
				r.mu.Lock()
				at := slices.Index(r.indexes, index)
				if at < 0 || r.bodies[at] != body || result != at+1 {
					t.Errorf("entry %d has result %v, want that of %s", index, result, body)
				}
				r.mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := len(r.all(t)); got != writers*each {
		t.Errorf("%d applied, want %d", got, writers*each)
	}
}

func TestSecondOpener(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir)
	_, err := openWith(t, dir, &record{})
	if !errors.Is(err, durable.ErrInUse) {
		t.Errorf("second open: %v", err)
	}
	closed(t, l)
	l, _ = open(t, dir)
	closed(t, l)
}

func TestProposeRefuses(t *testing.T) {
	l, r := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Propose(t.Context(), Proposal{Body: make([]byte, entry.MaxBody+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	_, _, err := l.Propose(ctx, Proposal{Body: []byte("late")})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	before := len(r.all(t))
	closed(t, l)
	if _, _, err := l.Propose(t.Context(), Proposal{}); !errors.Is(err, ErrClosed) || errors.Is(err, entry.ErrUnknown) {
		t.Errorf("closed: %v", err)
	}
	if n := len(r.all(t)); n > before+1 {
		t.Errorf("%d entries after close", n)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestLargestBody(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir)
	body := bytes.Repeat([]byte("0123456789abcdef"), entry.MaxBody/16)
	propose(t, l, string(body))
	propose(t, l, "after")
	closed(t, l)
	_, r := open(t, dir)
	if got := r.all(t); len(got) != 2 || got[0] != string(body) {
		t.Errorf("%d entries", len(got))
	}
}
