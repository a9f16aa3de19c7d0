package reconcile

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A state is the events of one rule, key by key, for as long as they may still have a
// partner.
type state struct {
	*rule
	table    *kept.Table
	unproven kept.Doubts

	// An event up to forgot may go with one that is not kept any more.
	forgot  int64
	unknown int64  // the time of an event up to which nothing was ever known
	anew    uint64 // index of the entry since which all is known

	held held     // room, no part of the state
	m    matching // nor is this
	gone []bool   // nor this: by item
	body []byte   // nor this
	text []byte   // nor this
}

const (
	ancient = -1 << 62      // before all events
	far     = 1<<62 - 1<<60 // after them, so that deadlines fit
)

// State implements form.Rule.
func (r *rule) State() form.State { return r.with(kept.New()) }

func (r *rule) with(t *kept.Table) *state {
	return &state{rule: r, table: t, forgot: ancient, unknown: ancient, unproven: kept.NewDoubts()}
}

// blank is up to when an event may go with one that is not known.
func (s *state) blank() int64 { return max(s.forgot, s.unknown+s.before()) }

// Add implements form.State.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	h := &s.held
	say.Late = e.Time < now-int64(s.lateness)
	known := s.load(now, e.Key)
	it := item{flags: uint8(e.Hit.Source), time: min(max(e.Time, 0), far), ref: e.Ref}
	if s.deadline(&it) <= now {
		it.flags, it.came = it.flags|late, now
	}
	if it.time <= s.blank() {
		it.flags, it.came, say.Recount = it.flags|late|unsure, now, true
	}
	h.text = append(h.text[:0], e.Hit.Key...)
	say.Saturated = s.full()
	h.insert(it)
	say.Withdrawn = s.judge()
	say.Saturated = !s.save(e.Key) || say.Saturated
	if _, look := s.table.Next(); look != kept.Never {
		say.Wake = max(now, look)
	}
	if !known {
		s.sweep(now, e.Key)
	}
}

// judge finds who goes with whom. What has a partner now was told for nothing: it
// tells whether that is because of one that came in time.
func (s *state) judge() (withdrawn bool) {
	items := s.held.items
	s.m.match(s.rule, items)
	some := false
	for i := range items {
		it, p := &items[i], s.m.partner[i]
		if p != none {
			withdrawn = withdrawn || it.is(told) && items[p].time <= it.time+int64(s.settle)
			it.flags &^= told | proven | looked
		}
		some = some || it.is(told)
	}
	if !some {
		s.held.told = 0
	}
	return withdrawn
}

// alone tells whether an item is one that must have a partner, and has none.
func (s *state) alone(i int) bool {
	side := s.held.items[i].side()
	return side != except && s.asked[side] && s.m.partner[i] == none
}

// waits tells whether something is still to be said of an item.
func (s *state) waits(i int) bool { return s.alone(i) && !s.held.items[i].is(told) }

// unsure tells whether anything of the key waits for what was forgotten.
func (h *held) unsure() bool {
	return slices.ContainsFunc(h.items, func(it item) bool { return it.is(unsure) })
}

// full makes room for one more item where there is none: the oldest pair gives way,
// else the oldest item with what goes with it.
func (s *state) full() bool {
	h := &s.held
	if len(h.items) < window.MaxScanned {
		return false
	}
	s.judge()
	oldest := max(0, slices.Index(s.m.near, true))
	s.gone = append(s.gone[:0], make([]bool, len(h.items))...)
	s.m.group(h.items, oldest, func(i int) { s.gone[i] = true })
	h.only(func(i int) bool { return !s.gone[i] })
	return true
}

// only keeps the items at some places.
func (h *held) only(keep func(i int) bool) {
	n := 0
	for i, it := range h.items {
		if keep(i) {
			h.items[n] = it
			n++
		}
	}
	h.items = h.items[:n]
}

// load reads what is held of a key, without what is kept no longer; false if nothing
// is.
func (s *state) load(now int64, k window.Key) bool {
	body := s.table.Get(k)
	if body == nil {
		s.held.reset()
		return false
	}
	s.held.read(body)
	s.expire(now)
	return true
}

// expire leaves out what is kept no longer; false if that is nothing. What goes
// together goes at once, so that nobody else's partner changes. While anything waits for a
// recount nothing goes: who goes with whom may be another then.
func (s *state) expire(now int64) bool {
	h := &s.held
	if h.items[0].time+s.keep(true) >= now || slices.ContainsFunc(h.items, func(it item) bool {
		return it.is(unsure) && it.age()+s.keep(false) >= now
	}) {
		return false
	}
	s.judge()
	s.gone = s.gone[:0]
	some := false
	for i := range h.items {
		kept, last := false, int64(0)
		s.m.group(h.items, i, func(j int) {
			kept, last = kept || s.kept(now, j), max(last, h.items[j].time)
		})
		if s.gone = append(s.gone, !kept); kept {
			continue
		}
		if some = true; !s.m.near[i] {
			last += int64(s.within)
		}
		s.forgot = max(s.forgot, last)
	}
	if some {
		h.only(func(i int) bool { return !s.gone[i] })
		s.judge()
	}
	return some
}

// kept tells whether an item is still wanted.
func (s *state) kept(now int64, i int) bool {
	it := &s.held.items[i]
	return it.age()+s.keep(s.m.near[i] && !it.is(unsure)) >= now || s.waits(i) || it.is(told) && !s.held.stood(now)
}

// save writes what is held of a key, and when to look at it, once it is judged; false
// if there is no room.
func (s *state) save(k window.Key) bool {
	h := &s.held
	if len(h.items) == 0 {
		s.table.Drop(k)
		return true
	}
	look, text, doubtful := int64(kept.Never), false, h.unsure()
	for i := range h.items {
		it := &h.items[i]
		if s.waits(i) {
			look = min(look, s.look(it, doubtful))
		}
		text = text || s.alone(i) && !it.is(proven)
	}
	s.body = h.append(s.body[:0], text)
	return s.table.Put(k, s.body, look)
}

// sweep looks at two other keys when one is added, and forgets what is kept no longer:
// memory follows the traffic without ever stopping it.
func (s *state) sweep(now int64, k window.Key) {
	for range 2 {
		next, body := s.table.Pass(k)
		if body == nil {
			return
		}
		s.held.read(body)
		if s.expire(now) {
			s.save(next)
		}
	}
}

// Bytes implements form.State.
func (s *state) Bytes() int { return s.table.Bytes() + s.unproven.Bytes() }

// Keys implements form.State.
func (s *state) Keys() int { return s.table.Keys() }
