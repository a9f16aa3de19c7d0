package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

// restore reads what is there. It writes only where something is new, torn or
// damaged, and a new segment begins with the next record: nothing is ever
// appended behind damage.
func (q *Queue) restore() (err error) {
	if q.segs, err = listSegments(q.dir); err != nil {
		return err
	}
	if err := q.checkVersions(); err != nil {
		return err
	}
	file, h, headErr := openHead(q.path(headName))
	if file == nil {
		return headErr
	}
	q.head = file
	m, metaErr := q.readMeta()
	for _, err := range []error{headErr, metaErr} {
		if err != nil && !errors.Is(err, durable.ErrDamaged) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	whole := headErr == nil && metaErr == nil
	// The meta file is the last one that a new spool gets.
	fresh := len(q.segs) == 0 && h.seq == 0 && errors.Is(metaErr, os.ErrNotExist)
	q.meta, q.acked = m, max(m.acked, h.acked)
	if len(q.segs) > 0 {
		q.acked = max(q.acked, q.segs[0].first-1) // only what is acknowledged was deleted
	}
	if err := q.findLast(h); err != nil {
		return err
	}
	if !whole {
		if err := q.identify(fresh, errors.Join(headErr, metaErr)); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drop()
	q.aside, _ = asideSize(q.dir)
	q.announce()
	q.wake()
	return nil
}

func (q *Queue) readMeta() (meta, error) {
	raw, err := os.ReadFile(q.path(metaName))
	if err != nil {
		return meta{}, err
	}
	return decodeMeta(raw)
}

// checkVersions refuses segments that a newer program wrote.
func (q *Queue) checkVersions() error {
	for _, seg := range q.segs {
		f, err := os.Open(q.path(segName(seg.first)))
		if err != nil {
			return err
		}
		_, err = openWalker(f)
		if err := errors.Join(ignoreDamage(err), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", segName(seg.first), err)
		}
	}
	return nil
}

func ignoreDamage(err error) error {
	if errors.Is(err, durable.ErrDamaged) {
		return nil
	}
	return err
}

// findLast sets the newest sequence ever given out: from the head, or from the
// newest record when the head is older.
func (q *Queue) findLast(h head) error {
	q.last, q.prev = h.seq, h.prev
	for len(q.segs) > 0 {
		rec, err := q.scan(&q.segs[len(q.segs)-1], h.seq)
		if err != nil {
			return err
		}
		if rec.body == nil {
			if err := q.clear(q.segs[len(q.segs)-1], h.seq); err != nil {
				return err
			}
			q.segs = q.segs[:len(q.segs)-1]
			continue
		}
		if rec.seq >= h.seq {
			batch, err := report.OpenBatch(rec.body)
			if err != nil {
				return fmt.Errorf("record %d: %w", rec.seq, err)
			}
			q.last, q.prev = rec.seq, batch.Digest()
		} else if h.seq > max(rec.seq, q.acked) {
			q.lost(max(rec.seq, q.acked), h.seq)
		}
		break
	}
	if len(q.segs) == 0 && h.seq > q.acked {
		q.lost(q.acked, h.seq)
	}
	if q.last < q.acked {
		q.last, q.prev = q.acked, digest{}
	}
	return nil
}

// lost notes that the blocks after from are gone.
func (q *Queue) lost(from, to uint64) {
	q.gap = true
	q.log.Error("the newest blocks are lost, the collector will show a gap", "from", from+1, "to", to)
}

// announce lets the collector see a gap at once, by a block without events: on
// a quiet host the next event may be hours away.
func (q *Queue) announce() {
	if !q.gap {
		return
	}
	var nothing report.Builder
	if err := q.put([]report.Batch{nothing.Batch()}); err != nil {
		q.log.Warn("the gap will be seen with the next event", "error", err)
	}
}

// scan reads a segment to its end, cuts off a write that was never confirmed,
// and returns the last record.
func (q *Queue) scan(seg *segment, confirmed uint64) (last found, err error) {
	path := q.path(segName(seg.first))
	f, err := os.Open(path)
	if err != nil {
		return found{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := openWalker(f)
	if err != nil {
		return found{}, ignoreDamage(err)
	}
	var bad found
	for {
		rec, err := w.next(seg.size)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return found{}, err
		}
		if bad = (found{}); rec.body == nil {
			bad = rec
			continue
		}
		last = rec
	}
	if bad.to == 0 || last.body == nil || last.seq < confirmed {
		return last, nil
	}
	q.setAside(seg.first, bad.from, bad.to, true)
	seg.size = bad.from
	return last, os.Truncate(path, seg.size)
}

// clear takes away a segment in which no record can be read, so that its name
// is free.
func (q *Queue) clear(seg segment, confirmed uint64) error {
	path := q.path(segName(seg.first))
	if seg.size <= segStart && seg.first > confirmed {
		return os.Remove(path) // made, and nothing written yet
	}
	aside := q.path(damagedDir, filepath.Base(path))
	if seg.first > confirmed {
		q.log.Info("a write that was never confirmed is set aside", "file", aside)
	} else {
		q.m.damaged.Inc()
		q.log.Error("a segment without a readable record is set aside", "file", aside)
	}
	return os.Rename(path, aside)
}

// identify gives the spool a new id: because it is new, or because without its
// notes nobody can tell which numbers the collector has seen.
func (q *Queue) identify(fresh bool, cause error) error {
	if !fresh {
		q.m.damaged.Inc()
		q.log.Error("its notes are damaged; what waits is sent under a new spool id", "error", cause)
		for _, name := range []string{metaName, headName} {
			if raw, err := os.ReadFile(q.path(name)); err == nil {
				_ = os.WriteFile(q.path(damagedDir, name), raw, 0o600)
			}
		}
	}
	if err := q.head.reset(head{seq: q.last, prev: q.prev, acked: q.acked}); err != nil {
		return fmt.Errorf("write head: %w", err)
	}
	if err := q.renew(); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(q.dir))
}
