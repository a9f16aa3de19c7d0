package count

import (
	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A view is what can be asked of some events.
type view interface {
	Count() int64
	Sum(column int) decimal.Decimal
	Min(column int) decimal.Decimal
	Max(column int) decimal.Decimal
	Distinct(column int) int64
	Same(column int) bool
	Any(column int) (window.Key, bool)
}

// asked is what a window has been asked, each thing once. It is room, so that nothing
// is allocated.
type asked struct {
	*rule
	table  *window.Table
	known  [maxValues + 4]bool
	values [maxValues + 4]decimal.Decimal
	there  [maxValues + 4]bool // whether it has a value

	all, before view // the window, and what of it came before its event
	run         window.Run
	event       int // its place

	walk, walkBefore window.Walk
	pick, pickBefore window.Pick

	whole   *whole
	until   int64      // where the window ends; 0 if with its last event
	arrived window.Ref // no event of other keys that came later counts
	back    [2]int64   // between which times all events have come back; 0 for none
}

// windows begins to ask one window after another.
func (a *asked) windows(w window.Walk) *window.Walk {
	a.walk, a.all, a.until = w, &a.walk, 0
	return &a.walk
}

// ending begins to ask the window that ends at an event.
func (a *asked) ending(run window.Run, at int) {
	span := run.EndingAt(at)
	a.run, a.event = run, at
	a.windows(run.Look(span))
	a.walkBefore, a.before = run.Look(window.Span{From: span.From, To: at}), &a.walkBefore
}

// asOf begins to ask of the window that ends at an event what had arrived with it,
// perhaps without what was accepted.
func (a *asked) asOf(run window.Run, at int, fresh bool) {
	a.run, a.event = run, at
	a.pick = window.Pick{Run: run, Span: run.EndingAt(at), AsOf: run.Ref(at), Fresh: fresh}
	a.pickBefore = a.pick
	a.pickBefore.Span.To = at
	a.all, a.before, a.until = &a.pick, &a.pickBefore, 0
}

// ask puts the condition to the window. One that holds amounts of several assets
// is unclear, and no number is computed. The fault is of a calculation.
func (a *asked) ask() (form.Answer, *match.Fault) {
	if v, _ := a.unlike(); v != nil {
		return form.Unclear, nil
	}
	a.known = [maxValues + 4]bool{}
	return a.when.Ask(a)
}

// unlike is what the window should have in common and has not, and its column;
// nil if there is nothing.
func (a *asked) unlike() (v *match.Value, column int) {
	for i := range a.source.Values {
		if v := &a.source.Values[i]; v.Kind == match.Same && !a.all.Same(a.columns[i]) {
			return v, a.columns[i]
		}
	}
	for _, places := range a.alike {
		one, other := a.columns[places[0]], a.columns[places[1]]
		if b, some := a.all.Any(other); some && a.table.Remembers() { // before LateCounts they were compared
			if k, _ := a.all.Any(one); k != b {
				return &a.source.Values[places[1]], other
			}
		}
	}
	return nil, 0
}

// whyUnclear says what could not be calculated, or of what the window should not
// hold several; apart are the values by which its event is told apart, for people.
func (a *asked) whyUnclear(fault *match.Fault, apart [][]byte) *match.Fault {
	v, column := a.unlike()
	switch {
	case v == nil:
		return fault
	case column < len(apart):
		return v.Mixed(apart[column])
	}
	return v.Mixed(nil)
}

// Value implements condition.Values.
func (a *asked) Value(t *condition.Term) (decimal.Decimal, bool) {
	i := t.Of
	if !a.known[i] {
		a.known[i] = true
		a.values[i], a.there[i] = a.measure(a.measures[i])
	}
	return a.values[i], a.there[i]
}

// measure is one number; false if it is the smallest or largest of nothing.
func (a *asked) measure(m measure) (n decimal.Decimal, there bool) {
	of, c := a.all, 0
	if m.before {
		of = a.before
	}
	if m.value >= 0 {
		c = a.columns[m.value]
	}
	switch m.of {
	case number:
		return decimal.FromInt(of.Count()), true
	case match.Distinct:
		return decimal.FromInt(of.Distinct(c)), true
	case match.Sum:
		return of.Sum(c), true
	case share:
		return decimal.FromInt(of.Count()), true
	case all:
		return a.total()
	case last:
		return a.run.Number(c, a.event), true
	case match.Min, match.Max, match.Same:
	}
	if m.before && of.Count() == 0 {
		return n, false
	}
	if m.of == match.Min {
		return of.Min(c), true
	}
	return of.Max(c), true
}

// total is how many events of all keys there are in the window, but for those of this
// one that are left out; false if that is not known.
func (a *asked) total() (n decimal.Decimal, known bool) {
	run, span, asOf := a.walk.Run(), a.walk.Span(), a.arrived
	if a.all == view(&a.pick) {
		run, span, asOf = a.pick.Run, a.pick.Span, min(a.arrived, a.pick.AsOf)
	}
	end := a.until
	if end == 0 {
		end = run.Time(span.To - 1)
	}
	begin := end - int64(a.within)
	if back := a.back; !a.whole.table.Complete(begin) && (back[1] == 0 || begin < back[0] || end > back[1]) {
		return n, false
	}
	total, known := a.whole.count(begin, end, asOf)
	if run.AnyAccepted() {
		kept := window.Pick{Run: run, Span: span, AsOf: asOf}
		total -= kept.Count() - a.all.Count()
	}
	return decimal.FromInt(total), known
}
