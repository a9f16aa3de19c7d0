package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tomeishi/tomeishi/agent/report"
)

// ErrAhead means that the collector acknowledged what this spool never wrote:
// it knows another history under the same id.
var ErrAhead = errors.New("acknowledged further than the spool has written")

// reader follows the segments. Blocks that Next has shown stay in held until
// they are acknowledged.
type reader struct {
	f    *os.File // open only while reading: a deleted file that is open keeps its space
	w    walker
	seg  uint64 // first of the segment that w walks, or of none yet
	done uint64 // newest sequence read
	held []waiting
}

type waiting struct {
	seq   uint64 // on disk
	block report.Block
	gap   bool // blocks before it were lost
}

func (r *reader) close() error {
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return f.Close()
}

// rewind starts again at the oldest segment; what is acknowledged is skipped.
func (r *reader) rewind() error {
	err := r.close()
	*r = reader{}
	return err
}

// Next waits for blocks and returns the oldest ones not acknowledged, in order:
// at least one, and no more once they have size bytes. Until Ack it returns the
// same ones.
func (q *Queue) Next(ctx context.Context, size int) ([]report.Block, error) {
	for {
		if err := q.fill(size); err != nil {
			return nil, err
		}
		if len(q.r.held) > 0 {
			break
		}
		select {
		case <-q.grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-q.stop:
			return nil, ErrClosed
		}
	}
	out := make([]report.Block, len(q.r.held))
	for i, h := range q.r.held {
		out[i] = h.block
	}
	return out, nil
}

// fill reads ahead until size bytes are held or nothing more is there.
func (q *Queue) fill(size int) (err error) {
	if len(q.r.held) > 0 {
		return nil
	}
	defer func() { err = errors.Join(err, q.r.close()) }()
	for total := 0; total < size; {
		f, err := q.record()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		block, gap, ok := q.block(f)
		if !ok {
			continue
		}
		q.r.held = append(q.r.held, waiting{f.seq, block, gap})
		total += len(f.body)
	}
	return nil
}

// record returns the next readable record, or io.EOF when all are read.
func (q *Queue) record() (found, error) {
	for {
		seg, last, err := q.current()
		if err != nil {
			return found{}, err
		}
		f, err := q.r.w.next(seg.size)
		switch {
		case errors.Is(err, io.EOF):
			if last {
				return found{}, io.EOF
			}
			if err := q.r.close(); err != nil {
				return found{}, err
			}
			q.r.seg, q.r.w = q.r.seg+1, walker{} // the next one has a higher name
		case err != nil:
			return found{}, err
		case f.body == nil:
			q.setAside(seg.first, f.from, f.to, false)
		default:
			return f, nil
		}
	}
}

// current opens the segment to read from: the one being read, or the oldest
// one after it. last tells that no other follows.
func (q *Queue) current() (seg segment, last bool, err error) {
	q.mu.Lock()
	i := 0
	for i < len(q.segs) && q.segs[i].first < q.r.seg {
		i++
	}
	if i == len(q.segs) {
		q.mu.Unlock()
		return segment{}, true, io.EOF
	}
	seg, last = q.segs[i], i == len(q.segs)-1
	q.mu.Unlock()
	if q.r.f != nil && q.r.seg == seg.first {
		return seg, last, nil
	}
	if err := q.r.close(); err != nil {
		return segment{}, false, err
	}
	f, err := os.Open(q.path(segName(seg.first)))
	if err != nil {
		return segment{}, false, fmt.Errorf("read spool: %w", err)
	}
	q.r.f = f
	if q.r.seg == seg.first && q.r.w.f != nil {
		q.r.w.f = f
		return seg, last, nil
	}
	q.r.seg = seg.first
	if q.r.w, err = openWalker(f); err != nil {
		// Neither copy of its header is readable: there is nothing to go by.
		q.setAside(seg.first, 0, seg.size, false)
		q.r.w = walker{f: f, off: seg.size}
	}
	return seg, last, nil
}

// block turns a record into what is sent, and tells whether there is a gap before
// it. It is not ok for one that need not be sent, or that the collector could not
// read either.
func (q *Queue) block(f found) (b report.Block, gap, ok bool) {
	q.mu.Lock()
	m, acked := q.meta, q.acked
	q.mu.Unlock()
	if f.seq <= acked || f.seq <= q.r.done {
		return report.Block{}, false, false
	}
	batch, err := report.OpenBatch(f.body)
	if err != nil {
		q.log.Error("record does not open", "seq", f.seq, "error", err)
		q.setAside(q.r.seg, f.from, f.to, false)
		return report.Block{}, false, false
	}
	after := max(acked, q.r.done)
	if gap = f.seq > after+1; gap {
		q.m.missing.Add(int(f.seq - after - 1))
		q.log.Error("blocks are missing, the collector will show a gap", "from", after+1, "to", f.seq-1)
	}
	q.r.done = f.seq
	h := report.Head{Agent: q.opt.Agent, Spool: m.id, Seq: f.seq - m.base, Prev: f.prev}
	if h.Seq == 1 {
		h.Prev = digest{}
	}
	return report.Block{Head: h, Batch: batch}, gap, true
}

// Ack drops all blocks up to through, a sequence on the wire. Losing the note
// of it in a crash only sends them again.
func (q *Queue) Ack(through uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	seq := q.meta.base + through
	if seq > q.last || seq < through {
		return fmt.Errorf("%w: block %d of %d", ErrAhead, through, q.last-q.meta.base)
	}
	if seq <= q.acked {
		return nil
	}
	held := q.r.held
	for len(held) > 0 && held[0].seq <= seq {
		held = held[1:]
	}
	q.r.held = held
	q.acked = max(seq, q.r.done)
	if len(held) > 0 {
		q.acked = held[0].seq - 1 // refused ones may lie between
	}
	q.mark()
	q.drop()
	return nil
}
