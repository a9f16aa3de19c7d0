package tape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segment is one file of the tape.
type segment struct {
	path   string
	first  uint64 // by its name: no entry is below
	before uint64 // the last entry of the segment before
	frames []frame
	holes  []hole // found when it was walked
	end    int64  // after the last whole frame
	size   int64  // of the file
	walked bool
}

// hole is a range of a file that cannot be read, or a range of entries that is
// not there.
type hole struct {
	after, before uint64 // entries strictly between are lost; before 0: to the end
	err           error
}

const suffix = ".tape"

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, suffix) }

func listSegments(dir string) ([]*segment, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segs []*segment
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		var first uint64
		if _, err := fmt.Sscanf(e.Name(), "%020d.tape", &first); err != nil || e.Name() != segmentName(first) {
			return nil, fmt.Errorf("%s is not the name of a segment", e.Name())
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		segs = append(segs, &segment{path: filepath.Join(dir, e.Name()), first: first, size: info.Size(), end: info.Size()})
	}
	slices.SortFunc(segs, func(a, b *segment) int { return strings.Compare(a.path, b.path) })
	return segs, nil
}

// walk reads the headers of all frames; with deep it checks their payloads too.
// A place that does not read is skipped to the next frame that does, and kept
// as a hole.
func (s *segment) walk(deep bool) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.frames, s.holes, s.size, s.walked = nil, nil, info.Size(), true
	var b [frameHeader]byte
	n, err := f.ReadAt(b[:segmentHeader], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	prev, err := decodeSegmentHeader(b[:n])
	if err != nil && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err != nil {
		prev = s.first - 1
		s.holes = append(s.holes, hole{prev, s.first, s.at(err, 0)})
	}
	s.before = prev
	s.end = segmentHeader
	for off := int64(segmentHeader); off < s.size; {
		fr, err := readFrame(f, off, s.size, deep)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		if err != nil {
			bad := hole{after: prev, err: s.at(err, off)}
			if off, err = nextFrame(f, off+1, s.size, deep); err != nil {
				return err
			}
			s.holes = append(s.holes, bad)
			continue
		}
		if len(s.holes) > 0 && s.holes[len(s.holes)-1].before == 0 {
			s.holes[len(s.holes)-1].before = fr.first
		} else if fr.prev != prev {
			s.holes = append(s.holes, hole{prev, fr.first, s.at(errMissing, off)})
		}
		s.frames = append(s.frames, fr)
		prev, s.end, off = fr.last, fr.end(), fr.end()
	}
	return nil
}

var errMissing = fmt.Errorf("%w: entries are missing", ErrDamaged)

func (s segment) at(err error, off int64) error {
	return fmt.Errorf("tape %s at byte %d: %w", filepath.Base(s.path), off, err)
}

func readFrame(r io.ReaderAt, off, size int64, deep bool) (frame, error) {
	var b [frameHeader]byte
	if off+frameHeader > size {
		return frame{}, errFrame
	}
	if _, err := r.ReadAt(b[:], off); err != nil {
		return frame{}, err
	}
	f, err := decodeFrameHeader(b[:], off)
	if err != nil {
		return frame{}, err
	}
	if f.end() > size {
		return frame{}, errPayload
	}
	if deep {
		if _, err := readPayload(r, f); err != nil {
			return frame{}, err
		}
	}
	return f, nil
}

func readPayload(r io.ReaderAt, f frame) ([]byte, error) {
	b := make([]byte, f.size)
	if _, err := r.ReadAt(b, f.offset+frameHeader); err != nil {
		return nil, err
	}
	if sum(b) != f.sum {
		return nil, errPayload
	}
	return b, nil
}

// nextFrame finds where the next frame that reads begins, or the file's end.
func nextFrame(r io.ReaderAt, off, size int64, deep bool) (int64, error) {
	b := make([]byte, 64<<10)
	for off < size {
		n, err := r.ReadAt(b[:min(int64(len(b)), size-off)], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if n < len(frameMagic) {
			break
		}
		i := bytes.Index(b[:n], []byte(frameMagic))
		if i < 0 {
			off += int64(n - len(frameMagic) + 1)
			continue
		}
		if _, err := readFrame(r, off+int64(i), size, deep); err == nil {
			return off + int64(i), nil
		}
		off += int64(i) + 1
	}
	return size, nil
}
