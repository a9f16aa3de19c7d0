package window

import (
	"cmp"
	"slices"
	"sort"
)

// An arrival is one event of a key: an entry as it is kept, or one that comes back.
type arrival struct {
	ref   Ref
	words []uint64 // nil for one that comes back
	entry *Entry
}

// Merge brings back entries of a key that were forgotten, each once, and then asks of
// every event that arrived at a place in the ledger or after it and may share a window
// with one of them what it would have been asked when it arrived: try is given the run
// as it was then; where other keys matter too, of every event. Where events are marked, those that come back are asked too, because
// their marks were forgotten: past says of an event that it is only for that. It tells
// how many came back; saturated says that not all had room.
func (t *Table) Merge(now int64, k Key, back []Entry, from Ref, try func(run Run, at int, past bool)) (n int, saturated bool) {
	all, times, agreed := t.arrivals(k, back)
	if len(times) == 0 && (!t.spec.Shares || len(all) == 0) {
		return 0, false
	}
	if surplus := len(all) - t.spec.Bound(); surplus > 0 {
		saturated = true
		all = slices.DeleteFunc(all, func(a arrival) bool {
			if a.words != nil || surplus == 0 {
				return false
			}
			surplus--
			return true
		})
	}
	s := t.emptied(k, now, len(all))
	for _, a := range all {
		var run Run
		var at int
		if a.words != nil {
			run, at = t.gap(s, int64(a.words[0]))
			copy(run.entry(at), a.words)
			if t.spec.Nums > 0 {
				run.total(at)
			}
		} else {
			if run, at = t.insert(s, a.entry); a.ref <= agreed {
				run.Accept(at) // what was accepted then would have been with all before it
			}
		}
		asks := a.ref >= from && (t.spec.Shares || t.near(times, run.Time(at)))
		if asks || t.spec.Marks && a.words == nil {
			try(run, at, !asks)
		}
	}
	return len(times), saturated
}

// arrivals are the kept entries of a key and those that come back, in the order in
// which they arrived, the times of the latter, and the last that was accepted.
func (t *Table) arrivals(k Key, back []Entry) (all []arrival, times []int64, agreed Ref) {
	held := map[Ref]bool{}
	if run, ok := t.Get(k); ok {
		words := slices.Clone(run.words)
		for i := range run.n {
			held[run.Ref(i)] = true
			if run.Accepted(i) {
				agreed = max(agreed, run.Ref(i))
			}
			all = append(all, arrival{ref: run.Ref(i), words: words[i*t.stride : (i+1)*t.stride]})
		}
	}
	for i := range back {
		if e := &back[i]; !held[e.Ref] {
			held[e.Ref] = true
			all = append(all, arrival{ref: e.Ref, entry: e})
			times = append(times, e.Time)
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return cmp.Compare(a.ref, b.ref) })
	slices.Sort(times)
	return all, times, agreed
}

// near tells whether any of the times may share a window with one.
func (t *Table) near(times []int64, time int64) bool {
	i := sort.Search(len(times), func(i int) bool { return times[i] >= time-t.spec.Within })
	return i < len(times) && times[i] <= time+t.spec.Within
}

// Keep keeps what is held of a key for as long as what is added now.
func (t *Table) Keep(now int64, k Key) {
	sh := &t.shards[k[1]%shards]
	if i, found := sh.find(k); found {
		s := &sh.slots[i]
		s.last = max(s.last, t.lastSecond(now, now))
	}
}

// emptied is the slot of a key, without entries and with room for n.
func (t *Table) emptied(k Key, now int64, n int) *slot {
	s := t.slotOf(k, now)
	accepted := s.accepted()
	s.n = 0
	s.setFirst(0)
	for 1<<s.class() < n {
		t.widen(s)
	}
	if accepted {
		s.accept()
	}
	s.last = max(s.last, t.lastSecond(now, now))
	return s
}
