package absence

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Forget implements form.Recounter. Of events after the time it is known what excuses
// them; the others wait for what comes back.
func (s *state) Forget(_ int64, index uint64, time int64) {
	s.unknown, s.anew = time, index
	var keys []window.Key
	s.table.Each(func(k window.Key, body []byte) {
		if s.held.read(body); slices.ContainsFunc(s.held.items, func(it item) bool { return it.is(unsure) }) {
			keys = append(keys, k)
		}
	})
	for _, k := range keys {
		s.held.read(s.table.Get(k))
		if s.surely(k, func(_ int, it *item) bool { return it.time > max(s.forgot, s.unknown) }) {
			s.save(k)
		}
	}
}

// surely notes of events of a key that nothing is forgotten which may excuse them.
func (s *state) surely(k window.Key, which func(int, *item) bool) (some bool) {
	for i := range s.held.items {
		it := &s.held.items[i]
		if it.is(excuse) || !it.is(unsure) || !which(i, it) {
			continue
		}
		it.flags, some = it.flags&^unsure, true
		if it.unproven() {
			s.doubt(s.deadline(it), k)
		}
	}
	return some
}

// Find implements form.Recounter.
func (s *state) Find(now int64, k window.Key, say *form.Say) {
	h := &s.held
	if s.peek(now, k); !h.stood(now) && slices.ContainsFunc(h.items, func(it item) bool { return it.stands() }) {
		s.tellAll(now, say)
	}
}

// Held implements form.Recounter.
func (s *state) Held(k window.Key) (refs []window.Ref) {
	var h held // of its own: it is asked beside others
	if body := s.table.Get(k); body == nil || !h.read(body) {
		return nil
	}
	for _, it := range h.items {
		if !it.is(excuse) {
			refs = append(refs, it.ref)
		}
	}
	return refs
}

// Reach implements form.Recounter.
func (s *state) Reach() int64 { return int64(s.within) }

// Recount implements form.Recounter. What must be followed comes back to a rule that is
// new; what a rule once knew waits, was told of, or was excused.
func (s *state) Recount(now int64, k window.Key, back []form.Back, from window.Ref, say *form.Say) (n int) {
	s.load(now, k)
	begun := from == window.MakeRef(s.anew, 0)
	for i := range back {
		if b := &back[i]; begun && b.Source == needs && s.refill(now, k, b, say.Text) {
			n++
		}
	}
	for i := range back {
		if b := &back[i]; b.Source == excuses {
			s.follow(now, b.Time, b.Ref, say)
			n++
		}
	}
	if begun { // what was over before the rule began tells nobody anything
		s.held.items = slices.DeleteFunc(s.held.items, func(it item) bool { return !it.is(excuse) && it.is(over) && it.ref < from })
	}
	first, last := s.about(from)
	s.surely(k, func(i int, _ *item) bool { return i >= first && i <= last })
	say.Saturated = !s.save(k)
	say.Wake = now
	return n
}

// refill takes in an event that must be followed and came before the rule: it waits,
// or, if its time is over, stands for what was true before.
func (s *state) refill(now int64, k window.Key, b *form.Back, text []byte) bool {
	h := &s.held
	it := item{time: b.Time, ref: b.Ref}
	deadline := s.deadline(&it)
	if deadline+int64(stands) <= now || slices.ContainsFunc(h.items, func(other item) bool {
		return other.is(excuse) && s.excused(b.Time, other.time) || other.ref == b.Ref
	}) {
		return false
	}
	if deadline <= now {
		it.flags = told | accepted
		if h.later(b.Time) {
			it.flags |= over
		}
		h.told = max(h.told, deadline)
		s.doubt(deadline, k)
	}
	h.text = append(h.text[:0], text...)
	h.full()
	h.insert(it)
	return true
}

// about are the places of the first and last event for which was recounted, from a
// certain one on: those whose times are no further from each other than both reach.
func (s *state) about(from window.Ref) (first, last int) {
	h := &s.held
	at := slices.IndexFunc(h.items, func(it item) bool { return it.is(unsure) && it.ref == from && !it.is(excuse) })
	if at < 0 {
		return 0, -1
	}
	doubtful := func(i int) bool { return !h.items[i].is(excuse) && h.items[i].is(unsure) }
	first, last = at, at
	for i, time := at, h.items[at].time; i >= 0; i-- {
		if it := &h.items[i]; doubtful(i) {
			if time-it.time > 2*int64(s.within) {
				break
			}
			first, time = i, it.time
		}
	}
	for i, time := at, h.items[at].time; i < len(h.items); i++ {
		if it := &h.items[i]; doubtful(i) {
			if it.time-time > 2*int64(s.within) {
				break
			}
			last, time = i, it.time
		}
	}
	return first, last
}
