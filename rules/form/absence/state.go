package absence

import (
	"slices"
	"sort"
	"strconv"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A state is the events of one rule that were not followed yet, and those that may
// excuse others which come late.
type state struct {
	*rule
	table    *kept.Table
	unproven kept.Doubts

	forgot  int64  // the latest time of an event that is not kept and may excuse one
	unknown int64  // the time of an event up to which nothing was ever known
	anew    uint64 // index of the entry since which all is known

	held held   // room, no part of the state
	body []byte // nor is this
	text []byte // nor this
}

// ancient is before all events.
const ancient = -1 << 62

// State implements form.Rule.
func (r *rule) State() form.State {
	return &state{rule: r, table: kept.New(), forgot: ancient, unknown: ancient, unproven: kept.NewDoubts()}
}

// deadline is from when on nothing can follow an event any more.
func (r *rule) deadline(it *item) int64 { return kept.OnGrain(it.time + int64(r.within) + 1) }

// keep is how long what excuses is kept after its time.
func (r *rule) keep() int64 { return int64(r.within + r.spare) }

// look is when an event that waits is looked at, if those who report what would
// excuse it were heard up to then; else it is later by the grace.
func (r *rule) look(it *item) int64 {
	switch {
	case it.is(unsure):
		return kept.OnGrain(it.extra + int64(r.grace)) // however much is heard
	case it.is(looked):
		return kept.OnGrain(it.extra)
	}
	return r.deadline(it)
}

// excused tells whether one event excuses another that stands at its time.
func (r *rule) excused(time, by int64) bool { return by >= time && by <= time+int64(r.within) }

// Add implements form.State.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	say.Late = e.Time < now-int64(s.lateness)
	known := s.load(now, e.Key)
	if e.Hit.Source == needs {
		s.wait(now, e, say)
	} else {
		s.follow(now, timeOf(e), e.Ref, say)
	}
	say.Saturated = !s.save(e.Key) || say.Saturated
	if !known {
		s.sweep(now, e.Key)
	}
}

// timeOf is when an event happened.
func timeOf(e *form.Event) int64 { return min(max(e.Time, 0), far) }

// wait takes in an event that must be followed.
func (s *state) wait(now int64, e *form.Event, say *form.Say) {
	h, it := &s.held, item{time: timeOf(e), ref: e.Ref}
	if slices.ContainsFunc(h.items, func(by item) bool { return by.is(excuse) && s.excused(it.time, by.time) }) {
		return
	}
	if s.deadline(&it) <= now {
		it.flags, it.extra = extra, now
	}
	if it.time <= max(s.forgot, s.unknown) {
		it.flags, it.extra, say.Recount = it.flags|extra|unsure, now, true
	}
	h.text = append(h.text[:0], e.Hit.Key...)
	say.Saturated = h.full()
	h.insert(it)
	say.Wake = max(now, s.look(&it))
}

// full makes room for one more, if so many wait that there is none: the oldest that
// was told gives way, else the oldest.
func (h *held) full() bool {
	n, oldest := 0, -1
	for i := range h.items {
		if it := &h.items[i]; !it.is(excuse) {
			if n++; oldest < 0 || it.is(told) && !h.items[oldest].is(told) {
				oldest = i
			}
		}
	}
	if n < window.MaxScanned {
		return false
	}
	h.items = slices.Delete(h.items, oldest, oldest+1)
	return true
}

// insert puts an item behind all that are not later.
func (h *held) insert(it item) {
	at := sort.Search(len(h.items), func(i int) bool { return h.items[i].time > it.time })
	h.items = slices.Insert(h.items, at, it)
}

// follow takes in an event that excuses others. One that was told of and is excused
// never was so; one that is followed too late is over.
func (s *state) follow(now, time int64, ref window.Ref, say *form.Say) {
	h := &s.held
	h.items = slices.DeleteFunc(h.items, func(it item) bool {
		if it.is(excuse) || it.ref == ref || !s.excused(it.time, time) {
			return false
		}
		say.Withdrawn = say.Withdrawn || it.is(told)
		return true
	})
	for i := range h.items {
		if it := &h.items[i]; it.is(told) && it.time < time {
			it.flags |= over
		}
	}
	s.keepExcuse(now, time)
}

// keepExcuse keeps the time of an event that excuses others, for those that come late.
func (s *state) keepExcuse(now, time int64) {
	it := item{flags: excuse, time: time}
	if until := max(now, time) + s.keep(); until != time+s.keep() {
		it.flags, it.extra = excuse|extra, until
	}
	s.held.insert(it)
	s.thin()
}

// until is how long what excuses is kept.
func (s *state) until(it *item) int64 {
	if it.is(extra) {
		return it.extra
	}
	return it.time + s.keep()
}

// thin leaves out what excuses nothing that those before and after it do not.
func (s *state) thin() {
	h := &s.held
	var at []int // of what excuses
	var room [64]int
	at = room[:0]
	for i := range h.items {
		if h.items[i].is(excuse) {
			at = append(at, i)
		}
	}
	for n := 1; n+1 < len(at); n++ {
		before, it, after := &h.items[at[n-1]], h.items[at[n]], &h.items[at[n+1]]
		if after.time-before.time > int64(s.within) {
			continue
		}
		for _, other := range []*item{before, after} {
			if until := s.until(&it); until > s.until(other) {
				other.flags, other.extra = other.flags|extra, until
			}
		}
		h.items = slices.Delete(h.items, at[n], at[n]+1)
		return // one came, and one at most goes
	}
}

// load reads what is held of a key, without what is kept no longer; false if
// nothing is.
func (s *state) load(now int64, k window.Key) bool {
	known, forgot := s.peek(now, k)
	s.forgot = max(s.forgot, forgot)
	return known
}

