package join

import (
	"maps"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/window"
)

// dropped is what is known of the entries of a key and side that gave way for want of
// room: their number and their sums, which are exact as long as all of them lie in the
// window or none does.
type dropped struct {
	from, to int64 // the times of the first and of the last
	count    int64
	sums     []decimal.Decimal
	apart    []window.Key // what they have in common
	mixed    bool         // they have not
	unsure   bool         // some of them may have come back
}

// drop notes that an entry gives way.
func (s *state) drop(now int64, i int, key window.Key, e *window.Entry) {
	g := s.gone[i][key]
	if g == nil {
		s.tidy(now, i)
		g = &dropped{from: e.Time, to: e.Time, sums: make([]decimal.Decimal, s.all[i].Nums), apart: append([]window.Key(nil), e.Distinct...)}
		s.gone[i][key] = g
	}
	g.from, g.to = min(g.from, e.Time), max(g.to, e.Time)
	g.count++
	for c := range g.sums {
		g.sums[c], _ = g.sums[c].Add(e.Nums[c])
	}
	for _, c := range s.sides[i].same {
		g.mixed = g.mixed || g.apart[c] != e.Distinct[c]
	}
}

// tidy forgets what gave way so long ago that it no longer matters.
func (s *state) tidy(now int64, i int) {
	maps.DeleteFunc(s.gone[i], func(_ window.Key, g *dropped) bool {
		return g.to < now-s.all[i].Within-s.all[i].Spare
	})
}

// add puts an entry where it belongs among those of its side, and keeps the totals of
// what gives way to it.
func (s *state) add(now int64, i int, key window.Key, e *window.Entry) (at int, newest, saturated bool) {
	oldest, full := s.oldest(i, key)
	run, at, saturated := s.tables[i].Add(now, key, e)
	switch {
	case !saturated:
	case at < 0:
		s.drop(now, i, key, e)
	case full:
		s.drop(now, i, key, &oldest)
	}
	return at, at == run.Len()-1, saturated
}

// oldest is the entry that gives way to the next; full tells whether one does.
func (s *state) oldest(i int, key window.Key) (e window.Entry, full bool) {
	run, ok := s.tables[i].Get(key)
	if !ok || run.Len() < s.all[i].Bound() {
		return e, false
	}
	e.Time = run.Time(0)
	for c := range s.all[i].Nums {
		e.Nums = append(e.Nums, run.Num(c, 0))
	}
	for c := range s.all[i].Distinct {
		e.Distinct = append(e.Distinct, run.Value(c, 0))
	}
	return e, true
}
