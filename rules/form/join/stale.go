package join

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	// staleFor is how much longer than its max_age a side is silent when people are
	// told that nothing can be said.
	staleFor = int64(time.Minute)
	// overFor is how long nothing comes of a key that is over.
	overFor = int64(24 * time.Hour)
	// mostLooks bounds the keys that are looked at in one entry of the ledger.
	mostLooks = 4096
)

// An aging is a key of a rule of levels, whose sides may become too old.
type aging struct {
	text  []byte
	first int64 // when it was first seen
	last  int64 // the time of the newest event of its own
	at    int64 // when to look at it
	stale uint8 // the sides that are too old, bit by bit, while nothing can be said
}

// A silence is what people are told of one side.
type silence struct {
	n    int        // keys for which it is too old; no part of what is saved
	told int        // how many they know of
	of   window.Key // the one that they are told
}

// seen notes that an event of a time has come of a key.
func (s *state) seen(now, at int64, key window.Key, text []byte, say *form.Say) {
	if !s.levels {
		return
	}
	a := s.aging[key]
	if a == nil {
		a = &aging{text: slices.Clone(text), first: now, last: at}
		s.aging[key] = a
		s.lookAgain(key, a, s.soonest(now, key, a))
	}
	a.last = max(a.last, at)
	s.refresh(now, key, a)
	if at < a.first { // it may be the first of its side
		s.lookAgain(key, a, min(a.at, s.soonest(now, key, a)))
	}
	s.wakeToLook(now, a, say)
}

// seenByAll notes that an event has come of a side that belongs to every key.
func (s *state) seenByAll(now int64, side int, say *form.Say) {
	if s.silent[side].n == 0 {
		return
	}
	for key, a := range s.aging { // the order does not show
		s.refresh(now, key, a)
	}
	s.wakeToLook(now, nil, say)
}

// wakeToLook says when there may be something to say of a key.
func (s *state) wakeToLook(now int64, a *aging, say *form.Say) {
	at := int64(0)
	switch {
	case s.newsOf() >= 0:
		at = now
	case a != nil:
		at = a.at
	}
	if at != 0 && (say.Wake == 0 || at < say.Wake) {
		say.Wake = at
	}
}

// newest is the time of the newest event of a side of a key; if none ever came, when the
// key was first seen.
func (s *state) newest(i int, key window.Key, a *aging) int64 {
	if run, ok := s.tables[i].Get(s.keyOf(i, key)); ok && run.Len() > 0 {
		return run.Time(run.Len() - 1)
	}
	return a.first
}

// soonest is when the first side that is not known to be too old may be, or the key is
// over.
func (s *state) soonest(now int64, key window.Key, a *aging) int64 {
	next := a.last + overFor
	for i := range s.sides {
		if age := s.sides[i].maxAge; age != 0 && a.stale>>i&1 == 0 {
			next = min(next, s.newest(i, key, a)+age+staleFor)
		}
	}
	return max(next, now)
}

func (s *state) lookAgain(key window.Key, a *aging, at int64) {
	if at != a.at {
		a.at = at
		s.ages.push(reminder{at, key})
	}
}

// refresh takes back of which sides it was found that they are too old.
func (s *state) refresh(now int64, key window.Key, a *aging) {
	for i := range s.sides {
		if a.stale>>i&1 != 0 && s.newest(i, key, a)+s.sides[i].maxAge >= now {
			s.spoke(i, a)
			s.lookAgain(key, a, s.soonest(now, key, a))
		}
	}
}

func (s *state) spoke(side int, a *aging) {
	a.stale &^= 1 << side
	s.silent[side].n--
}

// look finds which sides of a key are too old, if nothing can be said because of it.
func (s *state) look(now int64, key window.Key, a *aging) {
	if now >= a.last+overFor {
		for i := range s.sides {
			if a.stale>>i&1 != 0 {
				s.spoke(i, a)
			}
		}
		delete(s.aging, key)
		return
	}
	v := &s.now
	s.begin(v, key, false)
	v.to(max(now, s.lastPoint(key, far)))
	is, _ := v.ask()
	decided := false
	for i := range s.sides {
		age := s.sides[i].maxAge
		if age == 0 || a.stale>>i&1 != 0 || s.newest(i, key, a)+age+staleFor > now {
			continue
		}
		if decided = is != form.Unclear; decided {
			continue
		}
		a.stale |= 1 << i
		s.silent[i].n++
	}
	next := s.soonest(now, key, a)
	if decided { // it may no longer be
		next = now + staleFor
	}
	s.lookAgain(key, a, next)
}

// lookAtAges looks at the keys whose time has come, some of them at one time.
func (s *state) lookAtAges(now int64) {
	if s.looked == now {
		return
	}
	for range mostLooks {
		r, ok := s.agesDue()
		if !ok || r.at > now {
			return
		}
		s.ages.pop()
		s.look(now, r.key, s.aging[r.key])
	}
	s.looked = now
}

// agesDue is the first key that is to be looked at, and when.
func (s *state) agesDue() (reminder, bool) {
	return s.ages.first(func(r reminder) bool { a := s.aging[r.key]; return a != nil && a.at == r.at })
}

// newsOf is a side of which people know something else than is so; -1 if there is none.
func (s *state) newsOf() int {
	return slices.IndexFunc(s.silent[:], func(q silence) bool { return q.n != q.told })
}

// tellStale says for how many keys a side is too old.
func (s *state) tellStale(say *form.Say) bool {
	i := s.newsOf()
	if i < 0 {
		return false
	}
	q := &s.silent[i]
	q.told = q.n
	say.Stale = form.Stale{Side: s.sides[i].name, Source: i, Keys: q.n}
	if q.n > 0 {
		a := s.staleOf(i)
		say.Key, say.Text, say.Stale.Since = q.of, a.text, s.newest(i, q.of, a)
	}
	return true
}

// staleOf is the key that people are told of a side: the one that they know, if it is
// still so.
func (s *state) staleOf(side int) *aging {
	q := &s.silent[side]
	if a := s.aging[q.of]; a != nil && a.stale>>side&1 != 0 {
		return a
	}
	var first *aging
	for key, a := range s.aging { // the order does not show
		if a.stale>>side&1 != 0 && (first == nil || compareKeys(key, q.of) < 0) {
			first, q.of = a, key
		}
	}
	return first
}
