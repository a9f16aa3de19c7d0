package join

import (
	"cmp"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A verdict is what was found of some events of a key.
type verdict struct {
	is          bool  // true of any
	first, last int64 // the times of the first and of the last of which it is
	fresh       bool  // also without what was accepted

	fault     *match.Fault // why nothing could be said of some
	saturated bool         // or because what gave way is not known
}

func (v *verdict) add(o verdict) {
	o.fault, o.saturated = cmp.Or(v.fault, o.fault), v.saturated || o.saturated
	v.fault, v.saturated = o.fault, o.saturated
	switch {
	case !o.is:
	case !v.is:
		*v = o
	default:
		v.first, v.last, v.fresh = min(v.first, o.first), max(v.last, o.last), v.fresh || o.fresh
	}
}

// judge finds of which events of a key between two times it is true. Of one that is
// followed within settle by one of which it is untrue, it is not: a side was only late.
func (s *state) judge(key window.Key, from, to int64) (out verdict) {
	s.judged = max(s.judged, to)
	some := false
	for p := s.back(&s.then, key, from, to); !some && p.next(); {
		is, fault := s.then.ask()
		some, out.fault = is == form.True, cmp.Or(out.fault, fault)
	}
	out.saturated = s.then.saturated
	if !some {
		return out
	}
	accepted, again := s.accepted(key), []int64(nil)
	untrue := far
	for p := s.back(&s.then, key, from, to+s.settle); p.next(); {
		is, _ := s.then.ask()
		switch {
		case is == form.Untrue:
			untrue = p.at
		case is == form.Unclear || p.at > to || untrue-p.at <= s.settle:
		default:
			out.add(verdict{is: true, first: p.at, last: p.at, fresh: !accepted})
			again = append(again, p.at)
		}
	}
	if out.is && accepted {
		out.fresh = s.fresh(key, again) != -far
	}
	return out
}

// accepted tells whether anything of a key ever was.
func (s *state) accepted(key window.Key) bool {
	for i := range s.tables {
		if run, ok := s.points(i, key); ok && run.AnyAccepted() {
			return true
		}
	}
	return false
}

// fresh is the first of some times, the latest first, at which it is true without what
// was accepted; -far if there is none.
func (s *state) fresh(key window.Key, times []int64) int64 {
	v := &s.then
	s.begin(v, key, true)
	for _, at := range times {
		v.to(at)
		if is, _ := v.ask(); is == form.True && v.alive() {
			return at
		}
	}
	return -far
}

// back is a walk over the times of the events of a key, the latest first.
type back struct {
	v    *view
	from int64
	at   int64
	left [mostSides]int // of each side, the entry that comes next
}

// back begins after the events up to a time.
func (s *state) back(v *view, key window.Key, from, to int64) *back {
	b := &back{v: v, from: from}
	s.begin(v, key, false)
	for i := range s.tables {
		b.left[i] = -1
		if h := &v.sides[i]; h.any && s.sides[i].keyed {
			b.left[i] = h.run.Between(to, to).To - 1
		}
	}
	return b
}

// next goes to the time before; false if it is before the first that is wanted.
func (b *back) next() bool {
	at := -far
	for i, j := range b.left[:len(b.v.tables)] {
		if j >= 0 {
			at = max(at, b.v.sides[i].run.Time(j))
		}
	}
	if at < b.from {
		return false
	}
	for i, j := range b.left[:len(b.v.tables)] {
		for j >= 0 && b.v.sides[i].run.Time(j) == at {
			j--
		}
		b.left[i] = j
	}
	b.at = at
	b.v.to(at)
	return true
}

// evidence says on which events it rests: those that the condition reads, and those at
// the time itself.
func (v *view) evidence(say *form.Say) {
	var next, first [mostSides]int
	say.Evidence, say.Total, say.Since = say.Evidence[:0], 0, far
	for i := range v.tables {
		h := &v.sides[i]
		if next[i] = -1; !h.any {
			continue
		}
		span := h.span
		switch r := &v.rule.sides[i]; {
		case !r.read && !r.keyed:
			continue
		case !r.read:
			span = h.run.Between(v.at, v.at)
		case !r.whole:
			span.From, span.To = 0, 0
			if at := v.newest(i); at >= 0 {
				span = window.Span{From: at, To: at + 1}
			}
		}
		if first[i], next[i] = span.From, span.To-1; span.From < span.To {
			say.Total += span.To - span.From
			say.Since = min(say.Since, h.run.Time(span.From))
		}
		if h.whole && v.rule.sides[i].whole {
			say.Total += int(h.gone.count)
			say.Since = min(say.Since, h.gone.from)
		}
	}
	v.latest(say, first, next)
}

// latest adds the latest entries of the sides, down to the first of each.
func (v *view) latest(say *form.Say, first, next [mostSides]int) {
	for len(say.Evidence) < form.MaxEvidence {
		of := -1
		for i := range v.tables {
			if next[i] >= first[i] && next[i] >= 0 && (of < 0 || v.sides[i].run.Time(next[i]) > v.sides[of].run.Time(next[of])) {
				of = i
			}
		}
		if of < 0 {
			break
		}
		say.Evidence = append(say.Evidence, v.sides[of].run.Ref(next[of]))
		next[of]--
	}
	for i, j := 0, len(say.Evidence)-1; i < j; i, j = i+1, j-1 {
		say.Evidence[i], say.Evidence[j] = say.Evidence[j], say.Evidence[i]
	}
}
