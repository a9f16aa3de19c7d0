package reconcile

import (
	"slices"
	"strconv"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// deadline is from when on nothing can come in time any more that would be an event's
// partner.
func (r *rule) deadline(it *item) int64 { return kept.OnGrain(it.time + int64(r.settle) + 1) }

// patience is until when what is not proven is not told.
func (r *rule) patience(it *item) int64 { return max(r.deadline(it), it.came) + int64(r.grace) }

// look is when an item that waits is looked at, if others were heard up to then; else
// it is later by the grace. One that was not proven then waits among the doubts, too.
func (r *rule) look(it *item, doubtful bool) int64 {
	switch {
	case doubtful:
		return kept.OnGrain(r.patience(it)) // however much is heard
	case it.is(looked):
		return kept.OnGrain(r.patience(it) - int64(r.grace))
	}
	return r.deadline(it)
}

// heard is up to when all has come that can be a partner.
func (r *rule) heard(c form.Clock) int64 {
	heard := c.Now
	for source, at := range c.Heard {
		if source == except || r.asked[other(source)] {
			heard = min(heard, at)
		}
	}
	return heard
}

func other(side int) int { return second - side }

// Due implements form.State. A deadline that is not over may be proven at its time.
func (s *state) Due(c form.Clock) int64 {
	due, heard := int64(0), s.heard(c)
	if at, ok := s.unproven.Next(); ok && at <= heard {
		due = at
	}
	_, look := s.table.Next()
	if look == kept.Never {
		return due
	}
	if look > heard && look <= c.Now {
		look += int64(s.grace)
	}
	if due == 0 {
		return look
	}
	return min(due, look)
}

// Expire implements form.State.
func (s *state) Expire(c form.Clock, say *form.Say) bool {
	heard := s.heard(c)
	for k, ok := s.unproven.Take(heard); ok; k, ok = s.unproven.Take(heard) {
		if s.load(c.Now, k) && s.prove(c.Now, heard) {
			s.raise(c.Now, k, say)
			return true
		}
	}
	for {
		k, look := s.table.Next()
		if look == kept.Never || look > max(heard, c.Now-int64(s.grace)) {
			return false
		}
		s.load(c.Now, k)
		if s.tell(c.Now, heard, k) {
			s.raise(c.Now, k, say)
			return true
		}
		s.save(k)
	}
}

// prove notes of what was said without proof, or was looked at too early, that it is
// proven; false if nothing is.
func (s *state) prove(now, heard int64) (some bool) {
	h := &s.held
	if h.unsure() {
		return false
	}
	s.judge()
	h.turn(now)
	for i := range h.items {
		if it := &h.items[i]; it.unproven() && s.deadline(it) <= heard && s.alone(i) {
			it.flags = it.flags&^over | told | proven
			some = true
		}
	}
	return some
}

// tell notes of what waits, and whose time has come, that it has no partner; false if
// there is no such thing.
func (s *state) tell(now, heard int64, k window.Key) (some bool) {
	h, limit := &s.held, max(heard, now-int64(s.grace))
	s.judge()
	h.turn(now)
	doubtful := h.unsure()
	for i := range h.items {
		it := &h.items[i]
		if !s.waits(i) || s.look(it, doubtful) > limit {
			continue
		}
		sure := !doubtful && s.deadline(it) <= heard
		if !sure && now < s.patience(it) {
			it.flags |= looked
			s.doubt(s.deadline(it), k)
			continue
		}
		if it.flags = it.flags&^over | told; sure {
			it.flags |= proven
		} else if !doubtful {
			s.doubt(s.deadline(it), k)
		}
		some = true
	}
	return some
}

// stood tells whether an alert for what was told has stood for long enough.
func (h *held) stood(now int64) bool { return h.told+int64(stands) <= now }

// turn notes what was told so long ago that what is told next is another alert.
func (h *held) turn(now int64) {
	for i := range h.items {
		if it := &h.items[i]; it.is(told) && h.stood(now) {
			it.flags |= over
		}
	}
}

// doubt notes that something of a key may be proven once others were heard.
func (s *state) doubt(at int64, k window.Key) {
	s.unproven.Note(at, k, func(k window.Key, at int64) bool {
		var h held // beside the one of the key that is being told of
		return h.read(s.table.Get(k)) && slices.ContainsFunc(h.items, func(it item) bool {
			return it.unproven() && s.deadline(&it) == at
		})
	})
}

// raise says what is true of a key since now.
func (s *state) raise(now int64, k window.Key, say *form.Say) {
	s.held.told = now
	s.text = append(s.text[:0], s.held.text...)
	s.save(k)
	say.Key, say.Text = k, s.text
	s.tellAll(say)
}

// tellAll says what stands.
func (s *state) tellAll(say *form.Say) {
	s.answer(say, func(it *item) bool { return !it.is(over) })
	say.Due = s.held.told + int64(stands)
}

// answer says of what was told, as far as it is one of these, that it has no partner. It
// is certain if that is proven of any that is a reason to act, or of any at all where
// none is.
func (s *state) answer(say *form.Say, which func(*item) bool) {
	say.Answer, say.Evidence = form.True, say.Evidence[:0]
	sure, sureFresh := false, false
	for i := range s.held.items {
		it := &s.held.items[i]
		if !it.is(told) || !which(it) {
			continue
		}
		if say.Total++; say.Total == 1 {
			say.Since = it.time
		}
		if len(say.Evidence) == form.MaxEvidence {
			say.Evidence = slices.Delete(say.Evidence, 0, 1)
		}
		say.Evidence = append(say.Evidence, it.ref)
		sure = sure || it.is(proven)
		if !it.is(accepted) {
			say.Fresh, sureFresh = true, sureFresh || it.is(proven)
		}
	}
	if say.Fresh {
		sure = sureFresh
	}
	say.Uncertain, say.Value = !sure, strconv.Itoa(say.Total)
}

// Ask implements form.State.
func (s *state) Ask(now int64, k window.Key, say *form.Say) {
	s.Find(now, k, say)
	say.Evidence = say.Evidence[:0]
}

// Find implements form.Recounter.
func (s *state) Find(now int64, k window.Key, say *form.Say) {
	h := &s.held
	if body := s.table.Get(k); body == nil || !h.read(body) || h.told == 0 || h.stood(now) {
		return
	}
	if slices.ContainsFunc(h.items, func(it item) bool { return it.is(told) && !it.is(over) }) {
		s.tellAll(say)
	}
}

// Since implements form.State. What an alert of before stood for was true.
func (s *state) Since(now int64, k window.Key, after uint64, say *form.Say) {
	if body := s.table.Get(k); body == nil || !s.held.read(body) {
		return
	}
	counts := func(it *item) bool { return !it.is(accepted) }
	if slices.ContainsFunc(s.held.items, func(it item) bool {
		return it.is(told) && counts(&it) && it.ref.Index() > after
	}) {
		s.answer(say, counts)
		say.Due = max(s.held.told+int64(stands), now+1)
	}
}

// Accept implements form.State. What was not told yet nobody can have read.
func (s *state) Accept(k window.Key, upTo uint64) {
	if body := s.table.Get(k); body == nil || !s.held.read(body) {
		return
	}
	for i := range s.held.items {
		if it := &s.held.items[i]; it.is(told) && it.ref.Index() <= upTo {
			it.flags |= accepted
		}
	}
	s.judge()
	s.save(k)
}
