package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// groupMax bounds what one batch carries, unless one event alone is larger.
const groupMax = 256 << 10

type request struct {
	b    *report.Builder
	done chan error
}

// write is the one writer: it takes all who wait and pays for one sync.
func (q *Queue) write() {
	for {
		select {
		case r := <-q.in:
			q.answer(q.gather(r))
		case <-q.stop:
			return
		}
	}
}

func (q *Queue) gather(first *request) []*request {
	group := []*request{first}
	for size := first.b.Size(); size < groupMax; {
		select {
		case r := <-q.in:
			group = append(group, r)
			size += r.b.Size()
		default:
			return group
		}
	}
	return group
}

func (q *Queue) answer(group []*request) {
	start := time.Now()
	err := q.commit(batches(group))
	q.m.append.UpdateDuration(start)
	for _, r := range group {
		if err == nil {
			q.m.events.Add(r.b.Len())
		}
		r.done <- err
	}
	if err == nil {
		q.wake()
	}
}

func (q *Queue) wake() {
	select {
	case q.grown <- struct{}{}:
	default:
	}
}

// batches joins small requests and cuts large ones, in order.
func batches(group []*request) (out []report.Batch) {
	if len(group) == 1 && group[0].b.Size() <= groupMax {
		return []report.Batch{group[0].b.Batch()}
	}
	var b report.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.Batch())
			b.Reset()
		}
	}
	for _, r := range group {
		if b.Size()+r.b.Size() <= groupMax {
			b.Merge(r.b)
			continue
		}
		reader := r.b.Batch().Reader()
		for ev := (report.Event{}); reader.Next(&ev); {
			if b.Size()+len(ev.Data) > groupMax {
				flush()
			}
			b.Add(&ev)
		}
	}
	flush()
	return out
}

// commit makes the batches durable, all or none. When it returns nil the
// promise to the applications has begun.
func (q *Queue) commit(group []report.Batch) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.put(group)
}

func (q *Queue) put(group []report.Batch) error {
	var need int64
	for _, b := range group {
		need += recHead + int64(len(b.Bytes()))
	}
	if err := q.room(need); err != nil {
		q.m.full.Inc()
		return err
	}
	if err := q.stray(); err != nil {
		return err
	}
	active := &q.segs[len(q.segs)-1]
	buf := make([]byte, 0, need)
	seq, prev := q.last, q.prev
	for _, b := range group {
		seq++
		buf = appendRecord(buf, active.salt, seq, prev, b.Bytes())
		prev = b.Digest()
	}
	if _, err := q.tail.WriteAt(buf, active.size); err != nil {
		if !q.takeBack(active.size) {
			return q.abandon(seq, prev, err)
		}
		if err = noSpace(err); errors.Is(err, ErrFull) && q.reclaim() {
			return q.put(group) // once: a new segment has nothing to reclaim
		}
		return err
	}
	if err := errors.Join(q.fsync(q.tail), q.stray()); err != nil {
		return q.abandon(seq, prev, err)
	}
	active.size += int64(len(buf))
	q.last, q.prev = seq, prev
	q.mark()
	return nil
}

// room makes sure that need bytes fit and a segment is open.
func (q *Queue) room(need int64) error {
	if q.used()+need > q.opt.Max {
		q.reclaim()
	}
	if q.used()+need > q.opt.Max {
		return fmt.Errorf("%w: %d bytes are kept in %s", ErrFull, q.used(), q.dir)
	}
	if n := len(q.segs); q.tail != nil && q.segs[n-1].size < q.opt.Segment {
		return nil
	}
	err := q.roll()
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return noSpace(err)
}

// stray says that the active segment is not the file of its name any more: what
// is written to it would be gone with the next restart. The caller holds q.mu.
func (q *Queue) stray() error {
	own, err := q.tail.Stat()
	if err != nil {
		return err
	}
	path := q.path(segName(q.segs[len(q.segs)-1].first))
	if there, err := os.Stat(path); err != nil || !os.SameFile(own, there) {
		return fmt.Errorf("%w: %s", ErrGone, path)
	}
	return nil
}

// Trouble says that files of the spool are missing; empty if they are there.
func (q *Queue) Trouble() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, path := range append([]string{q.path(metaName), q.path(headName)}, q.waiting()...) {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w: %w", ErrGone, err).Error()
		}
	}
	if q.tail != nil {
		if err := q.stray(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// waiting are the files with what is not acknowledged. The caller holds q.mu.
func (q *Queue) waiting() (paths []string) {
	for i, s := range q.segs {
		if i+1 == len(q.segs) || q.segs[i+1].first > q.acked+1 {
			paths = append(paths, q.path(segName(s.first)))
		}
	}
	return paths
}

// reclaim frees what can be freed when a bound is reached: an active segment
// in which nothing waits, and what a person has cleared from aside.
func (q *Queue) reclaim() (freed bool) {
	q.aside, _ = asideSize(q.dir)
	n := len(q.segs)
	if q.tail == nil || q.acked < q.last || q.segs[n-1].size <= segStart {
		return false
	}
	q.seal()
	return true
}

// takeBack removes records that did not fit, so that nothing of them is ever
// read, and tells whether it could.
func (q *Queue) takeBack(size int64) bool {
	q.m.full.Inc()
	return q.tail.Truncate(size) == nil && q.tail.Sync() == nil
}

// abandon ends the active segment when nobody knows what the disk has of the
// records up to seq: these numbers are used up, and the file is not written
// again.
func (q *Queue) abandon(seq uint64, prev digest, cause error) error {
	q.m.unknown.Inc()
	q.log.Error("the disk did not confirm a write, its segment is abandoned",
		"segment", segName(q.segs[len(q.segs)-1].first), "error", cause)
	q.last, q.prev = seq, prev
	q.mark()
	q.seal()
	return fmt.Errorf("%w: %w", ErrUnknown, cause)
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// mark notes how far the spool is. The caller holds q.mu.
func (q *Queue) mark() {
	if err := q.head.put(head{seq: q.last, prev: q.prev, acked: q.acked}); err != nil {
		q.log.Warn("note head", "error", err)
	}
}
