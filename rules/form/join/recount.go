package join

import (
	"cmp"
	"math"
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Forget implements form.Recounter.
func (s *state) Forget(now int64, index uint64, time int64) {
	s.remember(now, index)
	for _, t := range s.tables {
		t.Forget(time)
	}
	for key, p := range s.pending { // the order does not show
		for i := range p.spans {
			if sp := &p.spans[i]; sp.owed && !s.forgot(sp.from+s.settle) {
				sp.pay(now)
			}
		}
		s.remind(key, p)
	}
}

// pay notes that nothing is owed to a span any more: it is judged anew.
func (s *span) pay(now int64) {
	s.owed, s.told, s.came = false, false, now
}

// Find implements form.Recounter. What is true only because a window went on was true
// of no event.
func (s *state) Find(now int64, key window.Key, say *form.Say) {
	newest := s.lastPoint(key, now-s.settle)
	if is, _ := s.current(now, key); is != form.True || newest == -far {
		return
	}
	if v := s.judge(key, newest, newest); v.is {
		say.Fresh = v.fresh
		s.say(now, key, newest, say)
	}
}

// Held implements form.Recounter.
func (s *state) Held(key window.Key) (refs []window.Ref) {
	for i := range s.tables {
		if run, ok := s.tables[i].Get(s.keyOf(i, key)); ok {
			refs = run.Refs(refs, window.Span{To: run.Len()})
		}
	}
	return refs
}

// Reach implements form.Recounter.
func (s *state) Reach() int64 { return s.reach + s.settle }

// Recount implements form.Recounter. The events to which this was owed are judged anew,
// as if they had just come: Expire says of which it is true.
func (s *state) Recount(now int64, key window.Key, back []form.Back, _ window.Ref, say *form.Say) (n int) {
	for i := range s.tables {
		came, saturated := s.merge(now, i, s.keyOf(i, key), back)
		n += came
		say.Saturated = say.Saturated || saturated
	}
	if n > 0 && s.common {
		s.keepText(key, say.Text)
	}
	if newest := s.lastPoint(key, far); newest != -far {
		s.seen(now, newest, key, say.Text, say)
	}
	p := s.pending[key]
	if p == nil {
		if s.firstPoint(key, now-s.settle) == far {
			return n
		}
		p = s.pendingOf(key, say.Text)
	}
	for i := range p.spans {
		if p.spans[i].owed {
			p.spans[i].pay(now)
		}
	}
	s.resume(now, key, p)
	s.remind(key, p)
	p.wake(say)
	return n
}

// resume has judged what came back and is not settled yet: a rule that is new goes on
// with what the one before it would have judged.
func (s *state) resume(now int64, key window.Key, p *pending) {
	if from := s.firstPoint(key, now-s.settle); from != far {
		p.put(span{from: from, to: s.lastPoint(key, far)})
	}
}

// merge brings back entries of one side. Totals of what has given way are then no
// longer known: what comes back may be in them.
func (s *state) merge(now int64, i int, key window.Key, back []form.Back) (n int, saturated bool) {
	held := map[window.Ref]bool{}
	if run, ok := s.tables[i].Get(key); ok {
		for _, ref := range run.Refs(nil, window.Span{To: run.Len()}) {
			held[ref] = true
		}
	}
	var entries []window.Entry
	for _, b := range back {
		if b.Source == i && !held[b.Ref] {
			entries = append(entries, b.Entry)
		}
	}
	if len(entries) == 0 {
		return 0, false
	}
	slices.SortStableFunc(entries, func(a, b window.Entry) int { return cmp.Compare(a.Time, b.Time) })
	for ; len(held)+len(entries) > s.all[i].Bound(); entries = entries[1:] {
		saturated = true
		s.drop(now, i, key, &entries[0])
		n++
	}
	if g := s.gone[i][key]; g != nil {
		g.unsure = true
	}
	came, _ := s.tables[i].Merge(now, key, entries, window.Ref(math.MaxUint64), nil)
	return n + came, saturated
}

// Since implements form.State. It looks at all events of the key that were judged, the
// latest first.
func (s *state) Since(now int64, key window.Key, after uint64, say *form.Say) {
	later := s.later(key, after)
	if len(later) == 0 {
		return
	}
	var times []int64
	untrue := far
	for b := s.back(&s.then, key, later[0], far); b.next(); {
		is, _ := s.then.ask()
		if is == form.Untrue {
			untrue = b.at
		}
		at, _ := slices.BinarySearch(later, b.at-s.reach)
		if is == form.True && untrue-b.at > s.settle && at < len(later) && later[at] <= b.at && !s.waits(key, b.at) {
			times = append(times, b.at)
		}
	}
	if at := s.fresh(key, times); at != -far {
		s.say(now, key, at, say)
		say.Fresh = true
	}
}

// later are the times of what a key holds of entries of the ledger after one, and was
// not accepted, in order.
func (s *state) later(key window.Key, after uint64) (times []int64) {
	for i := range s.tables {
		run, ok := s.points(i, key)
		for at := 0; ok && at < run.Len(); at++ {
			if run.Ref(at).Index() > after && !run.Accepted(at) {
				times = append(times, run.Time(at))
			}
		}
	}
	slices.Sort(times)
	return times
}

// waits tells whether an event of a key at a time is still to be judged.
func (s *state) waits(key window.Key, at int64) bool {
	p := s.pending[key]
	return p != nil && slices.ContainsFunc(p.spans, func(sp span) bool { return sp.from <= at && at <= sp.to })
}
