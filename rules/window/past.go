package window

import "math"

// past is what a table knows of when its entries came, and of what it forgot. An
// entry is kept until the later of its event's time and its arrival lies far enough
// back. When it arrived follows from its place in the ledger.
type past struct {
	on bool // from Remember on; before, an event's time alone decided
	// marks are places in the ledger and their times, in order. The first is the
	// newest that lies as far back as an entry is kept, or the first ever; what
	// arrived before it has been here long enough.
	marks []mark
	// forgot is the latest time of an event that was kept long enough.
	forgot int64
	// unknown is the time of an event up to which nothing was ever known.
	unknown int64
}

type mark struct {
	time  int64
	index uint64
}

// marked is how many marks are kept, about: an entry is kept longer than it must be
// by one part of so many.
const marked = 32

// Remember says that entries which are added from now on stand at index of the
// ledger or after it, and that they are kept for as long after their arrival as
// after their time.
func (t *Table) Remember(now int64, index uint64) {
	p := &t.past
	if !p.on {
		p.forgot = now - t.keep() // or more, by rules of before
		p.on = true
	}
	if n := len(p.marks); n == 0 || now-p.marks[n-1].time >= max(t.keep()/marked, 1) {
		p.marks = append(p.marks, mark{now, index})
	}
	n := 0
	for n+1 < len(p.marks) && p.marks[n+1].time <= now-t.keep() {
		n++
	}
	if n > 0 {
		p.marks = append(p.marks[:0], p.marks[n:]...)
	}
	if t.shed.over(now - t.keep()) {
		p.forgot = max(p.forgot, t.shed.last)
		t.shed.keys = nil
	}
}

// Forgot tells whether something was forgotten, for its age, that may share a window
// with an event of the time.
func (t *Table) Forgot(time int64) bool {
	return t.past.on && time <= max(t.past.forgot, t.past.unknown)+t.spec.Within
}

// Forget says that nothing is known of events up to a time, and all of those after it.
func (t *Table) Forget(time int64) { t.past.unknown = time }

// Remembers tells whether Remember was ever called.
func (t *Table) Remembers() bool { return t.past.on }

// Complete tells whether all events since a time are known.
func (t *Table) Complete(since int64) bool {
	return !t.past.on || since > max(t.past.forgot, t.past.unknown)
}

func newPast() past { return past{forgot: math.MinInt64 / 2, unknown: math.MinInt64 / 2} }

// keep is how long after an event's time, and its arrival, its entry may still
// matter.
func (t *Table) keep() int64 {
	if t.past.on {
		return t.spec.Within + t.spec.Spare
	}
	return t.spec.Within + t.spec.Lateness
}

// arrivedLately tells whether an entry came when those of now are still kept.
func (t *Table) arrivedLately(r Run, i int) bool {
	return t.past.on && r.Ref(i).Index() >= t.past.marks[0].index
}

// drop forgets the oldest entries that were kept long enough, up to the first that
// was not, and tells how many that were.
func (t *Table) drop(s *slot, now int64) int {
	r := t.run(s)
	n := r.after(now - t.keep())
	if t.past.on {
		old := n
		for n = 0; n < old && !t.arrivedLately(r, n); n++ {
		}
	}
	t.forgets(r, n)
	s.setFirst(s.first() + uint32(n))
	s.n -= uint32(n)
	return n
}

// prune forgets every entry that was kept long enough, also behind one that came
// late, and tells how many that were.
func (t *Table) prune(s *slot, now int64) int {
	r := t.run(s)
	old := r.after(now - t.keep())
	kept := 0
	for i := range old {
		if t.arrivedLately(r, i) {
			copy(r.entry(kept), r.entry(i))
			kept++
		} else {
			t.past.forgot = max(t.past.forgot, r.Time(i))
		}
	}
	gone := old - kept
	if gone > 0 {
		copy(r.words[kept*t.stride:], r.words[old*t.stride:])
		s.n -= uint32(gone)
		if r = t.run(s); t.spec.Nums > 0 {
			r.totals()
		}
	}
	return gone
}

// forgets notes that the first n entries of a run are forgotten.
func (t *Table) forgets(r Run, n int) {
	if n > 0 {
		t.past.forgot = max(t.past.forgot, r.Time(n-1))
	}
}
