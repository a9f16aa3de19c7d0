package count

import (
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// lateStands bounds how long an alert stands whose window was already over.
const lateStands = 15 * time.Minute

// A state is the windows of one rule.
type state struct {
	*rule
	table *window.Table
	whole *whole // nil if keys are not compared

	asked asked // room, no part of the state
}

// Add implements form.State: it puts the event into its key's window and
// judges every window that now holds it.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	say.Late = e.Time < now-int64(s.lateness)
	switch {
	case e.Behavior >= form.LateCounts:
		s.remember(now, e.Ref.Index())
	case say.Late:
		return
	}
	entry := window.Entry{Time: e.Time, Ref: e.Ref, Nums: e.Hit.Nums, Distinct: e.Distinct}
	run, place, saturated := s.table.Add(now, e.Key, &entry)
	say.Saturated = saturated
	say.Shed = e.Time <= s.table.LacksUntil(e.Key)
	say.Recount = say.Shed || s.table.Forgot(e.Time) // what gave way to it too
	if s.whole != nil {
		say.Saturated = !s.whole.add(now, &entry) || saturated
		say.Recount = say.Recount || s.whole.table.Forgot(e.Time)
	}
	if place < 0 {
		return // older than all for which there is room
	}
	say.Withdrawn = !s.own && place != run.Len()-1
	s.fires(now, run, place, e.Hit.Distinct, say)
}

// fires says what is true because of the entry at a place; apart are the values by
// which its event is told apart, for people.
func (s *state) fires(now int64, run window.Run, place int, apart [][]byte, say *form.Say) {
	if s.own {
		if !s.judgeOwn(run, place, apart, say) {
			return
		}
		s.tellOwn(run, place, say)
		say.Evidence = latest(run, run.EndingAt(place), say.Evidence)
	} else {
		is, span := s.judge(run, place, apart, say)
		if !is {
			return
		}
		s.tell(run, span, say)
		say.Evidence = latest(run, span, say.Evidence)
	}
	if say.Past = say.Due <= now; say.Past {
		// A late event completed a window of the past: people must still hear.
		say.Due = now + int64(min(s.within, lateStands))
	}
	say.Fresh = say.Fresh || !run.AnyAccepted() || s.fresh(run, place)
}

// Forget implements form.Recounter.
func (s *state) Forget(now int64, index uint64, time int64) {
	s.remember(now, index)
	s.table.Forget(time)
	if s.whole != nil {
		s.whole.table.Forget(time)
	}
}

func (s *state) remember(now int64, index uint64) {
	s.table.Remember(now, index)
	if s.whole != nil {
		s.whole.table.Remember(now, index)
	}
}

// Alias implements form.Aliased.
func (s *state) Alias(a *window.Aliases) { s.table.Alias(a) }

// Whole implements form.Whole.
func (s *state) Whole() bool { return s.whole != nil }

// Known implements form.Whole.
func (s *state) Known(from, to int64) { s.asked.back = [2]int64{from, to} }

// Find implements form.Recounter.
func (s *state) Find(now int64, key window.Key, say *form.Say) {
	if s.Ask(now, key, say); say.Answer != form.True {
		return
	}
	run, _ := s.table.Get(key)
	span := run.Recent(max(now, run.Time(run.Len()-1)))
	if s.own {
		span = run.EndingAt(s.asked.event)
	}
	say.Evidence = latest(run, span, say.Evidence)
}

// Held implements form.Recounter.
func (s *state) Held(key window.Key) (refs []window.Ref) {
	if run, ok := s.table.Get(key); ok {
		refs = run.Refs(nil, window.Span{To: run.Len()})
	}
	return refs
}

// Reach implements form.Recounter.
func (s *state) Reach() int64 { return int64(s.within) }

// Recount implements form.Recounter.
func (s *state) Recount(now int64, key window.Key, back []form.Back, from window.Ref, say *form.Say) (n int) {
	if key == form.WholeKey && s.whole != nil {
		s.whole.merge(now, back)
		s.asked.back = [2]int64{}
		return 0
	}
	entries := make([]window.Entry, len(back))
	for i := range back {
		entries[i] = back[i].Entry
	}
	n, say.Saturated = s.table.Merge(now, key, entries, from, func(run window.Run, at int, past bool) {
		s.asked.arrived = run.Ref(at)
		if past {
			s.judgeOwn(run, at, nil, &form.Say{})
			return
		}
		s.fires(now, run, at, nil, say)
	})
	s.asked.arrived, s.asked.back = window.Newest, [2]int64{}
	return n
}

