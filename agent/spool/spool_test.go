package spool

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
)

func open(t testing.TB, dir string, change ...func(*Options)) *Queue {
	t.Helper()
	q, err := tryOpen(dir, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-q.stop:
		default:
			shut(t, q)
		}
	})
	return q
}

func tryOpen(dir string, change ...func(*Options)) (*Queue, error) {
	o := Options{Agent: "a1", Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}
	for _, c := range change {
		c(&o)
	}
	return Open(dir, o)
}

func shut(t testing.TB, q *Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}

// request of events with the given ids.
func events(ids ...string) *report.Builder {
	var b report.Builder
	for _, id := range ids {
		b.Add(&report.Event{ID: id, Source: "app", Type: "payout.sent", Seen: 1, Data: []byte(`{"request":"r1"}`)})
	}
	return &b
}

func add(t testing.TB, q *Queue, ids ...string) {
	t.Helper()
	if err := q.Append(t.Context(), events(ids...)); err != nil {
		t.Fatal(err)
	}
}

func ids(blocks []report.Block) (out []string) {
	for _, b := range blocks {
		r := b.Batch.Reader()
		for ev := (report.Event{}); r.Next(&ev); {
			out = append(out, ev.ID)
		}
	}
	return out
}

func seqs(blocks []report.Block) (out []uint64) {
	for _, b := range blocks {
		out = append(out, b.Seq)
	}
	return out
}

// waitingNow reads all that waits, acknowledging it in the reader's mind only.
func waitingNow(t testing.TB, q *Queue) []report.Block {
	t.Helper()
	if err := q.r.rewind(); err != nil {
		t.Fatal(err)
	}
	if err := q.fill(1 << 30); err != nil {
		t.Fatal(err)
	}
	var out []report.Block
	for _, h := range q.r.held {
		out = append(out, h.block)
	}
	return out
}

func TestInOrderOverRestarts(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	add(t, q, "1", "2")
	add(t, q, "3")
	first, err := q.Next(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(first); !cmp.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("got %q", got)
	}
	if first[0].Prev != (digest{}) || first[1].Prev != first[0].Batch.Digest() {
		t.Error("blocks are not chained by digest")
	}
	again, err := q.Next(t.Context(), 1<<20)
	if err != nil || !cmp.Equal(seqs(again), []uint64{1, 2}) {
		t.Errorf("before Ack: %v, %v", seqs(again), err)
	}
	if err := q.Ack(1); err != nil {
		t.Fatal(err)
	}
	id := q.ID()
	shut(t, q)

	q = open(t, dir)
	if q.ID() != id {
		t.Error("another spool id after a restart")
	}
	add(t, q, "4")
	got := waitingNow(t, q)
	if diff := cmp.Diff([]string{"3", "4"}, ids(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]uint64{2, 3}, seqs(got)); diff != "" {
		t.Error(diff)
	}
	if got[1].Prev != got[0].Batch.Digest() {
		t.Error("the chain breaks at a restart")
	}
}

func TestNextWaits(t *testing.T) {
	q := open(t, t.TempDir())
	type answer struct {
		blocks []report.Block
		err    error
	}
	ch := make(chan answer)
	go func() {
		b, err := q.Next(t.Context(), 1)
		ch <- answer{b, err}
	}()
	add(t, q, "1")
	if a := <-ch; a.err != nil || len(a.blocks) != 1 {
		t.Errorf("got %v", a)
	}
}

func TestAckedSegmentsAreDeleted(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, func(o *Options) { o.Segment = 1 })
	for i := range 5 {
		add(t, q, fmt.Sprint(i))
	}
	if n := len(q.segs); n != 5 {
		t.Fatalf("%d segments", n)
	}
	if _, err := q.Next(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := q.Ack(3); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(left) != 2 {
		t.Errorf("left: %q, %v", left, err)
	}
	if err := q.Ack(9); !errors.Is(err, ErrAhead) {
		t.Errorf("acknowledging what was never written: %v", err)
	}
}

