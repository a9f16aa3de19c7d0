package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// walker reads the records of one segment in order and steps over damage.
type walker struct {
	f    io.ReaderAt
	salt salt
	off  int64
}

// A found is one record, or one run of bytes that holds none.
type found struct {
	recordHead
	body     []byte // nil: the bytes from..to are damaged
	from, to int64
}

func openWalker(f io.ReaderAt) (walker, error) {
	raw := make([]byte, segStart)
	n, err := f.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return walker{}, err
	}
	s, err := decodeSegHead(raw[:n])
	return walker{f: f, salt: s, off: segStart}, err
}

// next returns what comes before size, or io.EOF.
func (w *walker) next(size int64) (found, error) {
	if w.off >= size {
		return found{}, io.EOF
	}
	raw, err := w.read(w.off, min(recHead, size-w.off))
	h, ok := decodeRecordHead(w.salt, raw)
	if err != nil || !ok {
		return w.skip(size), nil
	}
	end := w.off + recHead + int64(h.size)
	if end > size {
		// The header is whole and the file ends in the body.
		return w.bad(size), nil
	}
	body, err := w.read(w.off+recHead, int64(h.size))
	if err != nil || crc32.Checksum(body, castagnoli) != h.sum {
		return w.bad(end), nil
	}
	out := found{recordHead: h, body: body, from: w.off, to: end}
	w.off = end
	return out, nil
}

func (w *walker) bad(to int64) found {
	out := found{from: w.off, to: to}
	w.off = to
	return out
}

// skip searches for the next whole header behind a damaged one. What the disk
// refuses to read is damaged too.
func (w *walker) skip(size int64) found {
	const step = 64 << 10
	for at := w.off + 1; at < size; at += step {
		chunk, err := w.read(at, min(step+recHead-1, size-at))
		if err != nil {
			continue
		}
		for i := 0; ; i++ {
			n := bytes.Index(chunk[i:], []byte(recMark))
			if n < 0 || i+n >= step {
				break
			}
			i += n
			if _, ok := decodeRecordHead(w.salt, chunk[i:]); ok {
				return w.bad(at + int64(i))
			}
		}
	}
	return w.bad(size)
}

func (w *walker) read(at, n int64) ([]byte, error) {
	buf := make([]byte, n)
	if _, err := w.f.ReadAt(buf, at); err != nil {
		return nil, fmt.Errorf("read segment at %d: %w", at, err)
	}
	return buf, nil
}
