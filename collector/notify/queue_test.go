package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/nflog/nflogpb"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

func logNote(key, body string) *note {
	return &note{kept: entry.NotifyRecord{Of: entry.KeptLog, Key: key, Body: []byte(body)}}
}

func silenceNote(key string) *note {
	return &note{kept: entry.NotifyRecord{Of: entry.KeptSilence, Key: key}}
}

// brief is notes as text.
func brief(all []entry.NotifyState) string {
	var out []string
	for _, n := range all {
		var parts []string
		for _, k := range n.Kept {
			parts = append(parts, k.Key+string(k.Body))
		}
		for _, t := range n.Told {
			parts = append(parts, "told "+t.Receiver)
		}
		out = append(out, n.Actor+"("+strings.Join(parts, " ")+")")
	}
	return strings.Join(out, " ")
}

// TestQueueOrder: notes go in the order they came, each actor's by themselves;
// of the log's only the newest of a key.
func TestQueueOrder(t *testing.T) {
	var got []entry.NotifyState
	q := newQueue(func(_ context.Context, n entry.NotifyState) error { got = append(got, n); return nil }, slog.New(slog.DiscardHandler))
	q.push(logNote("x", "1"))
	q.push(logNote("y", "1"))
	q.push(logNote("x", "2"))
	q.tell(entry.Notification{Receiver: "r"})
	q.as("hanako")
	q.push(silenceNote("s1"))
	q.push(silenceNote("s2"))
	q.as("taro")
	q.push(silenceNote("s3"))
	q.as("")
	q.push(logNote("x", "3"))
	if err := q.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "(x3 y1 told r) hanako(s1 s2) taro(s3)"; brief(got) != want {
		t.Errorf("got %s, want %s", brief(got), want)
	}
	if err := q.wait(t.Context(), q.lastSilence()); err != nil {
		t.Error(err)
	}
}

// TestQueueAgain: what may not be stored is proposed again, the newest of a key,
// and who waits for it is told only then.
func TestQueueAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []entry.NotifyState
		fails := 3
		q := newQueue(nil, slog.New(slog.DiscardHandler))
		q.propose = func(_ context.Context, n entry.NotifyState) error {
			if fails--; fails >= 0 {
				q.push(logNote("x", "2")) // while it is under way
				return entry.ErrUnknown
			}
			got = append(got, n)
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go q.run(ctx)
		q.push(logNote("x", "1"))
		q.push(silenceNote("s"))
		if err := q.wait(t.Context(), q.lastSilence()); err != nil {
			t.Fatal(err)
		}
		if brief(got) != "(s x2)" {
			t.Errorf("got %s, want the newest of x, once", brief(got))
		}
	})
}

// TestQueueUnknown: who waits longer than a person does hears that it is not
// known, and it is stored all the same when that is possible again.
func TestQueueUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var stored atomic.Int32
		down.Store(true)
		q := newQueue(func(context.Context, entry.NotifyState) error {
			if down.Load() {
				return entry.ErrNotStored
			}
			stored.Add(1)
			return nil
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go q.run(ctx)
		q.push(silenceNote("s"))
		began := time.Now()
		err := q.wait(t.Context(), q.lastSilence())
		if !errors.Is(err, entry.ErrUnknown) || time.Since(began) != storedWithin {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		down.Store(false)
		time.Sleep(2 * maxPause)
		if stored.Load() != 1 {
			t.Errorf("stored %d times", stored.Load())
		}
	})
}

// TestQueueRefused: a note that is refused does not keep the others.
func TestQueueRefused(t *testing.T) {
	var got []entry.NotifyState
	q := newQueue(func(_ context.Context, n entry.NotifyState) error {
		if strings.Contains(brief([]entry.NotifyState{n}), "bad") {
			return fmt.Errorf("propose: %w", &machine.Refusal{Why: record.New(record.BadNotifyRecord)})
		}
		got = append(got, n)
		return nil
	}, slog.New(slog.DiscardHandler))
	for _, key := range []string{"a", "bad", "b"} {
		q.push(silenceNote(key))
	}
	if err := q.flush(t.Context()); err != nil || brief(got) != "(a) (b)" {
		t.Errorf("%v: %s", err, brief(got))
	}
}

// TestQueueStops: what waits when it stops is proposed, and a ledger that does
// not answer keeps nobody.
func TestQueueStops(t *testing.T) {
	for _, down := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			stored := 0
			q := newQueue(func(ctx context.Context, _ entry.NotifyState) error {
				if down {
					<-ctx.Done()
					return entry.ErrUnknown
				}
				stored++
				return ctx.Err()
			}, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			q.push(silenceNote("s"))
			began := time.Now()
			q.run(ctx)
			if took := time.Since(began); down && took > flushWithinStop+time.Second || !down && stored != 1 {
				t.Errorf("down %t: stored %d after %v", down, stored, took)
			}
		})
	}
}

// TestQueueBounds: a proposal and what waits are bounded.
func TestQueueBounds(t *testing.T) {
	var sizes []int
	q := newQueue(func(_ context.Context, n entry.NotifyState) error {
		size := 0
		for _, k := range n.Kept {
			size += len(k.Body)
		}
		sizes = append(sizes, size, len(n.Kept)+len(n.Told))
		return nil
	}, slog.New(slog.DiscardHandler))
	for i := range 3 {
		q.push(logNote(fmt.Sprint(i), strings.Repeat("x", maxBatch/2)))
	}
	q.push(logNote("large", strings.Repeat("x", 2*maxBatch)))
	for range maxTold + 50 {
		q.tell(entry.Notification{})
	}
	if err := q.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []int{maxBatch / 2, 1, maxBatch / 2, 1, maxBatch / 2, 1, 2 * maxBatch, 1, 0, maxNotes, 0, maxNotes}; !slices.Equal(sizes, want) {
		t.Errorf("bytes and notes of proposals %v, want %v", sizes, want)
	}
}

// TestLogKey: a key is the log's own, and not longer than the machine takes.
func TestLogKey(t *testing.T) {
	r := &nflogpb.Receiver{GroupName: "pager", Integration: "pagerduty", Idx: 2}
	if got, want := logKey(`{}:{alertname="A"}`, r), `{}:{alertname="A"}:pager/pagerduty/2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	long := strings.Repeat("x", 5000)
	if a, b := logKey(long, r), logKey(long+"y", r); len(a) > maxKey || a == b {
		t.Errorf("keys %s and %s", a, b)
	}
}
