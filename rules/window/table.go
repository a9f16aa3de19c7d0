// Package window keeps, for every key of a rule, the events of a sliding
// window.
//
// It promises exactness: a run holds every event that any window reaching back
// from now may need, in order of their times, whatever order they came in; and
// it promises the same bytes for the same calls, so that two collectors can
// compare them. It does not decide whether a condition is true, and it reads
// no clock: ledger time is given to it.
package window

import (
	"sort"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Key is a keyed 128-bit hash of the values that a rule groups by.
type Key [2]uint64

// A Ref says where an event stands: its entry in the ledger and its place in
// that entry.
type Ref uint64

const (
	ordinalBits = 23
	accepted    = 1 << 63
)

// Newest is later than all.
const Newest = Ref(accepted - 1)

// MakeRef makes a Ref of a ledger index (40 bits) and an ordinal (23 bits).
func MakeRef(index uint64, ordinal int) Ref {
	return Ref(index<<ordinalBits | uint64(ordinal)&(1<<ordinalBits-1))
}

// Index is the ledger index.
func (r Ref) Index() uint64 { return uint64(r) &^ accepted >> ordinalBits }

// Ordinal is the place of the event in its entry.
func (r Ref) Ordinal() int { return int(r & (1<<ordinalBits - 1)) }

// A Spec says what a table keeps.
type Spec struct {
	Within   int64 // length of the window, in nanoseconds
	Lateness int64 // how late an event may be and still count, in nanoseconds
	Spare    int64 // how long more than Within an event is kept, since no event is too late
	Distinct int   // values to tell apart, per event
	Nums     int   // numbers to add and compare, per event
	Marks    bool  // events may be marked
	Shares   bool  // what other keys hold matters too
	// Aliased are those of the values to tell apart, bit by bit, that may have aliases.
	Aliased uint32
}

// Bounds of the entries of one key. Beyond them the oldest is dropped and the
// key is saturated.
const (
	MaxCounted = 1 << 17 // keys that are only counted
	MaxSummed  = 1 << 16 // keys with numbers
	MaxScanned = 1 << 12 // keys whose values must be looked through
)

// Bound is how many entries of one key are kept.
func (s Spec) Bound() int {
	switch {
	case s.Distinct > 0:
		return MaxScanned
	case s.Nums > 0:
		return MaxSummed
	}
	return MaxCounted
}

// stride is the number of words of one entry: time, ref, then two for each
// distinct value, then value and running total of each number, then the mark.
func (s Spec) stride() int {
	n := 2 + 2*s.Distinct + 2*decimalWords*s.Nums
	if s.Marks {
		n++
	}
	return n
}

const decimalWords = len(decimal.Decimal{})

// An Entry is what a table keeps of one event.
type Entry struct {
	Time     int64 // Unix nanoseconds
	Ref      Ref
	Distinct []Key
	Nums     []decimal.Decimal
}

// shards bounds how much is moved when a table grows: 1/256 of the keys.
const shards = 256

// A Table holds the runs of all keys of one rule. It has no pointers but to
// its pages, and is not safe for concurrent use.
type Table struct {
	spec   Spec
	stride int
	shards [shards]shard
	arena  arena
	keys   int
	past   past
	shed   shed

	aliases *Aliases // no part of the state

	scratch keySet // no part of the state
	moving  moving // nor is this
}

// New makes an empty table.
func New(spec Spec) *Table {
	return &Table{spec: spec, stride: spec.stride(), past: newPast()}
}

// Alias gives a table the aliases of values that it tells apart. What it keeps stays as
// it is: what joins later joins also what came before.
func (t *Table) Alias(a *Aliases) { t.aliases = a }

// Keys is the number of keys held.
func (t *Table) Keys() int { return t.keys }

// Bytes is roughly the memory held.
func (t *Table) Bytes() int {
	n := (t.arena.words + t.shed.next.words + len(t.shed.keys)) * 8
	for i := range t.shards {
		n += len(t.shards[i].slots) * slotBytes
	}
	return n
}

// Add puts an event where it belongs among those of its key and returns the
// run with the entry's place in it. saturated says that there was no room: the
// oldest entry had to give way, and if that is the new one, it has no place and
// at is -1.
func (t *Table) Add(now int64, k Key, e *Entry) (run Run, at int, saturated bool) {
	s := t.slotOf(k, now)
	if int(s.n) == t.spec.Bound() && t.fit(s, now) == 0 {
		saturated = true
		if run = t.run(s); t.past.on && e.Time < run.Time(0) {
			return run, -1, true
		}
		s.setFirst(s.first() + 1)
		s.n--
	}
	if s.first()+s.n == 1<<s.class() {
		t.makeRoom(s, now)
	}
	s.last = max(s.last, t.lastSecond(now, e.Time))
	run, at = t.insert(s, e)
	return run, at, saturated
}

// slotOf is the slot of a key, which is added if it is new.
func (t *Table) slotOf(k Key, now int64) *slot {
	sh := &t.shards[k[1]%shards]
	i, found := sh.find(k)
	if !found {
		t.sweep(sh, now)
		i = sh.insert(k)
		t.keys++
		sh.slots[i].block = t.arenaOf(k).alloc(0, t.stride)
	}
	return &sh.slots[i]
}

// insert puts an entry where it belongs in a block that has room behind the last.
func (t *Table) insert(s *slot, e *Entry) (run Run, at int) {
	run, at = t.gap(s, e.Time)
	run.put(at, e)
	return run, at
}

// gap makes place for an entry behind all that are not later.
func (t *Table) gap(s *slot, time int64) (run Run, at int) {
	s.n++
	run = t.run(s)
	if at = run.n - 1; at > 0 && run.Time(at-1) > time {
		at = sort.Search(at, func(i int) bool { return run.Time(i) > time })
	}
	copy(run.words[(at+1)*t.stride:], run.words[at*t.stride:(run.n-1)*t.stride])
	return run, at
}

// fit makes place in a run that is full by forgetting what was kept long enough,
// and tells how much that was. It looks behind what came late only where much must
// lie there.
func (t *Table) fit(s *slot, now int64) int {
	n := t.drop(s, now)
	if r := t.run(s); n == 0 && t.past.on && 4*r.after(now-t.keep()) >= r.n {
		n = t.prune(s, now)
	}
	return n
}

// lastSecond is when a key was last added to, or later, in seconds rounded up.
func (t *Table) lastSecond(now, time int64) uint32 {
	if t.past.on {
		time = max(now, time)
	}
	return uint32(time/1e9) + 1
}

// makeRoom drops what has expired. Then it moves the rest to the front of the
// block where that frees a quarter of it, so that moving costs little an
// entry, and else into one twice as wide.
func (t *Table) makeRoom(s *slot, now int64) {
	t.drop(s, now)
	if t.past.on {
		t.prune(s, now)
	}
	kept, class := t.run(s).words, s.class()
	if s.n == 0 || 4*(1<<class-s.n) >= 1<<class {
		copy(t.arenaOf(s.key).block(class, s.block, t.stride), kept)
		s.setFirst(0)
		return
	}
	t.widen(s)
}

// widen moves a run into a block twice as wide.
func (t *Table) widen(s *slot) {
	kept, class := t.run(s).words, s.class()
	in := t.arenaOf(s.key)
	wide := in.alloc(class+1, t.stride)
	copy(in.block(class+1, wide, t.stride), kept)
	in.free(class, s.block, t.stride)
	s.block = wide
	s.setClass(class + 1)
	s.setFirst(0)
}

// Get returns the run of a key.
func (t *Table) Get(k Key) (Run, bool) {
	sh := &t.shards[k[1]%shards]
	i, found := sh.find(k)
	if !found {
		return Run{}, false
	}
	return t.run(&sh.slots[i]), true
}

func (t *Table) run(s *slot) Run {
	block := t.arenaOf(s.key).block(s.class(), s.block, t.stride)
	first := int(s.first())
	return Run{t: t, slot: s, words: block[first*t.stride : (first+int(s.n))*t.stride], n: int(s.n)}
}

// sweep looks at two slots of the shard before a key is added to it, and frees
// those whose entries have all expired: memory follows the traffic without
// ever stopping it.
func (t *Table) sweep(sh *shard, now int64) {
	expired := now - t.keep()
	for range min(2, len(sh.slots)) {
		s := &sh.slots[sh.cursor]
		if s.n > 0 && int64(s.last)*1e9 < expired {
			r := t.run(s)
			t.forgets(r, r.n)
			t.arenaOf(s.key).free(s.class(), s.block, t.stride)
			sh.remove(sh.cursor) // what moves here is next
			t.keys--
			continue
		}
		sh.cursor = (sh.cursor + 1) & uint32(len(sh.slots)-1)
	}
}