// peek is load for those who only ask. It tells the time of the last event that is
// kept no longer and might excuse another.
func (s *state) peek(now int64, k window.Key) (known bool, forgot int64) {
	h := &s.held
	body := s.table.Get(k)
	if body == nil {
		h.reset()
		return false, ancient
	}
	h.read(body)
	return true, s.expire(now)
}

// expire leaves out what is kept no longer.
func (s *state) expire(now int64) (forgot int64) {
	h := &s.held
	some := false
	forgot = ancient
	h.items = slices.DeleteFunc(h.items, func(it item) bool {
		if it.is(excuse) {
			gone := s.until(&it) < now
			if gone {
				forgot = max(forgot, it.time)
			}
			return gone
		}
		gone := it.is(told) && (h.stood(now) && !it.unproven() || h.told+int64(mostDoubt) <= now)
		some = some || it.is(told) && !gone
		return gone
	})
	if !some {
		h.told = 0
	}
	return forgot
}

// stood tells whether an alert for what was told has stood for long enough.
func (h *held) stood(now int64) bool { return h.told+int64(stands) <= now }

// save writes what is held of a key, and when to look at it; false if there is no room.
func (s *state) save(k window.Key) bool {
	h := &s.held
	if len(h.items) == 0 {
		s.table.Drop(k)
		return true
	}
	look := int64(kept.Never)
	for i := range h.items {
		if it := &h.items[i]; it.waits() {
			look = min(look, s.look(it))
		}
	}
	s.body = h.append(s.body[:0])
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
		n := len(s.held.items)
		s.forgot = max(s.forgot, s.expire(now))
		if len(s.held.items) != n {
			s.save(next)
		}
	}
}

// Due implements form.State.
func (s *state) Due(c form.Clock) int64 {
	due, heard := int64(0), c.Heard[excuses]
	if at, ok := s.unproven.Next(); ok && at <= heard {
		due = at
	}
	_, look := s.table.Next()
	if look == kept.Never {
		return due
	}
	if look > heard {
		look += int64(s.grace)
	}
	if due == 0 {
		return look
	}
	return min(due, look)
}

// Expire implements form.State.
func (s *state) Expire(c form.Clock, say *form.Say) bool {
	heard := c.Heard[excuses]
	for key, ok := s.unproven.Take(heard); ok; key, ok = s.unproven.Take(heard) {
		if s.load(c.Now, key) && s.tell(c.Now, heard, key, say) {
			return true
		}
	}
	for {
		key, look := s.table.Next()
		if look == kept.Never || look > max(heard, c.Now-int64(s.grace)) {
			return false
		}
		s.load(c.Now, key)
		if s.tell(c.Now, heard, key, say) {
			return true
		}
	}
}

// tell says of what waits, and of what was said without proof, that nothing followed,
// as far as its time has come; false if there is no such thing.
func (s *state) tell(now, heard int64, k window.Key, say *form.Say) (some bool) {
	h := &s.held
	for i := range h.items {
		some = s.ripe(now, heard, k, &h.items[i]) || some
	}
	if some {
		h.told = now
	}
	s.save(k)
	if some {
		s.text = append(s.text[:0], h.text...)
		say.Key, say.Text = k, s.text
		s.tellAll(now, say)
	}
	return some
}

// ripe notes of an event that nothing followed it; false if it is not time.
func (s *state) ripe(now, heard int64, k window.Key, it *item) bool {
	switch deadline := s.deadline(it); {
	case it.is(excuse | proven):
		return false
	case it.is(unsure), deadline > heard:
		if it.is(told) || s.look(it) > max(heard, now-int64(s.grace)) {
			return false
		}
		if !it.is(unsure) {
			s.doubt(deadline, k)
		}
		if it.is(extra) && now < it.extra+int64(s.grace) {
			it.flags |= looked
			return false
		}
	default:
		it.flags |= proven
	}
	if !it.is(told) && s.held.later(it.time) {
		it.flags |= over
	}
	it.flags |= told
	return true
}

// later tells whether anything that excuses came after a time.
func (h *held) later(time int64) bool {
	return slices.ContainsFunc(h.items, func(it item) bool { return it.is(excuse) && it.time > time })
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

// tellAll says what stands, or if that is over what was, with evidence.
func (s *state) tellAll(now int64, say *form.Say) {
	which := (*item).stands
	if !slices.ContainsFunc(s.held.items, func(it item) bool { return it.stands() }) {
		which, say.Past = func(it *item) bool { return it.is(told) }, true
	}
	s.answer(say, which)
	if say.Due = s.held.told + int64(stands); say.Past {
		say.Due = now + int64(pastStands)
	}
}

// answer says of those events that nothing followed them: it is certain if that is
// proven of any that is a reason to act, or of any at all where none is.
func (s *state) answer(say *form.Say, which func(*item) bool) {
	say.Answer, say.Evidence = form.True, say.Evidence[:0]
	sure, sureFresh := false, false
	for i := range s.held.items {
		it := &s.held.items[i]
		if !which(it) {
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
	s.save(k)
}

// Since implements form.State. What is over was true.
func (s *state) Since(now int64, k window.Key, after uint64, say *form.Say) {
	s.peek(now, k)
	which := func(it *item) bool { return it.is(told) && !it.is(excuse|accepted) }
	if slices.ContainsFunc(s.held.items, func(it item) bool { return which(&it) && it.ref.Index() > after }) {
		s.answer(say, which)
		say.Due = max(s.held.told+int64(stands), now+1)
	}
}

// Bytes implements form.State.
func (s *state) Bytes() int {
	return s.table.Bytes() + s.unproven.Bytes()
}

// Keys implements form.State.
func (s *state) Keys() int { return s.table.Keys() }
