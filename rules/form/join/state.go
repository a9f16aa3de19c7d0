package join

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// lateStands bounds how long an alert stands of what was over when people heard.
const lateStands = int64(15 * time.Minute)

// A state is what the sides of one rule hold, and what of it is still to be judged.
type state struct {
	*rule
	tables  []*window.Table           // of the sides
	gone    []map[window.Key]*dropped // of the sides
	pending map[window.Key]*pending
	judged  int64 // the time of the latest event that was judged
	// texts are those of all keys that are held, if a side belongs to every key.
	texts   map[window.Key][]byte
	order   []window.Key // of those keys
	sweeps  []sweep      // what is to be done with all of them
	sweptAt int64        // ledger time at which so many of them were
	swept   int
	cleanAt int // how many of them there are when it is looked which are needed
	// stands are keys that are true, or were when that could last be said: of levels
	// that nobody reports nothing can be.
	stands map[window.Key]bool
	// aging are the keys of levels, and silent what people are told of each side.
	aging  map[window.Key]*aging
	silent [mostSides]silence
	looked int64 // ledger time at which as many of them were looked at as can be at once

	proofs, graces queue // reminders of what is pending
	ages           queue // and of levels
	spare          []*pending
	now, then      view // room, no part of the state
}

// State implements form.Rule.
func (r *rule) State() form.State {
	s := &state{rule: r, pending: map[window.Key]*pending{}, texts: map[window.Key][]byte{}, stands: map[window.Key]bool{}, aging: map[window.Key]*aging{}, cleanAt: leastClean}
	for _, spec := range r.all {
		s.tables = append(s.tables, window.New(spec))
		s.gone = append(s.gone, map[window.Key]*dropped{})
	}
	return s
}

// keyOf is the key by which a side keeps events of a key.
func (s *state) keyOf(i int, key window.Key) window.Key {
	if s.sides[i].keyed {
		return key
	}
	return window.Key{}
}

// Add implements form.State: it keeps the event, and sees to it that those whose
// windows hold it are judged.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	i := e.Hit.Source
	key := s.keyOf(i, e.Key)
	s.remember(now, e.Ref.Index())
	say.Late = e.Time < now-s.lateness
	entry := window.Entry{Time: e.Time, Ref: e.Ref, Nums: e.Hit.Nums, Distinct: e.Distinct}
	_, newest, saturated := s.add(now, i, key, &entry)
	say.Shed = e.Time <= s.lacksUntil(e.Key)
	owed := say.Shed || s.forgot(e.Time)
	if !s.sides[i].keyed {
		say.Saturated = saturated
		if e.Time <= s.judged { // what is not judged yet will see it anyway
			s.sweepLater(sweep{from: e.Time, to: e.Time, came: now, owed: owed})
			say.Wake = now
		}
		s.seenByAll(now, i, say)
		return
	}
	say.Recount = owed
	say.Withdrawn = !newest || s.lastPoint(key, far) > e.Time
	if s.common {
		s.keepText(key, e.Hit.Key)
	}
	p := s.pendingOf(key, e.Hit.Key)
	s.touch(now, key, p, e.Time, e.Time, owed)
	s.remind(key, p)
	p.wake(say)
	s.seen(now, e.Time, key, e.Hit.Key, say)
	s.check(now, i, key, e, say)
}

// far is later than any event.
const far = int64(1) << 61

// check says what is wrong with the window of an event, and looks whether a key still
// stands.
func (s *state) check(now int64, i int, key window.Key, e *form.Event, say *form.Say) {
	if s.doubtful || s.gone[i][key] != nil {
		v := &s.then
		s.begin(v, key, false)
		v.side, v.apart = i, e.Hit.Distinct
		v.to(e.Time)
		_, say.Fault = v.ask()
		say.Saturated = v.saturated
	}
	if s.stands[key] {
		if is, _ := s.current(now, key); is == form.Untrue {
			delete(s.stands, key)
		}
	}
}

// touch notes that events between two times may change what is true of those whose windows
// hold it, and of those that are judged when it is there.
func (s *state) touch(now int64, key window.Key, p *pending, first, last int64, owed bool) {
	from, to := s.firstPoint(key, first-s.settle), s.lastPoint(key, last+s.reach)
	if from > to {
		return
	}
	next := span{from: from, to: to, owed: owed}
	if first+s.settle < now {
		next.came = now
	}
	p.put(next)
}

