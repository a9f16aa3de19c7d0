package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/smalldisk"
)

func newer(frame []byte) []byte {
	return durable.Frame(string(frame[:4]), 2, frame[5:len(frame)-4])
}

// ramDir is a directory where a sync costs nothing, for tests that open a
// spool thousands of times.
func ramDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDiskAndSpaceComingBack(t *testing.T) {
	disk := smalldisk.Mount(t, "256k")
	dir := filepath.Join(disk, "spool")
	q := open(t, dir)
	var want []string
	full := func() {
		t.Helper()
		for i := 0; ; i++ {
			id := fmt.Sprintf("%d-%d", len(want), i)
			err := q.Append(t.Context(), events(id))
			if errors.Is(err, ErrFull) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, id)
		}
	}
	full()
	if len(want) < 100 {
		t.Fatalf("full after %d events", len(want))
	}
	if got := ids(waitingNow(t, q)); !slices.Equal(got, want) {
		t.Fatalf("%d of %d events left on a full disk", len(got), len(want))
	}
	if err := q.Append(t.Context(), events("still full")); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, segName(1))); err != nil || info.Size() != q.segs[0].size {
		t.Errorf("part of a refused record is left: %d bytes, %d are records; %v", info.Size(), q.segs[0].size, err)
	}

	// The collector takes all: the segment is freed, without a restart.
	blocks := waitingNow(t, q)
	if err := q.Ack(blocks[len(blocks)-1].Seq); err != nil {
		t.Fatal(err)
	}
	want = nil
	full()
	if len(want) < 100 {
		t.Errorf("only %d events fit after all was acknowledged", len(want))
	}

	// Somebody else frees space, without a restart either.
	smalldisk.Resize(t, disk, "512k")
	before := len(want)
	full()
	if len(want) < before+100 {
		t.Errorf("%d events more", len(want)-before)
	}
	shut(t, q)
	q = open(t, dir)
	if got := ids(waitingNow(t, q)); !slices.Equal(got, want) {
		t.Errorf("after a restart %d of %d events are left", len(got), len(want))
	}
}

func TestFailedSyncIsUnknown(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	add(t, q, "1")
	good := q.fsync
	q.fsync = func(*os.File) error { return syscall.EIO }
	err := q.Append(t.Context(), events("2"))
	if !errors.Is(err, ErrUnknown) || errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	q.fsync = good
	add(t, q, "3")
	got := waitingNow(t, q)
	if !slices.Equal(seqs(got), []uint64{1, 3}) {
		t.Errorf("sequences %v: a number that may be on disk must not be given again", seqs(got))
	}
	if _, err := os.Stat(filepath.Join(dir, segName(3))); err != nil {
		t.Errorf("no new segment: %v", err)
	}
	shut(t, q)
	got = waitingNow(t, open(t, dir))
	if !slices.Equal(seqs(got), []uint64{1, 2, 3}) {
		t.Errorf("after a restart: %v", seqs(got))
	}
}

// TestCopiedAtAnyMoment copies the directory while events flow, which is what
// a kill leaves or worse: every event confirmed before the copy began is there.
func TestCopiedAtAnyMoment(t *testing.T) {
	dir := filepath.Join(ramDir(t), "live")
	q := open(t, dir, func(o *Options) { o.Segment = 2 << 10 })
	var confirmed []string
	var acked int
	for round := range 40 {
		want := slices.Clone(confirmed[acked:])
		var writer sync.WaitGroup
		writer.Go(func() {
			for range 20 {
				id := fmt.Sprint(len(confirmed))
				add(t, q, id)
				confirmed = append(confirmed, id)
			}
		})
		copied := filepath.Join(ramDir(t), "copy")
		writeDir(t, copied, readDir(t, dir))
		writer.Wait()
		checkCopy(t, copied, want)
		if round%5 == 4 {
			blocks := waitingNow(t, q)
			if err := q.Ack(blocks[len(blocks)/2].Seq); err != nil {
				t.Fatal(err)
			}
			acked += len(ids(blocks[:len(blocks)/2+1]))
		}
	}
}

func checkCopy(t *testing.T, dir string, want []string) {
	t.Helper()
	q := open(t, dir)
	defer shut(t, q)
	before := seqs(waitingNow(t, q))
	add(t, q, "new")
	blocks := waitingNow(t, q)
	got := ids(blocks)
	if len(got) < len(want)+1 || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%d confirmed, %d there", len(want), len(got)-1)
	}
	last := blocks[len(blocks)-1].Seq
	if got[len(got)-1] != "new" || len(before) > 0 && last <= before[len(before)-1] {
		t.Errorf("the next event got sequence %d", last)
	}
}

func FuzzSegment(f *testing.F) {
	files, _ := small(f)
	for name, raw := range files {
		if filepath.Ext(name) == segSuffix {
			f.Add(raw)
			f.Add(raw[:len(raw)-3])
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := filepath.Join(ramDir(t), "spool")
		writeDir(t, dir, map[string][]byte{segName(1): raw})
		q, err := tryOpen(dir)
		if err != nil {
			return
		}
		defer shut(t, q)
		add(t, q, "new")
		var last uint64
		for _, b := range waitingNow(t, q) {
			if b.Seq <= last {
				t.Errorf("sequence %d after %d", b.Seq, last)
			}
			last = b.Seq
			if _, _, err := report.ReadBlock(b.Append(nil)); err != nil {
				t.Errorf("a block that cannot be sent: %v", err)
			}
		}
	})
}

func FuzzNotes(f *testing.F) {
	f.Add(meta{id: newID(), base: 3, acked: 7}.encode())
	f.Add(head{seq: 9, acked: 7}.encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := decodeMeta(raw); err == nil && !slices.Equal(m.encode(), raw) {
			t.Error("meta does not encode to what it was read from")
		}
		if h, err := decodeHead(raw); err == nil && !slices.Equal(h.encode(), raw) {
			t.Error("head does not encode to what it was read from")
		}
	})
}
