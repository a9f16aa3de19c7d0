package tape

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

const cacheFrames = 8

// cached is a decoded frame.
type cached struct {
	path  string
	at    int64
	items []entry.Sealed
}

// Get returns one sealed entry. ErrNotFound means that there is none; ErrDamaged, that
// there may have been one.
func (t *Tape) Get(index uint64) (entry.Sealed, error) {
	for it, err := range t.From(index) {
		switch {
		case err != nil && it.Index < index: // damage that ends before it
			continue
		case err != nil:
			return entry.Sealed{}, err
		case it.Index != index:
			return entry.Sealed{}, ErrNotFound
		}
		return it, nil
	}
	return entry.Sealed{}, ErrNotFound
}

// From yields entries in order, from the first at or after index to the newest
// at the time of the call. A range that cannot be read is one error, with an
// entry.Sealed that names the last index of the range; those after it follow.
func (t *Tape) From(index uint64) iter.Seq2[entry.Sealed, error] {
	return func(yield func(entry.Sealed, error) bool) {
		segs, memory := t.view()
		i := sort.Search(len(segs), func(i int) bool { return segs[i].first > index })
		end := uint64(0)
		for _, s := range segs[max(i-1, 0):] {
			s, err := t.walked(s)
			if errors.Is(err, os.ErrNotExist) { // trimmed meanwhile
				continue
			}
			if err != nil {
				if !yield(entry.Sealed{Index: max(index, s.first)}, fmt.Errorf("read tape: %w", err)) {
					return
				}
				continue
			}
			if h := (hole{end, s.before + 1, s.at(errMissing, 0)}); end > 0 && s.before > end && h.before > index {
				if !yield(entry.Sealed{Index: s.before}, h.error()) {
					return
				}
			}
			if !t.fromSegment(s, index, yield) {
				return
			}
			end = s.last(end)
		}
		for _, it := range memory {
			if it.Index >= index && !yield(it, nil) {
				return
			}
		}
	}
}

// view is a picture of the tape: its segments, and what is only in memory.
func (t *Tape) view() ([]segment, []entry.Sealed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	segs := make([]segment, len(t.segs))
	for i, s := range t.segs {
		segs[i] = *s
	}
	var memory []entry.Sealed
	for _, b := range t.queue {
		memory = append(memory, b.items...)
	}
	if t.cur != nil {
		memory = append(memory, t.cur.items...)
	}
	return segs, memory
}

const keepWalked = 64

// walked returns s with its frames, and keeps them for the next reader.
func (t *Tape) walked(s segment) (segment, error) {
	if s.walked {
		return s, nil
	}
	if err := s.walk(false); err != nil {
		return s, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, old := range t.segs {
		if old.walked {
			n++
		}
	}
	for _, old := range t.segs {
		if old.path == s.path && !old.walked && n < keepWalked {
			*old = s
		}
	}
	return s, nil
}

func (s segment) last(before uint64) uint64 {
	if len(s.frames) == 0 {
		return before
	}
	return s.frames[len(s.frames)-1].last
}

// fromSegment yields the frames and holes of s in order; false ends it.
func (t *Tape) fromSegment(s segment, index uint64, yield func(entry.Sealed, error) bool) bool {
	holes := s.holes
	for _, f := range s.frames {
		for len(holes) > 0 && holes[0].before != 0 && holes[0].before <= f.first {
			if h := holes[0]; h.before > index && !yield(entry.Sealed{Index: h.before - 1}, h.error()) {
				return false
			}
			holes = holes[1:]
		}
		if f.last < index {
			continue
		}
		items, err := t.items(s.path, f)
		if err != nil {
			if !yield(entry.Sealed{Index: f.last}, fmt.Errorf("entries %d to %d: %w", f.first, f.last, s.at(err, f.offset))) {
				return false
			}
			continue
		}
		for _, it := range items {
			if it.Index >= index && !yield(it, nil) {
				return false
			}
		}
	}
	for _, h := range holes {
		if !yield(entry.Sealed{Index: max(index, h.after+1)}, h.error()) {
			return false
		}
	}
	return true
}

func (h hole) error() error {
	if h.before == h.after+1 { // nothing is surely lost
		return h.err
	}
	if h.before == 0 {
		return fmt.Errorf("entries from %d on: %w", h.after+1, h.err)
	}
	return fmt.Errorf("entries %d to %d: %w", h.after+1, h.before-1, h.err)
}

// items decodes a frame, or finds it decoded.
func (t *Tape) items(path string, f frame) ([]entry.Sealed, error) {
	t.mu.Lock()
	for i, c := range t.cache {
		if c.path == path && c.at == f.offset {
			t.cache = append(slices.Delete(t.cache, i, i+1), c)
			t.mu.Unlock()
			return c.items, nil
		}
	}
	t.mu.Unlock()
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	payload, err := readPayload(file, f)
	if err != nil {
		return nil, err
	}
	items, err := decodePayload(t.zr, f, payload)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.cache) >= cacheFrames {
		t.cache = slices.Delete(t.cache, 0, 1)
	}
	t.cache = append(t.cache, cached{path, f.offset, items})
	return items, nil
}

// Trim removes the oldest files that were last written before the given time,
// and more while the tape is larger than maxBytes (zero: no bound). The file
// that is being written stays.
func (t *Tape) Trim(before time.Time, maxBytes int64) (removed int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var total int64
	for _, s := range t.segs {
		total += s.end
	}
	for len(t.segs) > 1 {
		s := t.segs[0]
		info, err := os.Stat(s.path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, fmt.Errorf("trim tape: %w", err)
		}
		old := err != nil || info.ModTime().Before(before)
		if !old && (maxBytes == 0 || total <= maxBytes) {
			break
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, fmt.Errorf("trim tape: %w", err)
		}
		total -= s.end
		t.segs = t.segs[1:]
		t.met.trimmed.Inc()
		removed++
	}
	return removed, nil
}