const leastClean = 1024

// keepText keeps the text of a key as long as something is held of it.
func (s *state) keepText(key window.Key, text []byte) {
	if _, known := s.texts[key]; known {
		return
	}
	if len(s.texts) >= s.cleanAt {
		s.dropKeys()
		s.cleanAt = max(leastClean, 2*len(s.texts))
	}
	s.texts[key], s.order = slices.Clone(text), append(s.order, key)
}

// firstPoint is the time of the first event of a key, on a side that has one, at a time
// or later; far if there is none.
func (s *state) firstPoint(key window.Key, from int64) int64 {
	first := far
	for i := range s.tables {
		if run, ok := s.points(i, key); ok {
			if at := run.Between(from, far).From; at < run.Len() {
				first = min(first, run.Time(at))
			}
		}
	}
	return first
}

// lastPoint is that of the last event at a time or before it; -far if there is none.
func (s *state) lastPoint(key window.Key, to int64) int64 {
	last := -far
	for i := range s.tables {
		if run, ok := s.points(i, key); ok {
			if at := run.Between(to, to).To; at > 0 {
				last = max(last, run.Time(at-1))
			}
		}
	}
	return last
}

// points is the run of a side of whose events the condition is asked.
func (s *state) points(i int, key window.Key) (run window.Run, ok bool) {
	if !s.sides[i].keyed {
		return run, false
	}
	return s.tables[i].Get(key)
}

func (s *state) remember(now int64, index uint64) {
	for _, t := range s.tables {
		t.Remember(now, index)
	}
}

// forgot tells whether something was forgotten that may count with an event of a time,
// or with one that is judged when it is there.
func (s *state) forgot(at int64) bool {
	return slices.ContainsFunc(s.tables, func(t *window.Table) bool { return t.Forgot(at) })
}

// Due implements form.State.
func (s *state) Due(c form.Clock) int64 {
	due := int64(0)
	if r, ok := s.graceDue(); ok {
		due = r.at
	}
	if r, ok := s.proofDue(); ok && r.at <= slices.Min(c.Heard) && (due == 0 || r.at < due) {
		due = r.at
	}
	if r, ok := s.agesDue(); ok && (due == 0 || r.at < due) {
		due = r.at
	}
	if (s.newsOf() >= 0 || len(s.sweeps) > 0) && (due == 0 || c.Now < due) {
		due = c.Now
	}
	return due
}

// Expire implements form.State.
func (s *state) Expire(c form.Clock, say *form.Say) bool {
	if s.sweep(c.Now, say) {
		return true
	}
	heard := min(c.Now, slices.Min(c.Heard))
	for {
		r, ok := s.proofDue()
		if !ok || r.at > heard {
			break
		}
		if s.prove(c.Now, r.key, heard-s.settle-1, say) {
			return true
		}
	}
	for {
		r, ok := s.graceDue()
		if !ok || r.at > c.Now {
			break
		}
		if s.doubt(c.Now, r.key, say) {
			return true
		}
	}
	s.lookAtAges(c.Now)
	return s.tellStale(say)
}

// prove judges the events of a key up to a time, of which all is known.
func (s *state) prove(now int64, key window.Key, upTo int64, say *form.Say) bool {
	p := s.pending[key]
	var all verdict
	kept := p.spans[:0]
	for _, sp := range p.spans {
		if !sp.owed && sp.from <= upTo {
			all.add(s.judge(key, sp.from, min(sp.to, upTo)))
			sp.from = s.firstPoint(key, upTo+1)
		}
		if sp.from <= sp.to {
			kept = append(kept, sp)
		}
	}
	p.spans = kept
	s.remind(key, p)
	return s.tell(now, key, p.text, &all, say)
}

// doubt judges those events of a key for which nothing more is waited. Those of which
// it is true wait for proof, and those to which something is owed for that.
func (s *state) doubt(now int64, key window.Key, say *form.Say) bool {
	p, upTo := s.pending[key], now-s.settle-s.grace-1
	var all verdict
	spans := p.spans
	p.spans = nil
	for _, sp := range spans {
		switch {
		case s.graceOf(sp) == 0 || s.graceOf(sp) > now:
			p.spans = append(p.spans, sp)
			continue
		case sp.told:
			continue // nobody told it again
		}
		to := min(sp.to, upTo)
		v := s.judge(key, sp.from, to)
		all.add(v)
		told := span{from: v.first, to: v.last, came: sp.came, told: true, owed: sp.owed}
		if sp.owed {
			told.from, told.to = sp.from, to
		}
		if v.is || sp.owed {
			p.spans = append(p.spans, told)
		}
		if sp.from = s.firstPoint(key, upTo+1); sp.from <= sp.to {
			p.spans = append(p.spans, sp)
		}
	}
	s.remind(key, p)
	say.Uncertain = all.is
	return s.tell(now, key, p.text, &all, say)
}

