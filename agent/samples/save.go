package samples

import (
	"context"
	"slices"
	"time"
)

// save writes and removes files, on its own, so that a slow disk delays no
// request.
func (l *Lane) save(ctx context.Context) {
	for {
		select {
		case <-l.dirty:
			l.tidy(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// tidy removes the files of chunks that are gone and writes the chunks that
// are to be kept. What the disk does not take stays in memory and is tried
// again with the next chunk.
func (l *Lane) tidy(now time.Time) {
	for {
		c, gone := l.q.work()
		for _, n := range gone {
			l.disk("samples that are no longer needed stay on disk", l.folder.remove(n.file()), now)
		}
		if c == nil {
			return
		}
		if err := l.folder.write(c.name, c.raw); err != nil {
			l.disk("samples cannot be written: they are kept in memory, as far as they fit", err, now)
			return
		}
		l.q.written(c)
	}
}

func (l *Lane) disk(what string, err error, now time.Time) {
	if err == nil {
		return
	}
	l.m.diskErrors.Inc()
	if n := l.quiet.due(what, now); n > 0 {
		l.log.Error("the disk fails", "what", what, "dir", l.o.Dir, "error", err, "times", n)
	}
}

// work is a chunk to write, for which there is room within the bound, and the
// files to remove first.
func (q *queue) work() (c *chunk, gone []name) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c = q.unwritten()
	for c == nil && q.onDisk > q.o.Max { // the bound was lowered
		q.drop(q.oldestFile(), noRoom)
	}
	gone, q.gone = q.gone, nil
	return c, gone
}

// unwritten is the newest chunk to write. The oldest makes room, even if it is
// that one itself.
func (q *queue) unwritten() *chunk {
	for {
		i := len(q.chunks) - 1
		for i >= 0 && (q.chunks[i].raw == nil || !q.chunks[i].keep) {
			i--
		}
		if i < 0 || q.onDisk+onDisk(q.chunks[i].size) <= q.o.Max {
			return q.at(i)
		}
		if j := q.oldestFile(); j >= 0 && j < i {
			i = j
		}
		q.drop(i, noRoom)
	}
}

func (q *queue) at(i int) *chunk {
	if i < 0 {
		return nil
	}
	return q.chunks[i]
}

// oldestFile is the index of the oldest chunk on disk, or -1.
func (q *queue) oldestFile() int {
	return slices.IndexFunc(q.chunks, func(c *chunk) bool { return c.raw == nil })
}

// written says that a chunk is on disk. If it is not needed any more, its file
// goes.
func (q *queue) written(c *chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.chunks, c) {
		q.gone = append(q.gone, c.name)
		return
	}
	q.count(c, -1)
	c.raw, c.size = nil, onDisk(c.size)
	q.count(c, +1)
}
