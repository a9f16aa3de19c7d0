package sequence

import (
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	// stands is how long an alert stands after the last event of a sequence.
	stands = time.Hour
	// pastStands is how long it stands where that is over already.
	pastStands = 15 * time.Minute
)

// A state is the events of one rule, each with its roles.
type state struct {
	*rule
	table *window.Table
}

// Add implements form.State.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	say.Late = e.Time < now-int64(s.lateness)
	s.table.Remember(now, e.Ref.Index())
	bits := s.roles[e.Hit.Source].bits()
	run, at, again := s.again(e, bits)
	if !again {
		entry := window.Entry{Time: e.Time, Ref: e.Ref, Distinct: []window.Key{{bits}}}
		run, at, say.Saturated = s.table.Add(now, e.Key, &entry)
	}
	say.Shed = e.Time <= s.table.LacksUntil(e.Key)
	say.Recount = say.Shed || s.table.Forgot(e.Time)
	if at < 0 {
		return // older than all for which there is room
	}
	say.Withdrawn = at != run.Len()-1
	if !s.roles[e.Hit.Source].not {
		s.completes(now, run, at, say)
	}
}

// again adds a role to an event that has one already: it is of two sources.
func (s *state) again(e *form.Event, bits uint64) (run window.Run, at int, yes bool) {
	if !s.twice {
		return run, 0, false
	}
	run, ok := s.table.Get(e.Key)
	if !ok {
		return run, 0, false
	}
	for at = run.Len() - 1; at >= 0 && run.Time(at) >= e.Time; at-- {
		if run.Ref(at) == e.Ref {
			k := run.Distinct(0, at)
			k[0] |= bits
			run.SetDistinct(0, at, k)
			return run, at, true
		}
	}
	return run, 0, false
}

// completes says what is true because of an event that is a step.
func (s *state) completes(now int64, run window.Run, at int, say *form.Say) {
	is := func(i int) bool { return i == at }
	c, found := s.latest(run, s.around(run, at), false, is)
	if !found {
		return
	}
	s.tell(now, run, &c, say)
	say.Fresh = say.Fresh || !run.AnyAccepted()
	if !say.Fresh {
		_, say.Fresh = s.latest(run, s.around(run, at), true, is)
	}
}

// around are the events that may be of a sequence with one.
func (s *state) around(run window.Run, at int) window.Span {
	return times(run, run.Time(at)-int64(s.within), run.Time(at)+int64(s.within))
}

// latest is the sequence that ended last of those that hold a needed event.
func (s *state) latest(run window.Run, span window.Span, fresh bool, need func(int) bool) (last chain, found bool) {
	all := scan{rule: s.rule, run: run, span: span, fresh: fresh, need: need, found: func(c chain) bool {
		last = c
		return true
	}}
	all.do()
	return last, last.any
}

// tell says what is true because of a sequence.
func (s *state) tell(now int64, run window.Run, c *chain, say *form.Say) {
	end := run.Time(int(c.at[s.last]))
	say.Answer, say.Value = form.True, strconv.Itoa(s.ends(run, end))
	say.Since, say.Total = run.Time(c.first()), s.last+1
	say.Evidence = say.Evidence[:0]
	for _, i := range c.at[:s.last+1] {
		say.Evidence = append(say.Evidence, run.Ref(int(i)))
	}
	if say.Due = end + int64(stands); say.Due <= now {
		say.Past, say.Due = true, now+int64(pastStands)
	}
}

// ends is how many events end a sequence in the hour up to a time.
func (s *state) ends(run window.Run, end int64) (n int) {
	begin := end - int64(stands)
	all := scan{rule: s.rule, run: run, span: times(run, begin-int64(s.within), end), need: func(int) bool { return true }}
	all.found = func(c chain) bool {
		if run.Time(int(c.at[s.last])) > begin {
			n++
		}
		return true
	}
	all.do()
	return n
}

// Ask implements form.State. Of what was shed nothing is known.
func (s *state) Ask(now int64, key window.Key, say *form.Say) {
	s.Find(now, key, say)
	say.Evidence = say.Evidence[:0]
	if until := s.table.LacksUntil(key); say.Answer == form.Untrue && now <= until {
		say.Answer, say.Due = form.Unclear, until+1
	}
}

// Find implements form.Recounter.
func (s *state) Find(now int64, key window.Key, say *form.Say) {
	run, ok := s.table.Get(key)
	if !ok {
		return
	}
	begin := now - int64(stands)
	c, found := s.latest(run, times(run, begin-int64(s.within), 1<<62), false, func(int) bool { return true })
	if found && run.Time(int(c.at[s.last])) > begin {
		s.tell(now, run, &c, say)
	}
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

// Since implements form.State.
func (s *state) Since(now int64, key window.Key, after uint64, say *form.Say) {
	run, ok := s.table.Get(key)
	if !ok {
		return
	}
	c, found := s.latest(run, window.Span{To: run.Len()}, true, func(i int) bool { return run.Ref(i).Index() > after })
	if found {
		s.tell(now, run, &c, say)
		say.Fresh, say.Past = true, false
		say.Due = max(run.Time(int(c.at[s.last]))+int64(stands), now+1)
	}
}

// Forget implements form.Recounter.
func (s *state) Forget(now int64, index uint64, time int64) {
	s.table.Remember(now, index)
	s.table.Forget(time)
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
	n, say.Saturated = s.table.Merge(now, key, s.entries(back), from, func(run window.Run, at int, _ bool) {
		if run.Distinct(0, at)[0]&(1<<maxSteps-1) != 0 {
			s.completes(now, run, at, say)
		}
	})
	return n
}

// entries are what comes back, each event once with all its roles.
func (s *state) entries(back []form.Back) (out []window.Entry) {
	place := map[window.Ref]int{}
	for i := range back {
		b, bits := &back[i], s.roles[back[i].Source].bits()
		if at, ok := place[b.Ref]; ok {
			out[at].Distinct[0][0] |= bits
			continue
		}
		place[b.Ref] = len(out)
		out = append(out, window.Entry{Time: b.Time, Ref: b.Ref, Distinct: []window.Key{{bits}}})
	}
	return out
}

// Append implements form.State.
func (s *state) Append(b []byte) []byte { return s.table.Append(b) }

// Bytes implements form.State.
func (s *state) Bytes() int { return s.table.Bytes() }

// Keys implements form.State.
func (s *state) Keys() int { return s.table.Keys() }
