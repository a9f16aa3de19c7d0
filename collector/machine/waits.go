package machine

import (
	"cmp"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A rule that waits for what does not come is asked when time has passed, or when
// those who report its events were heard further. It is not asked at every beat of
// theirs: for each type of event it is known which rules wait for how much of it.

// waits are the rules that wait until more of a type is heard.
type waits struct {
	event    string
	declared []string     // who may report it; empty: everybody
	rules    *timers[int] // by the time up to which they want to hear
	moved    bool         // more was heard in this entry

	known [2]heardThen // as it was last asked: without and with what was lost
}

// heardThen is how much of a type was heard at an entry of the ledger.
type heardThen struct {
	index     uint64
	reach     int64
	at, until int64
}

// waiting is what the live rules wait for.
type waiting struct {
	of      map[string]*waits // by type
	sources [][]*waits        // by rule and source
	proof   []int64           // by rule: up to when all must be heard for it to say something; 0 for nothing
	clocks  []form.Clock      // room, by rule
	rooms   [][]int64         // and more of it
	moved   []*waits          // of which more was heard in this entry
	again   []int             // rules whose state may wait for something else since this entry
	unsure  []bool            // by rule: it is one of them
}

// counts tells whether a source may report the type.
func (w *waits) counts(source string) bool {
	return len(w.declared) == 0 || slices.Contains(w.declared, source)
}

func newWaiting() waiting { return waiting{of: map[string]*waits{}} }

// servedFor is for how long after a collector began to serve those are waited for who
// were not heard since: they could not be before.
const servedFor = 30 * time.Second

// addWaits makes room for the rule of the next place.
func (w *waiting) addWaits(body form.Rule) {
	sources := body.Sources()
	of := make([]*waits, len(sources))
	for i, s := range sources {
		of[i] = w.of[s.Event]
		if of[i] == nil {
			of[i] = &waits{event: s.Event, rules: newTimers[int]()}
			w.of[s.Event] = of[i]
		}
	}
	w.sources, w.proof, w.unsure = append(w.sources, of), append(w.proof, 0), append(w.unsure, false)
	w.clocks = append(w.clocks, form.Clock{Heard: make([]int64, len(sources))})
	w.rooms = append(w.rooms, make([]int64, len(sources)))
}

// moved notes that more was heard of some types.
func (m *Machine) moved(events []string) {
	if m.live == nil {
		return
	}
	for _, event := range events {
		if w := m.live.waiting.of[event]; w != nil && !w.moved && w.rules.next() != 0 {
			w.moved = true
			m.live.waiting.moved = append(m.live.waiting.moved, w)
		}
	}
}

// askAll has all rules asked that wait, because it has changed who is heard.
func (m *Machine) askAll() {
	if m.live == nil {
		return
	}
	for i, state := range m.live.states {
		if state.Keys() > 0 {
			m.live.timers.set(i, m.Time)
		}
	}
}

// mayWait notes that a rule may wait since an event, up to the given time at least. One
// that waits for something before it will be asked, and asked again.
func (m *Machine) mayWait(i int, wake int64) {
	w := &m.live.waiting
	if soon := w.proof[i]; (soon <= m.Time || wake < soon) && !w.unsure[i] {
		w.unsure[i] = true
		w.again = append(w.again, i)
	}
}

// awaitAnew has the rules about a type wait anew, because there is another who reports
// it: of what nobody did nothing was heard, and of what goes by ledger time all is.
func (m *Machine) awaitAnew(event string) {
	if m.live == nil {
		return
	}
	w := &m.live.waiting
	of := w.of[event]
	for i, sources := range w.sources {
		if of != nil && !w.unsure[i] && m.live.states[i].Keys() > 0 && slices.Contains(sources, of) {
			w.unsure[i] = true
			w.again = append(w.again, i)
		}
	}
}

// reach is how far a rule looks back for what an agent lost: as long as events matter,
// and an hour for which it may still be asked about them.
func (c *compiled) reach(i int) int64 {
	return int64(min(c.set.Rules[i].Body.Horizon(), longestBlind) + time.Hour)
}

// clock is what time it is for a rule, as long as it is not asked again.
func (m *Machine) clock(i int) form.Clock {
	c, _ := m.clockAhead(i)
	for s := range c.Heard {
		c.Heard[s] = min(c.Heard[s], m.Time)
	}
	return c
}

// clockAhead is clock, but what goes by ledger time is heard for all time. Until says
// when something that an agent lost matters no more; 0 if nothing was.
func (m *Machine) clockAhead(i int) (c form.Clock, until int64) {
	c = m.live.waiting.clocks[i]
	c.Now = m.Time
	for s, w := range m.live.waiting.sources[i] {
		at, u := m.heardOf(w, m.live.reach(i))
		until = sooner(until, u)
		sighted, u := m.sighted(i, s)
		until = sooner(until, u)
		c.Heard[s] = min(at, sighted)
	}
	return c, until
}

// sooner is the earlier of two times; 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// heardBy is up to when all events have come that a source of a rule is about, whether
// the rule could read them or not.
func (m *Machine) heardBy(i, source int) int64 {
	at, _ := m.heardOf(m.live.waiting.sources[i][source], m.live.reach(i))
	return at
}

// sighted is up to when the rule could read all that came of one of its sources: what
// came since it is blind to some of that happened, and the rule does not know to whom.
// Until says when that matters no more; 0 while it is blind, or if it never was.
func (m *Machine) sighted(i, source int) (at, until int64) {
	at = far
	if m.live.readings == nil {
		return at, 0
	}
	r, reach := m.live.readings[i], m.live.reach(i)
	for _, s := range r.Sights {
		if s.Event != m.live.waiting.sources[i][source].event || s.Side != r.sides[source] {
			continue
		}
		switch {
		case s.Blind:
			at = min(at, s.Before)
		case s.lately(m.Time, reach):
			at, until = min(at, s.Before), sooner(until, s.Mended+reach)
		}
	}
	return at, until
}

// ask asks a rule what has become true by time or by what was heard.
func (m *Machine) ask(i int) {
	rule, state := m.live.set.Rules[i], m.live.states[i]
	if m.unserved(i) {
		m.await(i)
		return
	}
	clock := m.clock(i)
	for m.say.Reset(); state.Expire(clock, &m.say); m.say.Reset() {
		m.fellShort(i)
		if m.say.Recount {
			w := Waiting{Key: m.say.Key, Text: m.say.Text, First: window.MakeRef(m.Index, 0)}
			m.oweKey(rule, state.(form.Recounter), w, m.say.Since, false)
		}
		if m.say.Stale.Side != "" {
			m.stale(i)
		}
		if m.say.Answer == form.True {
			m.isTrue(rule, m.live.stats[i])
		}
	}
	m.proveForming(i)
	m.await(i)
}

// unserved tells whether a collector has just begun to serve, and not all who report
// the rule's events were heard since.
func (m *Machine) unserved(i int) bool {
	if m.Behavior < 3 || m.Time >= m.Serving+int64(servedFor) {
		return false
	}
	for _, w := range m.live.waiting.sources[i] {
		if at, _ := m.heardOf(w, 0); at < m.Serving {
			return true
		}
	}
	return false
}

// await sees to it that a rule is asked when it may have something to say: at the time
// at which it has if nothing more is heard, and as soon as more is heard of any of its
// sources that lets it speak before. Which of them it waits for only the state knows,
// so each choice of those that are not heard any further is put to it.
func (m *Machine) await(i int) {
	state, w := m.live.states[i], &m.live.waiting
	clock, until := m.clockAhead(i)
	now := w.rooms[i]
	copy(now, clock.Heard)
	at := state.Due(clock)
	w.proof[i] = dueAhead(state, clock, now, 0)
	overdue := m.overdue(i)
	if at == 0 && w.proof[i] == 0 && overdue == 0 {
		return
	}
	if m.unserved(i) {
		m.remind(i, m.Serving+int64(servedFor))
		m.hearOut(i, 0, m.Serving)
		return // it will be asked then
	}
	m.remind(i, at, until)
	m.hearOut(i, 0, overdue)
	for stuck := range 1<<min(len(now), maxChoices) - 1 {
		if p := dueAhead(state, clock, now, stuck); p != 0 && (at == 0 || p < at) {
			m.hearOut(i, stuck, p)
		}
	}
}

// maxChoices bounds the sources of which each choice is looked at.
const maxChoices = 6

// dueAhead is when a state has something to say if all is heard but for the sources
// that are stuck, bit by bit.
func dueAhead(state form.State, clock form.Clock, now []int64, stuck int) int64 {
	for s := range clock.Heard {
		if clock.Heard[s] = far; stuck>>s&1 != 0 {
			clock.Heard[s] = now[s]
		}
	}
	return state.Due(clock)
}

// remind has a rule asked at some times; 0 is none.
func (m *Machine) remind(i int, at ...int64) {
	for _, t := range at {
		if t != 0 {
			m.live.timers.set(i, t)
		}
	}
}

// hearOut has a rule asked once more is heard of its sources, but for the stuck ones.
func (m *Machine) hearOut(i, stuck int, upTo int64) {
	for s, w := range m.live.waiting.sources[i] {
		if heard, _ := m.heardOf(w, 0); stuck>>s&1 == 0 && heard < upTo {
			w.rules.set(i, upTo)
		}
	}
}

// rulesDue are the rules to be asked now, in their order.
func (m *Machine) rulesDue() []int {
	w := &m.live.waiting
	due := m.live.timers.due(m.Time)
	for _, s := range w.moved {
		s.moved = false
		heard, _ := m.heardOf(s, 0)
		due = append(due, s.rules.due(min(heard, m.Time))...)
	}
	w.moved = w.moved[:0]
	slices.SortFunc(due, cmp.Compare[int])
	return slices.Compact(due)
}

// settleWaits sees to it that the rules are asked in time whose state waits for
// something else since this entry.
func (m *Machine) settleWaits() {
	if m.live == nil {
		return
	}
	w := &m.live.waiting
	for _, i := range w.again {
		w.unsure[i] = false
		m.await(i)
	}
	w.again = w.again[:0]
}