// judge asks the windows that hold an entry, and says which one is true.
func (s *state) judge(run window.Run, place int, apart [][]byte, say *form.Say) (bool, window.Span) {
	w := s.asked.windows(run.Walk(place, false))
	for w.Next() {
		is, fault := s.asked.ask()
		if is == form.True {
			return true, w.Span()
		}
		if say.Fault == nil && is == form.Unclear {
			say.Fault = s.asked.whyUnclear(fault, apart)
		}
	}
	return false, window.Span{}
}

// fresh tells whether a window that holds an entry is true without what was
// accepted.
func (s *state) fresh(run window.Run, place int) bool {
	if s.own {
		return s.freshOwn(run, place)
	}
	w := s.asked.windows(run.Walk(place, true))
	for w.Next() {
		if w.Count() == 0 {
			continue
		}
		if is, _ := s.asked.ask(); is == form.True {
			return true
		}
	}
	return false
}

// tell says what is true of the window that was asked about last.
func (s *state) tell(run window.Run, w window.Span, say *form.Say) {
	say.Answer, say.Value = form.True, s.when.Value(&s.asked)
	say.Since, say.Total = run.Time(w.From), w.To-w.From
	say.Due = say.Since + int64(s.within) + 1
}

// Ask implements form.State. Of what was shed nothing is known.
func (s *state) Ask(now int64, key window.Key, say *form.Say) {
	s.ask(now, key, say)
	if until := s.table.LacksUntil(key); say.Answer == form.Untrue && now <= until {
		say.Answer, say.Due = form.Unclear, until+1
	}
}

func (s *state) ask(now int64, key window.Key, say *form.Say) {
	run, ok := s.table.Get(key)
	if !ok {
		return
	}
	if s.own {
		s.askOwn(now, run, say)
		return
	}
	w := run.Recent(max(now, run.Time(run.Len()-1)))
	if w.From == w.To {
		return
	}
	s.asked.windows(run.Look(w))
	s.asked.until = max(now, run.Time(run.Len()-1))
	switch is, _ := s.asked.ask(); is {
	case form.Untrue:
		return
	case form.True:
		s.tell(run, w, say)
	case form.Unclear:
		say.Answer = form.Unclear
	}
	say.Due = max(run.Time(w.From)+int64(s.within), now) + 1
}

// Due implements form.State: nothing becomes true by time alone.
func (s *state) Due(form.Clock) int64 { return 0 }

// Expire implements form.State.
func (s *state) Expire(form.Clock, *form.Say) bool { return false }

// Accept implements form.State.
func (s *state) Accept(key window.Key, upTo uint64) {
	if run, ok := s.table.Get(key); ok {
		run.AcceptUpTo(upTo)
	}
}

// Since implements form.State. It looks at every window that holds an entry which
// came after and still counts, the latest first.
func (s *state) Since(now int64, key window.Key, after uint64, say *form.Say) {
	run, ok := s.table.Get(key)
	if !ok {
		return
	}
	if s.own {
		s.sinceOwn(now, run, after, say)
		return
	}
	newest := run.Len() - 1 // such an entry, at or before the end of the window
	w := s.asked.windows(run.Fresh())
	for w.Next() {
		span := w.Span()
		newest = min(newest, span.To-1)
		for newest >= span.From && (run.Ref(newest).Index() <= after || run.Accepted(newest)) {
			newest--
		}
		if newest < span.From {
			continue
		}
		if is, _ := s.asked.ask(); is != form.True {
			continue
		}
		s.tell(run, span, say)
		say.Fresh, say.Due = true, max(say.Due, now+1)
		say.Evidence = latest(run, span, say.Evidence)
		return
	}
}

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	b = s.table.Append(b)
	if s.whole != nil {
		b = s.whole.table.Append(b)
	}
	return b
}

// Bytes implements form.State.
func (s *state) Bytes() int {
	n := s.table.Bytes()
	if s.whole != nil {
		n += s.whole.table.Bytes()
	}
	return n
}

// Keys implements form.State.
func (s *state) Keys() int { return s.table.Keys() }
