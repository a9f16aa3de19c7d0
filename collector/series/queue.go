package series

import (
	"sync"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// maxQueued bounds the bodies of entries that wait for the view. What does not
// fit is read from the tape later.
const maxQueued = 64 << 20

// queue holds entries between the one that applies them, who never waits, and
// the feeder.
type queue struct {
	mu      sync.Mutex // guards waiting and bytes
	waiting haul
	bytes   int
	most    int           // bytes; maxQueued but in tests
	wake    chan struct{} // has room for one
}

// A haul is what the feeder has to do next: first read what is missing from
// the tape, then feed the entries.
type haul struct {
	missing uint64 // everything up to this index was not queued; 0 is nothing
	known   uint64 // the newest index up to missing that surely was an entry
	entries []entry.Entry
	through uint64 // index of the newest entry offered
	time    int64  // its ledger time
	anew    bool   // this is another ledger than before: what was applied does not count
}

func (q *queue) open(m mark) {
	q.most, q.wake = maxQueued, make(chan struct{}, 1)
	q.waiting = haul{through: m.Index, time: m.Time}
}

// offer takes an entry. Indexes may skip those that the log keeps for itself.
func (q *queue) offer(e entry.Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &q.waiting
	if e.Index <= w.through {
		if e.Time <= w.time {
			return // from before the start: it is in the view
		}
		*w, q.bytes = haul{missing: e.Index - 1, through: e.Index - 1, anew: true}, 0
	}
	queued := e.Kind == entry.KindSamples || e.Kind == entry.KindWrite
	if e.Index != w.through+1 || queued && q.bytes+len(e.Body) > q.most {
		*w, q.bytes = haul{missing: e.Index - 1, known: w.through, anew: w.anew}, 0
	}
	w.through, w.time = e.Index, e.Time
	if queued {
		w.entries = append(w.entries, e)
		q.bytes += len(e.Body)
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns what waits.
func (q *queue) take() haul {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.waiting
	q.waiting, q.bytes = haul{through: h.through, time: h.time}, 0
	return h
}

// newest is the index of the newest entry offered.
func (q *queue) newest() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.through
}

func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}
