package tape

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tomeishi/tomeishi/agent/durable"
)

const retryAfter = 250 * time.Millisecond

// writer is what the tape's goroutine holds: the file at the end of the tape.
type writer struct {
	enc   *encoder
	buf   []byte
	f     *os.File
	seg   *segment
	fresh bool // the directory does not surely name the file yet
}

func (w *writer) close() error {
	if w.f == nil {
		return nil
	}
	return w.f.Close()
}

// write is the tape's goroutine: it compresses and writes blocks, and syncs
// when asked. What cannot be written is tried again.
func (t *Tape) write() {
	defer close(t.done)
	tick := time.NewTicker(t.o.Every)
	defer tick.Stop()
	var again <-chan time.Time
	for {
		flush := false
		select {
		case <-t.wake:
		case <-tick.C:
			flush = true
		case <-again:
		}
		b, sync, ok := t.next(flush)
		if !ok {
			return
		}
		again = nil
		err := t.writeAll(b)
		if err == nil && sync {
			err = t.syncFile()
		}
		t.outcome(err)
		if err != nil {
			again = time.After(retryAfter)
		}
	}
}

// next says what there is to do.
func (t *Tape) next(flush bool) (blocks []*block, sync, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if flush || t.due {
		t.seal()
	}
	sync, t.due = t.due, false
	return t.queue, sync, !t.closed
}

// writeAll writes blocks, each of which leaves the queue when it is in the file.
func (t *Tape) writeAll(blocks []*block) error {
	for _, b := range blocks {
		if err := t.writeBlock(b); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tape) writeBlock(b *block) error {
	w := &t.out
	w.buf = w.enc.appendFrame(w.buf[:0], b.prev, b.items)
	if w.seg != nil && w.seg.end+int64(len(w.buf)) > t.o.SegmentBytes && len(w.seg.frames) > 0 {
		if err := t.roll(); err != nil {
			return err
		}
	}
	if w.seg == nil {
		if err := t.create(b); err != nil {
			return err
		}
	}
	if _, err := w.f.WriteAt(w.buf, w.seg.end); err != nil {
		// A part that was written is overwritten by the next try, or cut at the
		// next start.
		return errors.Join(err, w.f.Truncate(w.seg.end))
	}
	f, err := decodeFrameHeader(w.buf, w.seg.end)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := w.seg.last(w.seg.before); f.prev != before {
		w.seg.holes = append(w.seg.holes, hole{before, f.first, w.seg.at(errMissing, f.offset)})
	}
	w.seg.frames = append(w.seg.frames, f)
	w.seg.end = f.end()
	t.queue = t.queue[1:]
	t.written = f.last
	t.failing = nil
	t.met.bytes.Add(len(w.buf))
	t.changed.Broadcast()
	return nil
}

// roll ends the current segment.
func (t *Tape) roll() error {
	if err := t.syncFile(); err != nil {
		return err
	}
	err := t.out.f.Close()
	t.out.f, t.out.seg = nil, nil
	return err
}

// create begins a segment at b.
func (t *Tape) create(b *block) error {
	first := b.items[0].Index
	path := filepath.Join(t.dir, segmentName(first))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("new segment: %w", err)
	}
	if _, err := f.WriteAt(appendSegmentHeader(nil, b.prev), 0); err != nil {
		return errors.Join(fmt.Errorf("new segment: %w", err), f.Close(), os.Remove(path))
	}
	s := &segment{path: path, first: first, before: b.prev, end: segmentHeader, walked: true}
	t.out.f, t.out.seg, t.out.fresh = f, s, true
	t.mu.Lock()
	defer t.mu.Unlock()
	t.segs = append(t.segs, s)
	return nil
}

// syncFile makes durable what has been written.
func (t *Tape) syncFile() error {
	t.mu.Lock()
	written := t.written
	t.mu.Unlock()
	w := &t.out
	if w.f != nil {
		start := time.Now()
		if err := w.f.Sync(); err != nil {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.unsynced = err
			t.lag(err)
			return err
		}
		t.met.sync.UpdateDuration(start)
	}
	if w.fresh {
		if err := durable.SyncDir(t.dir); err != nil {
			return err
		}
		w.fresh = false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.durable = written
	return nil
}

// outcome tells those who wait.
func (t *Tape) outcome(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.met.errors.Inc()
		if t.failing == nil {
			t.o.Log.Warn("write the tape", "error", err)
		}
	}
	t.failing = err
	t.changed.Broadcast()
}
