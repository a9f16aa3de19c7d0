package window

import "github.com/tomeishi/tomeishi/rules/decimal"

// A Walk goes over the windows that hold one entry, the latest first, and says
// what is in each. An entry comes in once and goes out once, however many windows
// hold it. It is valid until the table changes or another walk begins.
type Walk struct {
	run   Run
	at    int // in all windows
	to    int // where the next one ends, at most
	span  Span
	first bool // of the windows: looked through as it is
	fresh bool // without what was accepted
}

// Walk begins before the windows that hold entry at. Fresh leaves out of them what
// a person accepted. A window is closed at both ends: two events exactly Within
// apart share one.
func (r Run) Walk(at int, fresh bool) Walk {
	w := Walk{run: r, at: at, to: r.after(r.Time(at) + r.t.spec.Within + 1), fresh: fresh && r.slot.accepted()}
	r.t.moving.reset()
	return w
}

// Fresh begins before all windows, without what a person accepted.
func (r Run) Fresh() Walk {
	w := Walk{run: r, to: r.n, fresh: r.slot.accepted()}
	r.t.moving.reset()
	return w
}

// Moving begins before windows that To names, with Fresh without what a person accepted.
func (r Run) Moving(fresh bool) Walk {
	w := Walk{run: r, fresh: fresh && r.slot.accepted()}
	r.t.moving.reset()
	return w
}

// To goes to a window that is no later than those before.
func (w *Walk) To(s Span) { w.first, w.span = w.span.To == 0, s }

// Next goes to the next window; false if there is none.
func (w *Walk) Next() bool {
	r := w.run
	for ; w.to > w.at; w.to-- {
		if w.to < r.n && r.Time(w.to) == r.Time(w.to-1) {
			continue // this window does not end before its equals
		}
		begin := r.Time(w.to-1) - r.t.spec.Within
		from := w.span.From
		if w.first = w.span.To == 0; w.first {
			from = r.after(begin)
		}
		for from > 0 && r.Time(from-1) >= begin {
			from--
		}
		w.span = Span{from, w.to}
		w.to--
		return true
	}
	return false
}

// Look goes to one window that is no later than those before.
func (r Run) Look(s Span) Walk {
	return Walk{run: r, span: s, first: true}
}

// Run is what it walks over.
func (w *Walk) Run() Run { return w.run }

// Span is where the window lies in the run.
func (w *Walk) Span() Span { return w.span }

// Count is the number of events in the window.
func (w *Walk) Count() int64 {
	if !w.fresh {
		return int64(w.span.To - w.span.From)
	}
	m := &w.run.t.moving
	m.used = true
	m.count.move(w, func(int) { m.count.n++ }, func(int) { m.count.n-- })
	return m.count.n
}

// Sum adds number c over the window.
func (w *Walk) Sum(c int) decimal.Decimal {
	if !w.fresh {
		return w.run.sum(c, w.span)
	}
	m := &w.run.t.moving.column(c).sum
	m.move(w,
		func(i int) { m.n, _ = m.n.Add(w.run.num(c, i, 0)) },
		func(i int) { m.n, _ = m.n.Sub(w.run.num(c, i, 0)) })
	return m.n
}

// Min is the smallest number c in the window, which holds at least one entry.
func (w *Walk) Min(c int) decimal.Decimal { return w.extreme(c, -1) }

// Max is the largest number c in the window, which holds at least one entry.
func (w *Walk) Max(c int) decimal.Decimal { return w.extreme(c, 1) }

func (w *Walk) extreme(c, sign int) decimal.Decimal {
	if w.first && !w.fresh {
		return w.run.extreme(c, sign, w.span)
	}
	m := &w.run.t.moving.column(c).low
	if sign > 0 {
		m = &w.run.t.moving.column(c).high
	}
	m.move(w,
		func(i int) {
			// Whoever is no better and leaves sooner will never be the best.
			v := w.run.num(c, i, 0)
			n := len(m.best)
			for n > m.gone && sign*v.Cmp(m.best[n-1].value) >= 0 {
				n--
			}
			m.best = append(m.best[:n], candidate{i, v})
		},
		func(i int) {
			if m.best[m.gone].at == i {
				m.gone++
			}
		})
	return m.best[m.gone].value
}

// Same tells whether the window holds no two different values c.
func (w *Walk) Same(c int) bool {
	if w.first && !w.fresh {
		return w.run.same(c, w.span)
	}
	return w.Distinct(c) <= 1
}

// Any is the value c of an entry in the window; false if it holds none.
func (w *Walk) Any(c int) (Key, bool) {
	for i := w.span.To - 1; i >= w.span.From; i-- {
		if !w.fresh || !w.run.Accepted(i) {
			return w.run.distinct(c, i), true
		}
	}
	return Key{}, false
}

// Distinct counts the different values c in the window.
func (w *Walk) Distinct(c int) int64 {
	if w.first && !w.fresh {
		return w.run.distinctIn(c, w.span)
	}
	m := w.run.t.moving.values(c)
	m.move(w,
		func(i int) { m.times[w.run.one(c, i)]++ },
		func(i int) {
			k := w.run.one(c, i)
			if m.times[k]--; m.times[k] == 0 {
				delete(m.times, k)
			}
		})
	return int64(len(m.times))
}

// moving is what a walk knows of its window, for each thing that was asked of it.
// It is room, and no part of a table's state.
type moving struct {
	used    bool // an event in order uses none of it
	count   tally
	numbers []column
	times   []values
}

type tally struct {
	within
	n int64
}

type column struct {
	sum struct {
		within
		n decimal.Decimal
	}
	low, high best
}

// best are the entries that are the best of all that leave the window after them,
// in the order in which they leave; the first of them have left.
type best struct {
	within
	best []candidate
	gone int
}

type candidate struct {
	at    int
	value decimal.Decimal
}

type values struct {
	within
	times map[Key]int
}

func (m *moving) reset() {
	if !m.used {
		return
	}
	m.used = false
	m.count = tally{}
	for i := range m.numbers {
		c := &m.numbers[i]
		c.sum.within, c.sum.n = within{}, decimal.Decimal{}
		c.low = best{best: c.low.best[:0]}
		c.high = best{best: c.high.best[:0]}
	}
	for i := range m.times {
		m.times[i].within = within{}
		clear(m.times[i].times)
	}
}

func (m *moving) column(c int) *column {
	m.used = true
	for len(m.numbers) <= c {
		m.numbers = append(m.numbers, column{})
	}
	return &m.numbers[c]
}

func (m *moving) values(c int) *values {
	m.used = true
	for len(m.times) <= c {
		m.times = append(m.times, values{times: map[Key]int{}})
	}
	return &m.times[c]
}

// within is up to where something knows the window.
type within struct {
	span  Span
	begun bool
}

// move goes to the walk's window: what comes in comes at its beginning, then the
// end goes out.
func (in *within) move(w *Walk, add, drop func(i int)) {
	if !in.begun {
		in.begun, in.span = true, Span{w.span.To, w.span.To}
	}
	counts := func(i int) bool { return !w.fresh || !w.run.Accepted(i) }
	for in.span.From > w.span.From {
		in.span.From--
		if counts(in.span.From) {
			add(in.span.From)
		}
	}
	for in.span.To > w.span.To {
		in.span.To--
		if counts(in.span.To) {
			drop(in.span.To)
		}
	}
}
