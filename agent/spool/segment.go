package spool

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/durable"
)

const segSuffix = ".seg"

// A segment is one file of records, named by the first sequence it may hold.
type segment struct {
	first uint64
	size  int64 // durable bytes; readers stop here
	salt  salt  // known of the active one only
}

func segName(first uint64) string { return fmt.Sprintf("%016x%s", first, segSuffix) }

// listSegments returns the segments of dir, oldest first.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segs []segment
	for _, e := range entries {
		hex, ok := strings.CutSuffix(e.Name(), segSuffix)
		first, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil || segName(first) != e.Name() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		segs = append(segs, segment{first: first, size: info.Size()})
	}
	slices.SortFunc(segs, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return segs, nil
}

// roll makes the next segment the active one. The caller holds q.mu.
func (q *Queue) roll() error {
	seg := segment{first: q.last + 1, size: segStart, salt: newSalt()}
	path := q.path(segName(seg.first))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("new segment: %w", err)
	}
	_, err = f.WriteAt(encodeSegHead(seg.salt, seg.first), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = durable.SyncDir(q.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("new segment: %w", err), f.Close(), os.Remove(path))
	}
	q.seal()
	q.tail = f
	q.segs = append(q.segs, seg)
	return nil
}

// seal ends the active segment, if there is one. The caller holds q.mu.
func (q *Queue) seal() {
	if q.tail == nil {
		return
	}
	if err := q.tail.Close(); err != nil {
		q.log.Warn("close segment", "error", err) // its records are synced
	}
	q.tail = nil
	q.drop()
}

// drop deletes segments that hold nothing but what is acknowledged. The caller
// holds q.mu.
func (q *Queue) drop() {
	for len(q.segs) > 0 {
		next := q.last + 1
		if len(q.segs) > 1 {
			next = q.segs[1].first
		}
		active := len(q.segs) == 1 && q.tail != nil
		if active || q.acked+1 < next {
			return
		}
		if err := os.Remove(q.path(segName(q.segs[0].first))); err != nil && !errors.Is(err, os.ErrNotExist) {
			q.log.Error("delete acknowledged segment", "error", err)
			return
		}
		q.segs = q.segs[1:]
	}
}

// used is what the spool takes on disk. The caller holds q.mu.
func (q *Queue) used() (n int64) {
	for _, s := range q.segs {
		n += s.size
	}
	return n + q.aside
}

func fdatasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
