// Package dedup remembers which events were applied and what they said, in bounded
// memory.
//
// It promises that an equal event is new once within its horizon, as long as
// the table's bound allows; when it does not, the oldest are forgotten first
// and Floor says how far memory reaches. Equal calls give equal bytes.
package dedup

import (
	"math"
	"slices"
)

// A Print is the keyed 128-bit fingerprint by which an event is known: of its
// source, id and type.
type Print [2]uint64

// A Fact is what is remembered of an event beside its print.
type Fact struct {
	Digest   uint64 // of what it says
	Ref      uint64 // its place in the ledger
	Deciding uint32 // digest of what it says in the fields that decide
	Time     uint32 // its own time in Unix seconds; 0 if it has none
}

// Bound is how many fingerprints are kept at the most, at 48 bytes each with their
// facts, and half as much again of free room.
const Bound = 4 << 20

const shards = 256

// A slot has all of a print in one place: what is looked up is seldom in a cache.
type slot struct {
	print   Print
	entered uint32 // seconds of ledger time; 0 in an empty slot
	horizon uint32 // seconds
	fact    Fact   // zero in a table without facts
}

// Bytes of a slot in memory, and of its parts as they are written.
const (
	slotBytes  = 48
	printBytes = 24
	factBytes  = 24
)

type shard struct {
	slots []slot
	used  uint32
}

// A Table is a set of fingerprints that expire. It is not safe for concurrent
// use.
type Table struct {
	shards [shards]shard
	used   int
	bound  int
	floor  uint32 // some that entered before were forgotten

	facts bool   // it remembers facts
	bare  uint32 // until when it may hold prints of before it did, in seconds
}

// New makes a table of at most bound fingerprints, without facts.
func New(bound int) *Table { return &Table{bound: bound} }

// KeepFacts makes the table remember facts from now on.
func (t *Table) KeepFacts() {
	if t.facts {
		return
	}
	t.facts = true
	for i := range t.shards {
		for _, s := range t.shards[i].slots {
			if s.entered != 0 {
				t.bare = max(t.bare, uint32(min(uint64(s.entered)+uint64(s.horizon), math.MaxUint32)))
			}
		}
	}
}

// Bare tells whether the table may hold prints of before it kept facts.
func (t *Table) Bare(now uint32) bool { return now <= t.bare }

// Len is the number of fingerprints held, the expired ones that were not yet
// swept among them.
func (t *Table) Len() int { return t.used }

// Bytes is roughly the memory held.
func (t *Table) Bytes() int {
	n := 0
	for i := range t.shards {
		n += len(t.shards[i].slots) * slotBytes
	}
	return n
}

// Floor is the second of ledger time before which the bound made the table
// forget; 0 if it never did.
func (t *Table) Floor() uint32 { return t.floor }

// Add tells whether p is new at now, in seconds of ledger time, and remembers
// it for horizon seconds.
func (t *Table) Add(now uint32, p Print, horizon uint32) bool {
	now = max(now, 1)
	sh, i, known := t.place(now, p)
	if s := &sh.slots[i]; known {
		s.horizon = max(s.horizon, horizon)
		return false
	}
	sh.slots[i] = slot{print: p, entered: now, horizon: horizon}
	return true
}

// Enter is the fact that is remembered of p at now; false if p is new, and then f
// is remembered. Either way it is for horizon seconds from a moment.
func (t *Table) Enter(now, from uint32, p Print, horizon uint32, f Fact) (Fact, bool) {
	now = max(now, 1)
	sh, i, known := t.place(now, p)
	s := &sh.slots[i]
	if !known {
		*s = slot{print: p, fact: f}
	}
	s.entered, s.horizon = max(s.entered, from, 1), max(s.horizon, horizon)
	return s.fact, known
}

// Has is the fact that is remembered of p at now.
func (t *Table) Has(now uint32, p Print) (Fact, bool) {
	sh := t.shardOf(p)
	if len(sh.slots) == 0 {
		return Fact{}, false
	}
	i, found := sh.find(p)
	if !found || sh.slots[i].expired(max(now, 1)) {
		return Fact{}, false
	}
	return sh.slots[i].fact, true
}

func (t *Table) shardOf(p Print) *shard { return &t.shards[p[1]%shards] }

// place is where p is or will be, and whether it is known.
func (t *Table) place(now uint32, p Print) (sh *shard, i uint32, known bool) {
	sh = t.shardOf(p)
	if 4*(sh.used+1) > 3*uint32(len(sh.slots)) || int(sh.used) >= t.perShard() {
		t.makeRoom(sh, now)
	}
	i, found := sh.find(p)
	if !found {
		sh.used++
		t.used++
	}
	return sh, i, found && !sh.slots[i].expired(now)
}

func (s *slot) expired(now uint32) bool {
	return uint64(s.entered)+uint64(s.horizon) < uint64(now)
}

// makeRoom removes what has expired from a shard that is full. At its bound it
// forgets the oldest quarter; else, unless half is free now, it grows. Only
// one shard at a time is looked through, so no call takes long.
func (t *Table) makeRoom(sh *shard, now uint32) {
	t.remove(sh, func(s *slot) bool { return s.expired(now) })
	if int(sh.used) >= t.perShard() {
		t.forget(sh)
	}
	if 2*(sh.used+1) > uint32(len(sh.slots)) && int(sh.used) < t.perShard() {
		sh.grow()
	}
}

// perShard is a shard's part of the bound.
func (t *Table) perShard() int { return max(8, t.bound/shards) }

func (t *Table) forget(sh *shard) {
	entered := make([]uint32, 0, sh.used)
	for i := range sh.slots {
		if e := sh.slots[i].entered; e != 0 {
			entered = append(entered, e)
		}
	}
	slices.Sort(entered)
	floor := entered[len(entered)/4]
	t.floor = max(t.floor, floor)
	left := len(entered)/4 + 1
	t.remove(sh, func(s *slot) bool {
		if s.entered > floor || left == 0 {
			return false
		}
		left--
		return true
	})
}

// remove removes from a shard what is over.
func (t *Table) remove(sh *shard, over func(*slot) bool) {
	for i := 0; i < len(sh.slots); {
		if s := &sh.slots[i]; s.entered == 0 || !over(s) {
			i++
			continue
		}
		sh.remove(uint32(i)) // what moves here is next
		t.used--
	}
}

func (sh *shard) home(p Print) uint32 { return uint32(p[0]) & uint32(len(sh.slots)-1) }

func (sh *shard) find(p Print) (uint32, bool) {
	mask := uint32(len(sh.slots) - 1)
	for i := sh.home(p); ; i = (i + 1) & mask {
		s := &sh.slots[i]
		if s.entered == 0 {
			return i, false
		}
		if s.print == p {
			return i, true
		}
	}
}

func (sh *shard) grow() {
	old := sh.slots
	sh.slots = make([]slot, max(8, 2*len(old)))
	for j := range old {
		if s := &old[j]; s.entered != 0 {
			i, _ := sh.find(s.print)
			sh.slots[i] = *s
		}
	}
}

func (sh *shard) remove(i uint32) {
	mask := uint32(len(sh.slots) - 1)
	for j := (i + 1) & mask; sh.slots[j].entered != 0; j = (j + 1) & mask {
		if (j-sh.home(sh.slots[j].print))&mask >= (j-i)&mask {
			sh.slots[i] = sh.slots[j]
			i = j
		}
	}
	sh.slots[i] = slot{}
	sh.used--
}
