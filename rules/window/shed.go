package window

import (
	"math/bits"
	"slices"
)

// shed is what a table knows of the keys that it forgot for want of memory.
type shed struct {
	// last is the latest time of an event of theirs.
	last int64
	// keys is a Bloom filter: whose bits are set was perhaps among them. It is nil
	// while none matters.
	keys []uint64
	// moved is how many shards the pass has been through that is under way, part what it
	// forgets, and next where the entries of those shards lie.
	moved, part int
	next        arena
}

// Bounds of a filter, in bits: what it has for each key of the table, and at least and
// at most.
const (
	filterBits  = 16
	leastFilter = 1 << 10
	mostFilter  = 1 << 25
)

// mostMoved is after how many words the next shards wait for the next call: some ten
// milliseconds.
const mostMoved = 1 << 19

// Shed goes through some shards and forgets a part, in thousandths, of the keys of each:
// those that were last added to longest ago, but none that is spared, which is told whether
// anything of the key was accepted. What is left moves together; when all shards were gone
// through, the memory of what was forgotten is free. The part is that of the first call.
// It tells how many keys were shed.
func (t *Table) Shed(now int64, part int, spared func(k Key, accepted bool) bool) (keys int) {
	if t.shed.moved == 0 {
		t.shed.part = part
	}
	for room := mostMoved; room > 0 && t.shed.moved < shards; t.shed.moved++ {
		n, words := t.shedShard(now, spared)
		keys, room = keys+n, room-words
	}
	if t.shed.moved == shards {
		t.arena, t.shed.next, t.shed.moved = t.shed.next, arena{}, 0
	}
	return keys
}

// Shedding tells whether a pass of Shed is under way.
func (t *Table) Shedding() bool { return t.shed.moved > 0 }

// LacksUntil is the latest time of an event of a key that may share a window with one
// that was shed; before all if there is none.
func (t *Table) LacksUntil(k Key) int64 {
	if t.shed.keys == nil || !t.shed.maybe(k) {
		return newPast().forgot
	}
	return t.shed.last + t.spec.Within
}

// shedShard forgets a part of the next shard's keys and moves the others. It tells how
// many were shed, and how many words were looked at.
func (t *Table) shedShard(now int64, spared func(Key, bool) bool) (keys, words int) {
	sh := &t.shards[t.shed.moved]
	old := *sh
	*sh = shard{}
	goes := old.oldest(t.shed.part, func(s *slot) bool { return spared(s.key, s.accepted()) })
	room := 0
	for i := range old.slots {
		switch s := &old.slots[i]; {
		case s.n == 0:
		case int64(s.last)*1e9 < now-t.keep():
			t.forgets(t.run(s), int(s.n))
			s.n, t.keys = 0, t.keys-1
		case goes(s):
			t.sheds(s)
			s.n, t.keys, keys = 0, t.keys-1, keys+1
		default:
			room++
		}
	}
	if room > 0 {
		sh.slots = make([]slot, max(4, 1<<bits.Len(uint((4*room+2)/3-1))))
	}
	for _, s := range old.slots {
		if words += slotBytes / 8; s.n > 0 {
			words += int(s.n) * t.stride
			sh.slots[sh.insert(s.key)] = t.move(s)
		}
	}
	return keys, words
}

// oldest tells of slots whether they are of the part that was last added to longest ago,
// among those that are not spared.
func (sh *shard) oldest(part int, spared func(*slot) bool) func(*slot) bool {
	if part == 0 {
		return func(*slot) bool { return false }
	}
	var times []uint32
	for i := range sh.slots {
		if s := &sh.slots[i]; s.n > 0 && !spared(s) {
			times = append(times, s.last)
		}
	}
	slices.Sort(times)
	quota := min(len(times), (sh.used*part+999)/1000)
	if quota == 0 {
		return func(*slot) bool { return false }
	}
	limit := times[quota-1]
	first, _ := slices.BinarySearch(times, limit)
	equal := quota - first // of those of the last second
	return func(s *slot) bool {
		switch {
		case s.last > limit || spared(s):
			return false
		case s.last == limit:
			equal--
			return equal >= 0
		}
		return true
	}
}

// sheds notes that a key is forgotten.
func (t *Table) sheds(s *slot) {
	r := t.run(s)
	t.shed.note(s.key, r.Time(r.n-1), t.keys)
}

// move copies the entries of a slot to where those of the pass lie, into a block that is
// no wider than they need.
func (t *Table) move(s slot) slot {
	kept := t.arena.block(s.class(), s.block, t.stride)
	kept = kept[int(s.first())*t.stride : (int(s.first())+int(s.n))*t.stride]
	class := uint16(bits.Len(uint(s.n - 1)))
	s.setClass(class)
	s.setFirst(0)
	s.block = t.shed.next.alloc(class, t.stride)
	copy(t.shed.next.block(class, s.block, t.stride), kept)
	return s
}

// arenaOf is where the entries of a key lie.
func (t *Table) arenaOf(k Key) *arena {
	if t.shed.moved > 0 && k[1]%shards < uint64(t.shed.moved) {
		return &t.shed.next
	}
	return &t.arena
}

// note notes a key that is forgotten, of a table that has so many.
func (d *shed) note(k Key, time int64, keys int) {
	if d.keys == nil {
		d.last = time
		d.keys = make([]uint64, min(max(leastFilter, 1<<bits.Len(uint(keys*filterBits-1))), mostFilter)/64)
	}
	d.last = max(d.last, time)
	for i := range probes {
		at := d.probe(k, i)
		d.keys[at/64] |= 1 << (at % 64)
	}
}

const probes = 4

func (d *shed) maybe(k Key) bool {
	for i := range probes {
		if at := d.probe(k, i); d.keys[at/64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// probe is one bit of a key, whose halves are a hash each.
func (d *shed) probe(k Key, i int) uint64 {
	return (k[0] + uint64(i)*(k[1]|1)) >> 20 & uint64(64*len(d.keys)-1)
}

// over tells whether all that was shed is of before a time.
func (d *shed) over(before int64) bool { return d.keys != nil && d.last <= before }
