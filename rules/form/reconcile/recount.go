package reconcile

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Forget implements form.Recounter. Of events after the time it is known who goes with
// them; the others wait for what comes back.
func (s *state) Forget(_ int64, index uint64, time int64) {
	s.unknown, s.anew = time, index
	var keys []window.Key
	s.table.Each(func(k window.Key, body []byte) {
		if s.held.read(body); s.held.unsure() {
			keys = append(keys, k)
		}
	})
	for _, k := range keys {
		s.held.read(s.table.Get(k))
		s.surely(k, func(it *item) bool { return it.time > s.blank() })
		s.judge()
		s.save(k)
	}
}

// surely notes of items of a key that nothing is forgotten which may go with them.
func (s *state) surely(k window.Key, which func(*item) bool) {
	h := &s.held
	for i := range h.items {
		if it := &h.items[i]; it.is(unsure) && which(it) {
			it.flags &^= unsure
		}
	}
	if h.unsure() {
		return
	}
	for i := range h.items {
		if it := &h.items[i]; !it.is(told) {
			it.flags &^= looked
		} else if !it.is(proven) {
			s.doubt(s.deadline(it), k)
		}
	}
}

// Held implements form.Recounter.
func (s *state) Held(k window.Key) (refs []window.Ref) {
	var h held // of its own: it is asked beside others
	if body := s.table.Get(k); body != nil && h.read(body) {
		for i := range h.items {
			refs = append(refs, h.items[i].ref)
		}
	}
	return refs
}

// Reach implements form.Recounter.
func (s *state) Reach() int64 { return int64(2*s.within + 2*s.settle) }

// Recount implements form.Recounter. What comes back and has no partner here may have
// one that does not come back, and does not count, unless it lost its partner to an event
// that waited.
func (s *state) Recount(now int64, k window.Key, back []form.Back, from window.Ref, say *form.Say) (n int) {
	h := &s.held
	if h.reset(); s.table.Get(k) != nil {
		h.read(s.table.Get(k)) // all of it: it does not come back
	}
	h.text = append(h.text[:0], say.Text...)
	waited := h.about(from, 2*s.Reach())
	var came []item
	for i := range back {
		it := item{flags: uint8(back[i].Source), time: min(max(back[i].Time, 0), far), ref: back[i].Ref}
		if h.insert(it) {
			came = append(came, it)
		}
	}
	slices.SortFunc(came, compareItems)
	n = len(came)
	if from == window.MakeRef(s.anew, 0) {
		s.refill(now, k, came)
	} else {
		came = s.known(came, waited)
		s.comeBack(came, waited)
	}
	s.surely(k, func(it *item) bool { return among(waited, it) })
	for say.Saturated = false; s.full(); {
		say.Saturated = true
	}
	s.judge()
	say.Saturated = !s.save(k) || say.Saturated
	say.Wake = now
	return n
}

// among tells whether an item is one of some, which are in order.
func among(items []item, it *item) bool {
	_, found := slices.BinarySearchFunc(items, *it, compareItems)
	return found
}

// about are the items that waited from a certain one on: those whose times are no
// further from each other than what both reach.
func (h *held) about(from window.Ref, reach int64) (all []item) {
	at := -1
	for _, it := range h.items {
		if !it.is(unsure) {
			continue
		}
		if n := len(all); n > 0 && it.time-all[n-1].time > reach {
			if at >= 0 {
				break
			}
			all = all[:0]
		}
		if all = append(all, it); it.ref == from {
			at = len(all)
		}
	}
	if at < 0 {
		return nil
	}
	return all
}

// known takes out what came back and is so far from all that waited that the range which
// was asked for may end before its partner: it does not go with what came back alone. It
// is what is left.
func (s *state) known(came, waited []item) []item {
	if len(waited) == 0 {
		return came
	}
	h := &s.held
	from, to := waited[0].time-int64(s.within), waited[len(waited)-1].time+int64(s.within)
	s.m.match(s.rule, h.items)
	all := slices.Clone(h.items)
	h.only(func(i int) bool {
		strangers := s.m.partner[i] == none
		s.m.group(all, i, func(j int) { strangers = strangers || !among(came, &all[j]) })
		return all[i].time >= from && all[i].time <= to || !strangers || !among(came, &all[i])
	})
	return slices.DeleteFunc(came, func(it item) bool { return !among(h.items, &it) })
}

// comeBack leaves of what came back only what goes with something else that is held, and
// what goes with another one, or with none, because of what waited.
func (s *state) comeBack(came, waited []item) {
	h := &s.held
	all := slices.Clone(h.items)
	h.only(func(i int) bool { return !among(waited, &all[i]) })
	before := s.couples()
	h.items = append(h.items[:0], all...)
	after := s.couples()
	h.only(func(i int) (wanted bool) {
		s.m.group(all, i, func(j int) {
			wanted = wanted || !among(came, &all[j]) || before.partner(&all[j]) != after.partner(&all[j])
		})
		return wanted
	})
}

// couples are items in order, each with the place in the ledger of its partner.
type couples struct {
	items    []item
	partners []window.Ref
}

func (s *state) couples() (c couples) {
	s.m.match(s.rule, s.held.items)
	c.items = slices.Clone(s.held.items)
	for _, p := range s.m.partner {
		ref := window.Ref(0)
		if p != none {
			ref = s.held.items[p].ref
		}
		c.partners = append(c.partners, ref)
	}
	return c
}

func (c couples) partner(it *item) window.Ref {
	if i, found := slices.BinarySearchFunc(c.items, *it, compareItems); found {
		return c.partners[i]
	}
	return 0
}

// refill takes in what came before the rule. What was over then stands for what was true
// before; what lies where its partner may be unknown does not count.
func (s *state) refill(now int64, k window.Key, came []item) {
	h := &s.held
	since := s.unknown - int64(s.Horizon()) + s.before()
	s.judge()
	all := slices.Clone(h.items)
	h.only(func(i int) bool { return !s.alone(i) || all[i].time > since || !among(came, &all[i]) })
	s.judge()
	for i := range h.items {
		it := &h.items[i]
		d := s.deadline(it)
		if !s.waits(i) || d > s.unknown || !among(came, it) {
			continue
		}
		if it.flags |= told | accepted; d+int64(stands) <= now {
			it.flags |= over
			continue
		}
		h.told = max(h.told, d)
		s.doubt(d, k)
	}
}
