package series

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestQueueOverflows has more come than may wait: the rest is read from the
// tape.
func TestQueueOverflows(t *testing.T) {
	j := new(journal)
	h := newHost("web1", gauges("g", 3)...)
	r := open(t, t.TempDir(), j, 0)
	at := now().Add(-300 * time.Second)
	body := h.body(frame(at, 1, 2, 3))
	r.queue.most = 10 * len(body)
	if err := r.feeder.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	reads := j.reads
	for i := range 200 {
		when := at.Add(time.Duration(i) * time.Second)
		j.add(entry.KindSamples, when, h.body(frame(when, float64(i), 2, 3)))
		if size := r.queue.size(); size > r.queue.most {
			t.Fatalf("%d bytes wait, at most %d", size, r.queue.most)
		}
	}
	r.drain()
	if j.reads == reads {
		t.Error("the tape was not read")
	}
	if got := r.ask("count_over_time(g[5m])", at.Add(199*time.Second)); strings.Count(got, "=> 200") != 3 {
		t.Errorf("got %s", got)
	}
	r.feeder.remember()
	if r.feeder.stuck || r.feeder.mark.Index != j.last() {
		t.Errorf("stuck %t, mark %d of %d", r.feeder.stuck, r.feeder.mark.Index, j.last())
	}
}

// TestTapeLacksEntries has the tape lag: the next start must fill what is
// missing, so the mark stays.
func TestTapeLacksEntries(t *testing.T) {
	j, short := new(journal), new(journal)
	h := newHost("web1", gauges("g", 1)...)
	r := open(t, t.TempDir(), j, 0, func(o *Options) { o.Entries = short.from })
	if err := r.feeder.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := now()
	r.queue.most = 1 // nothing fits beside another
	for i := range 3 {
		j.add(entry.KindSamples, at, h.body(frame(at.Add(time.Duration(i)*time.Second), 1)))
	}
	r.drain()
	r.feeder.remember()
	if !r.feeder.stuck || r.feeder.mark.Index != 0 || !strings.Contains(r.log.String(), "the tape does not have all entries") {
		t.Errorf("stuck %t, mark %d: %s", r.feeder.stuck, r.feeder.mark.Index, r.log)
	}
	if r.progress.get() != j.last() {
		t.Errorf("it does not go on: %d of %d", r.progress.get(), j.last())
	}
}

// TestTapeIsDamaged leaves out what cannot be read, and goes on.
func TestTapeIsDamaged(t *testing.T) {
	j := &journal{damaged: map[int]any{3: nil, 4: nil}}
	h := newHost("web1", gauges("g", 1)...)
	at := now()
	for i := range 10 {
		when := at.Add(time.Duration(i) * time.Second)
		j.add(entry.KindSamples, when, h.body(frame(when, 1)))
	}
	r := filled(t, j)
	if got := r.ask("count_over_time(g[1m])", at.Add(10*time.Second)); !strings.Contains(got, "=> 8") {
		t.Errorf("got %s", got)
	}
	if got := r.met.unreadable.Get(); got != 2 {
		t.Errorf("%d unreadable, want 2", got)
	}
}

// TestRunEnds has Run return while it waits, and WaitApplied with its context.
func TestRunEnds(t *testing.T) {
	r := open(t, t.TempDir(), new(journal), 0).run().settle()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := r.WaitApplied(ctx, 99); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.close()
	if _, err := os.Stat(r.o.Dir + "/lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock is still there: %v", err)
	}
}

// TestStoreFails has the TSDB's log fail: nothing is lost, and the mark stays.
func TestStoreFails(t *testing.T) {
	j := new(journal)
	h := newHost("web1", gauges("g", 1)...)
	r := open(t, t.TempDir(), j, 0)
	if err := r.feeder.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.db.Close(); err != nil { // its log takes nothing any more
		t.Fatal(err)
	}
	at := now()
	j.add(entry.KindSamples, at, h.body(frame(at, 1)))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.feeder.consume(ctx, r.queue.take()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	r.closed = true
	if !r.feeder.stuck || r.progress.get() != 0 || r.met.failures.Get() < 2 {
		t.Errorf("stuck %t, applied %d, %d failures", r.feeder.stuck, r.progress.get(), r.met.failures.Get())
	}
}
