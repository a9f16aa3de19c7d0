package join

import (
	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A view is what the sides of one key hold at one time. It goes back in time only, and
// is valid until the state changes.
type view struct {
	*state
	at    int64
	fresh bool // without what a person accepted
	sides [mostSides]held

	side  int      // of an event that is being taken in
	apart [][]byte // what it is told apart by, for people

	saturated bool // something was asked that is not known for want of room
	known     [maxValues]bool
	there     [maxValues]bool
	values    [maxValues]decimal.Decimal
}

// held is what a side holds.
type held struct {
	run   window.Run
	walk  window.Walk
	any   bool
	last  int         // the newest entry; -1 if there is none
	span  window.Span // of the window
	gone  *dropped    // what gave way for want of room; nil for nothing
	whole bool        // all that is gone lies in the window
	part  bool        // some of it does, and it is not known how much
}

// begin begins to look at a key.
func (s *state) begin(v *view, key window.Key, fresh bool) {
	v.state, v.fresh, v.saturated, v.apart = s, fresh, false, nil
	for i := range s.tables {
		h := &v.sides[i]
		k := s.keyOf(i, key)
		if h.run, h.any = s.tables[i].Get(k); h.any {
			h.walk = h.run.Moving(fresh)
		}
		h.gone = s.gone[i][k]
	}
}

// to goes to a time that is no later than those before.
func (v *view) to(t int64) {
	v.at, v.known = t, [maxValues]bool{}
	for i := range v.tables {
		h := &v.sides[i]
		h.last, h.span = -1, window.Span{}
		if g := h.gone; g != nil {
			meets := g.to >= t-v.within && g.from <= t
			h.whole = meets && g.from >= t-v.within && g.to <= t && !g.unsure
			h.part = meets && !h.whole
		} else {
			h.whole, h.part = false, false
		}
		if !h.any {
			continue
		}
		h.span = h.run.Between(t-v.within, t)
		h.walk.To(h.span)
		h.last = h.span.To - 1
		for v.fresh && h.last >= 0 && h.run.Accepted(h.last) {
			h.last--
		}
	}
}

// stale tells whether a side is silent for longer than it may be.
func (v *view) stale(i int) bool {
	age := v.rule.sides[i].maxAge
	return age != 0 && (v.sides[i].last < 0 || v.sides[i].run.Time(v.sides[i].last) < v.at-age)
}

// newest is the entry of a side that last() reads; -1 if there is none.
func (v *view) newest(i int) int {
	h := &v.sides[i]
	age := v.rule.sides[i].maxAge
	if age == 0 {
		age = v.within
	}
	if h.last < 0 || h.run.Time(h.last) < v.at-age {
		return -1
	}
	return h.last
}

// ask puts the condition to what is seen.
func (v *view) ask() (form.Answer, *match.Fault) {
	if f := v.mixed(); f != nil {
		return form.Unclear, f
	}
	return v.when.Ask(v)
}

// Value implements condition.Values.
func (v *view) Value(t *condition.Term) (decimal.Decimal, bool) {
	if !v.known[t.Of] {
		v.known[t.Of] = true
		v.values[t.Of], v.there[t.Of] = v.value(&v.asks[t.Of])
	}
	return v.values[t.Of], v.there[t.Of]
}

func (v *view) value(a *ask) (n decimal.Decimal, there bool) {
	h := &v.sides[a.side]
	if v.stale(a.side) {
		return n, false
	}
	switch a.kind {
	case last:
		if i := v.newest(a.side); i >= 0 {
			return h.run.Num(a.column, i), true
		}
		return n, false
	case number, match.Sum:
		if h.part {
			v.saturated = true
			return n, false
		}
		return v.total(a), true
	case match.Distinct, match.Min, match.Max, match.Same:
	}
	if h.part || h.whole {
		v.saturated = true
		return n, false
	}
	count := v.count(a.side)
	switch {
	case a.kind == match.Distinct && count == 0:
		return n, true
	case count == 0:
		return n, false
	case a.kind == match.Distinct:
		return decimal.FromInt(h.walk.Distinct(a.column)), true
	case a.kind == match.Min:
		return h.walk.Min(a.column), true
	}
	return h.walk.Max(a.column), true
}

// count is how many entries of a side are in the window.
func (v *view) count(i int) int64 {
	if !v.sides[i].any {
		return 0
	}
	return v.sides[i].walk.Count()
}

// total is the number of a side's events, or the sum of one of its numbers, with what
// gave way for want of room.
func (v *view) total(a *ask) (n decimal.Decimal) {
	h := &v.sides[a.side]
	switch {
	case a.kind == number:
		n = decimal.FromInt(v.count(a.side))
	case h.any:
		n = h.walk.Sum(a.column)
	}
	if !h.whole {
		return n
	}
	if a.kind == number {
		n, _ = n.Add(decimal.FromInt(h.gone.count))
	} else {
		n, _ = n.Add(h.gone.sums[a.column])
	}
	return n
}

// mixed is what the sides should have in common and have not; nil if there is nothing.
func (v *view) mixed() *match.Fault {
	for i := range v.tables {
		for _, c := range v.rule.sides[i].same {
			if _, _, same := v.common(i, c); !same {
				return v.mixture(i, c)
			}
		}
	}
	for _, p := range v.alike {
		a, some, _ := v.common(p.sides[0], p.columns[0])
		b, others, _ := v.common(p.sides[1], p.columns[1])
		if some && others && a != b {
			of := 1
			if p.sides[0] == v.side {
				of = 0
			}
			return v.mixture(p.sides[of], p.columns[of])
		}
	}
	return nil
}

// common is the value that all events of a side in the window have in a column, if
// there are any; same is false if they have several.
func (v *view) common(i, c int) (k window.Key, some, same bool) {
	h := &v.sides[i]
	if h.whole || h.part {
		if k, some = h.gone.apart[c], true; h.gone.mixed {
			return k, true, false
		}
	}
	at := v.newest(i)
	if v.count(i) > 0 {
		if !h.walk.Same(c) {
			return k, true, false
		}
		for at = h.span.To - 1; v.fresh && h.run.Accepted(at); at-- { // one of them counts
		}
	}
	if at < 0 {
		return k, some, true
	}
	own := h.run.Value(c, at)
	return own, true, !some || own == k
}

// mixture is the fault of a column that holds what others do not.
func (v *view) mixture(i, c int) *match.Fault {
	for j := range v.sources[i].Values {
		value := &v.sources[i].Values[j]
		if value.Kind != match.Same || columnOf(v.sources[i].Values, j) != c {
			continue
		}
		if i == v.side && c < len(v.apart) {
			return value.Mixed(v.apart[c])
		}
		return value.Mixed(nil)
	}
	return nil
}
