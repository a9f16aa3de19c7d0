package samples

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	chunkFrames = 30             // frames that are written together
	maxMemory   = 2 << 20        // bytes of chunks that no disk takes
	maxAge      = 24 * time.Hour // what is older, the collector's view refuses
	block       = 4 << 10        // a file takes whole blocks of the disk
)

// item is a frame and what its values are of.
type item struct {
	schema *report.Schema
	report.Frame
}

// chunk is frames that wait, as they are written and sent.
type chunk struct {
	name
	size int64  // bytes that it takes, on disk or in memory
	raw  []byte // nil once it is on disk
	keep bool   // is to be written
	// It failed, and until then the others go first.
	after time.Time
}

// queue is what is not delivered: the newest frame, which was not tried yet;
// the frames of the chunk that is being gathered; and the chunks.
type queue struct {
	o    Options
	lane report.SpoolID
	m    *meters

	mu       sync.Mutex // guards what follows; not held while a file is written or read
	next     *item
	schema   *report.Schema // of open
	open     []report.Frame // by time
	chunks   []*chunk       // by time, the oldest first
	gone     []name         // files to be removed
	serial   uint64         // of the newest chunk
	onDisk   int64
	inMemory int64
	frames   int  // in chunks
	down     bool // the last live request was not answered, or none was sent yet
}

func (q *queue) init(o Options, m *meters) { q.o, q.m, q.down = o, m, true }

// found takes what an earlier process left on disk.
func (q *queue) found(left []*chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range left {
		q.insert(c)
		q.serial = max(q.serial, c.serial)
	}
}

// add takes the newest frame. It reports whether there is something to write.
func (q *queue) add(it item) (write bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.m.frames.Inc()
	if q.next != nil {
		write = q.gather(*q.next)
	}
	q.next = &it
	return write
}

// take is the newest frame if it was not tried yet.
func (q *queue) take() (it item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == nil {
		return item{}, false
	}
	it, q.next = *q.next, nil
	return it, true
}

// answered notes that live frames are answered. It reports whether others wait.
func (q *queue) answered() (late bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = false
	return len(q.open)+len(q.chunks) > 0
}

// undelivered takes a frame back that a live request did not deliver.
func (q *queue) undelivered(it item) (write bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = true
	return q.gather(it)
}

// gather puts a frame where its time belongs among those that wait.
func (q *queue) gather(it item) (full bool) {
	if len(q.open) > 0 && q.schema != it.schema && q.schema.ID() != it.schema.ID() {
		q.seal(true)
		full = true
	}
	i, twice := slices.BinarySearchFunc(q.open, it.Time, func(f report.Frame, t int64) int { return cmp.Compare(f.Time, t) })
	if twice {
		q.m.dropped(sameTime, 1)
		return full
	}
	q.schema, q.open = it.schema, slices.Insert(q.open, i, it.Frame)
	if len(q.open) >= chunkFrames {
		q.seal(true)
		return true
	}
	return full
}

// seal makes a chunk of what was gathered.
func (q *queue) seal(keep bool) {
	if len(q.open) == 0 {
		return
	}
	q.serial++
	s := report.Samples{Agent: q.o.Agent, Lane: q.lane, Labels: q.o.Labels, Schema: q.schema, Frames: q.open}
	c := &chunk{
		name: name{last: q.open[len(q.open)-1].Time, frames: len(q.open), serial: q.serial},
		raw:  s.Append(nil), keep: keep,
	}
	c.size = int64(len(c.raw))
	q.schema, q.open = nil, nil
	q.insert(c)
	for q.inMemory > maxMemory && q.inMemory > c.size { // this one waits in any case
		q.drop(slices.IndexFunc(q.chunks, func(old *chunk) bool { return old.raw != nil && old != c }), noRoom)
	}
}

// flush gathers and seals everything, to be written.
func (q *queue) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next != nil {
		q.gather(*q.next)
		q.next = nil
	}
	q.seal(true)
	for _, c := range q.chunks {
		c.keep = true
	}
}

func (q *queue) insert(c *chunk) {
	i, _ := slices.BinarySearchFunc(q.chunks, c, func(a, b *chunk) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.serial, b.serial))
	})
	q.chunks = slices.Insert(q.chunks, i, c)
	q.count(c, +1)
}

func (q *queue) count(c *chunk, sign int) {
	q.frames += sign * c.frames
	if c.raw != nil {
		q.inMemory += int64(sign) * c.size
	} else {
		q.onDisk += int64(sign) * c.size
	}
}

// remove takes a chunk out, and its file if it has one.
func (q *queue) remove(i int) *chunk {
	c := q.chunks[i]
	q.chunks = slices.Delete(q.chunks, i, i+1)
	q.count(c, -1)
	if c.raw == nil {
		q.gone = append(q.gone, c.name)
	}
	return c
}

func (q *queue) drop(i int, why reason) { q.m.dropped(why, q.remove(i).frames) }

// newest is the chunk to send next; nil if there is none, all of them failed
// lately, or the collector does not answer.
func (q *queue) newest(now time.Time) *chunk {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.down {
		return nil
	}
	for len(q.chunks) > 0 && q.chunks[0].last < now.Add(-maxAge).UnixMilli() {
		q.drop(0, tooOld)
	}
	q.seal(false)
	for _, c := range slices.Backward(q.chunks) {
		if !now.Before(c.after) {
			return c
		}
	}
	return nil
}

// bytes is the content of a chunk that is in memory.
func (q *queue) bytes(c *chunk) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	return c.raw
}

// settle takes a chunk out that needs not be sent again.
func (q *queue) settle(c *chunk) (was bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.chunks, c)
	if i >= 0 {
		q.remove(i)
	}
	return i >= 0
}

// retain says that a chunk must wait longer, so that it is written, and that
// until then it stands in no other's way.
func (q *queue) retain(c *chunk, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c.keep, c.after = true, until
}