// tell says what was found of a key.
func (s *state) tell(now int64, key window.Key, text []byte, is *verdict, say *form.Say) bool {
	if !is.is && is.fault == nil && !is.saturated {
		return false
	}
	say.Key, say.Text, say.Fresh = key, text, is.fresh
	say.Answer, say.Due = form.Unclear, now+s.reach+1
	if is.is {
		s.say(now, key, is.last, say)
	}
	say.Fault, say.Saturated = is.fault, say.Saturated || is.saturated
	return true
}

// say says what is true of an event of a key, and how it stands now.
func (s *state) say(now int64, key window.Key, at int64, say *form.Say) {
	is, due := s.current(now, key)
	v := &s.then
	s.begin(v, key, false)
	v.to(at)
	_, _ = v.ask() // for its numbers
	say.Answer, say.Value, say.Saturated = form.True, s.when.Value(v), v.saturated
	v.evidence(say)
	if s.levels && is != form.Untrue {
		s.stands[key] = true
	}
	if say.Due = due; is == form.Untrue {
		say.Past, say.Due = true, now+min(s.within, lateStands)
	}
}

// current is what is true of a key now, and when to ask again.
func (s *state) current(now int64, key window.Key) (form.Answer, int64) {
	v := &s.now
	s.begin(v, key, false)
	v.to(max(now, s.lastPoint(key, far)))
	if !v.alive() {
		if s.stands[key] {
			return form.Unclear, now + s.reach + 1
		}
		return form.Untrue, 0
	}
	is, _ := v.ask()
	return is, v.changes(now)
}

// alive tells whether there is an event of the key itself that still counts.
func (v *view) alive() bool {
	for i := range v.tables {
		if h := &v.sides[i]; v.rule.sides[i].keyed && h.last >= 0 && h.run.Time(h.last) >= v.at-v.reach {
			return true
		}
	}
	return false
}

// changes is when something that is seen leaves the window, or becomes stale.
func (v *view) changes(now int64) int64 {
	next := v.at + v.reach + 1
	for i := range v.tables {
		h, age := &v.sides[i], v.rule.sides[i].maxAge
		if h.span.From < h.span.To {
			next = min(next, h.run.Time(h.span.From)+v.within+1)
		}
		if h.whole {
			next = min(next, h.gone.from+v.within+1)
		}
		if h.last >= 0 && age != 0 && h.run.Time(h.last)+age >= v.at {
			next = min(next, h.run.Time(h.last)+age+1)
		}
	}
	return max(next, now+1)
}

// Ask implements form.State.
func (s *state) Ask(now int64, key window.Key, say *form.Say) {
	is, due := s.current(now, key)
	if is == form.Untrue {
		return
	}
	say.Answer, say.Due = is, due
	if is == form.True {
		say.Value = s.when.Value(&s.now)
		s.now.evidence(say)
		say.Evidence = say.Evidence[:0]
	}
}

// Alias implements form.Aliased.
func (s *state) Alias(a *window.Aliases) {
	for _, t := range s.tables {
		t.Alias(a)
	}
}

// Accept implements form.State.
func (s *state) Accept(key window.Key, upTo uint64) {
	for i := range s.tables {
		if run, ok := s.points(i, key); ok {
			run.AcceptUpTo(upTo)
		}
	}
}

// Bytes implements form.State.
func (s *state) Bytes() int {
	const perKey = 200
	n := perKey * (len(s.pending) + len(s.stands) + len(s.aging))
	for i, t := range s.tables {
		n += t.Bytes() + perKey*len(s.gone[i])
	}
	return n + perKey*len(s.texts)
}

// Keys implements form.State: those of the side that has most.
func (s *state) Keys() (n int) {
	for i, t := range s.tables {
		if s.sides[i].keyed {
			n = max(n, t.Keys())
		}
	}
	return n
}