func TestManyWritersOneOrder(t *testing.T) {
	const writers, each = 16, 50
	dir := t.TempDir()
	q := open(t, dir, func(o *Options) { o.Segment = 4 << 10 })
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := q.Append(t.Context(), events(fmt.Sprintf("%d/%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	shut(t, q)
	q = open(t, dir)
	got := waitingNow(t, q)
	next := make(map[int]int)
	for _, id := range ids(got) {
		var w, i int
		if _, err := fmt.Sscanf(id, "%d/%d", &w, &i); err != nil || next[w] != i {
			t.Fatalf("%s comes where %d/%d should: %v", id, w, next[w], err)
		}
		next[w]++
	}
	for w := range writers {
		if next[w] != each {
			t.Errorf("writer %d: %d of %d events", w, next[w], each)
		}
	}
	for i, b := range got {
		if b.Seq != uint64(i+1) || i > 0 && b.Prev != got[i-1].Batch.Digest() {
			t.Fatalf("block %d: sequence %d, or not chained", i, b.Seq)
		}
	}
}

func TestLargeRequestIsCut(t *testing.T) {
	q := open(t, t.TempDir())
	var b report.Builder
	var want []string
	for i := range 3000 {
		id := fmt.Sprint(i)
		want = append(want, id)
		b.Add(&report.Event{ID: id, Source: "app", Type: "t", Seen: 1, Data: bytes.Repeat([]byte("1"), 1000)})
	}
	if err := q.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	blocks := waitingNow(t, q)
	if len(blocks) < 10 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		if n := len(block.Batch.Bytes()); n > groupMax+4096 {
			t.Errorf("block %d has %d bytes", block.Seq, n)
		}
	}
	if diff := cmp.Diff(want, ids(blocks)); diff != "" {
		t.Error(diff)
	}
}

func TestBound(t *testing.T) {
	q := open(t, t.TempDir(), func(o *Options) { o.Max = 8 << 10 })
	n := 0
	var err error
	for ; err == nil; n++ {
		err = q.Append(t.Context(), events(fmt.Sprint(n)))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	blocks := waitingNow(t, q)
	if len(blocks) != n-1 {
		t.Errorf("%d blocks wait, %d were taken", len(blocks), n-1)
	}
	if err := q.Ack(blocks[len(blocks)-1].Seq); err != nil {
		t.Fatal(err)
	}
	add(t, q, "after")
	if got := ids(waitingNow(t, q)); !cmp.Equal(got, []string{"after"}) {
		t.Errorf("got %q", got)
	}
}

func TestRenewSendsAgainFromOne(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	for i := range 4 {
		add(t, q, fmt.Sprint(i))
	}
	if _, err := q.Next(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := q.Ack(2); err != nil {
		t.Fatal(err)
	}
	old := q.ID()
	if err := q.Renew(); err != nil {
		t.Fatal(err)
	}
	check := func(q *Queue) {
		t.Helper()
		got := waitingNow(t, q)
		if q.ID() == old || !cmp.Equal(seqs(got), []uint64{1, 2}) || !cmp.Equal(ids(got), []string{"2", "3"}) {
			t.Errorf("id %v, %v %q", q.ID(), seqs(got), ids(got))
		}
		if got[0].Prev != (digest{}) || got[1].Prev != got[0].Batch.Digest() {
			t.Error("the new chain is not whole")
		}
	}
	check(q)
	shut(t, q)
	check(open(t, dir))
}

func TestRefusedBlocksAreKept(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	for i := range 3 {
		add(t, q, fmt.Sprint(i))
	}
	blocks, err := q.Next(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Refuse(2, "no good"); err != nil {
		t.Fatal(err)
	}
	rest, err := q.Next(t.Context(), 1<<20)
	if err != nil || !cmp.Equal(seqs(rest), []uint64{1, 3}) {
		t.Errorf("got %v, %v", seqs(rest), err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, refusedDir, fmt.Sprintf("%s-2.block", q.ID())))
	if err != nil {
		t.Fatal(err)
	}
	if kept, _, err := report.ReadBlock(raw); err != nil || kept.Batch.Digest() != blocks[1].Batch.Digest() {
		t.Errorf("the kept block reads %v", err)
	}
	if err := q.Ack(1); err != nil {
		t.Fatal(err)
	}
	if err := q.Refuse(3, "no good"); err != nil {
		t.Fatal(err)
	}
	if err := q.Refuse(3, "again"); err == nil {
		t.Error("refused twice")
	}
	shut(t, q)
	if got := waitingNow(t, open(t, dir)); len(got) != 0 {
		t.Errorf("still waiting: %v", seqs(got))
	}
}

// TestRenewBehindAGap: what was lost still shows as a gap, of one block.
func TestRenewBehindAGap(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	add(t, q, "0")
	shut(t, q)
	q = open(t, dir)
	q.mu.Lock()
	q.last += 200_000 // a disk that lost as many
	q.mu.Unlock()
	add(t, q, "1")
	waitingNow(t, q)
	if err := q.Ack(1); err != nil {
		t.Fatal(err)
	}
	if err := q.Renew(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := waitingNow(t, q); !cmp.Equal(seqs(got), []uint64{2}) || !cmp.Equal(ids(got), []string{"1"}) {
			t.Fatalf("%v %q", seqs(got), ids(got))
		}
		shut(t, q)
		q = open(t, dir)
	}
}
