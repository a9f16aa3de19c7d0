package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/agent/durable"
)

const (
	damagedDir = "damaged"
	refusedDir = "refused"
)

// setAside copies bytes that hold no record to damaged/, for people. The name
// comes from the place, so that doing it twice makes one file.
func (q *Queue) setAside(first uint64, from, to int64, torn bool) {
	name := fmt.Sprintf("%s-%d", segName(first), from)
	err := q.copyOut(q.path(segName(first)), q.path(damagedDir, name), from, to)
	args := []any{"segment", segName(first), "from", from, "to", to, "copy", q.path(damagedDir, name)}
	if err != nil {
		args = append(args, "error", err)
	}
	if torn {
		q.log.Info("the end of a write that was never confirmed is set aside", args...)
		return
	}
	q.m.damaged.Inc()
	q.log.Error("damaged bytes are set aside", args...)
}

func (q *Queue) copyOut(src, dst string, from, to int64) (err error) {
	if _, err := os.Stat(dst); err == nil {
		return nil
	}
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.NewSectionReader(in, from, to-from))
	err = errors.Join(err, out.Close())
	if err != nil {
		return errors.Join(err, os.Remove(dst)) // a full disk needs its space
	}
	q.mu.Lock()
	q.aside += n
	q.mu.Unlock()
	return nil
}

// Refuse takes the block out of the queue that the collector will never take,
// and keeps it in refused/ with the reason.
func (q *Queue) Refuse(seq uint64, reason string) error {
	for i, h := range q.r.held {
		if h.block.Seq != seq {
			continue
		}
		path := q.path(refusedDir, fmt.Sprintf("%s-%d", h.block.Spool, seq))
		raw := h.block.Append(nil)
		if err := durable.Replace(path+".block", raw); err != nil {
			return fmt.Errorf("set refused block aside: %w", err)
		}
		if err := durable.Replace(path+".reason", []byte(reason+"\n")); err != nil {
			return fmt.Errorf("set refused block aside: %w", err)
		}
		q.mu.Lock()
		q.aside += int64(len(raw) + len(reason) + 1)
		q.mu.Unlock()
		q.m.refused.Inc()
		q.log.Error("the collector refused a block for good: it is set aside",
			"seq", seq, "events", h.block.Batch.Len(), "reason", reason, "file", path+".block")
		q.r.held = append(q.r.held[:i:i], q.r.held[i+1:]...)
		if i == 0 {
			return q.Ack(seq)
		}
		return nil
	}
	return fmt.Errorf("refused block %d is not waiting", seq)
}

// asideSize is what damaged/ and refused/ take, and how many blocks are
// refused.
func asideSize(dir string) (size int64, refused int) {
	for _, sub := range []string{damagedDir, refusedDir} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
			if filepath.Ext(e.Name()) == ".block" {
				refused++
			}
		}
	}
	return size, refused
}
