package tape

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Sync returns when every entry up to through is on disk, or with the reason
// why it is not. It does not wait for a disk that cannot be written.
func (t *Tape) Sync(through uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if through > t.last {
		if t.lagging {
			return fmt.Errorf("%w: it ends at entry %d, wanted %d", ErrLagging, t.last, through)
		}
		through = t.last
	}
	for t.durable < through && t.pending() {
		if t.closed {
			return ErrClosed
		}
		if t.unsynced != nil {
			return fmt.Errorf("%w: %w", ErrLagging, t.unsynced)
		}
		if t.failing != nil {
			return fmt.Errorf("sync tape: %w", t.failing)
		}
		t.due = true
		t.signal()
		t.changed.Wait()
	}
	return nil
}

// pending reports whether something taken is not surely on disk; t.mu is held.
func (t *Tape) pending() bool { return t.cur != nil || len(t.queue) > 0 || t.durable < t.written }

// Close writes what it has taken and lets go.
func (t *Tape) Close() error {
	err := t.Sync(t.Last())
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	t.changed.Broadcast()
	t.mu.Unlock()
	t.signal()
	<-t.done
	t.zr.Close()
	return errors.Join(err, t.out.close())
}

// File is a file of the tape and how much of it is on disk for good.
type File struct {
	Name string // below the tape's directory
	Size int64
}

// Files lists what a backup copies: the first Size bytes of each file. They do
// not change any more, but Trim may remove a file.
func (t *Tape) Files() ([]File, error) {
	if err := t.Sync(t.Last()); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	files := make([]File, len(t.segs))
	for i, s := range t.segs {
		files[i] = File{filepath.Base(s.path), s.end}
	}
	return files, nil
}
