// Package dedup remembers which events were applied, in bounded memory.
//
// It promises that the same event is new once within its horizon, as long as
// the table's bound allows; when it does not, the oldest are forgotten first
// and Horizon says how far memory reaches. Equal calls give equal bytes.
package dedup

import (
	"encoding/binary"
	"errors"
	"slices"
)

// A Print is the keyed 128-bit fingerprint of an event's source and id.
type Print [2]uint64

// Bound is how many fingerprints are kept at the most, at 24 bytes each and
// half as much again of free room.
const Bound = 4 << 20

const shards = 256

type slot struct {
	print   Print
	entered uint32 // seconds of ledger time; 0 in an empty slot
	horizon uint32 // seconds
}

const slotBytes = 24

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
}

// New makes a table of at most bound fingerprints.
func New(bound int) *Table { return &Table{bound: bound} }

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
	sh := &t.shards[p[1]%shards]
	if 4*(sh.used+1) > 3*uint32(len(sh.slots)) || int(sh.used) >= t.perShard() {
		t.makeRoom(sh, now)
	}
	i, found := sh.find(p)
	s := &sh.slots[i]
	if found && !s.expired(now) {
		s.horizon = max(s.horizon, horizon)
		return false
	}
	*s = slot{p, now, horizon}
	if !found {
		sh.used++
		t.used++
	}
	return true
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
	for _, s := range old {
		if s.entered != 0 {
			i, _ := sh.find(s.print)
			sh.slots[i] = s
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

// Append appends the table as it lies in memory.
func (t *Table) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(t.bound))
	b = le.AppendUint32(b, t.floor)
	for i := range t.shards {
		sh := &t.shards[i]
		b = le.AppendUint32(b, uint32(len(sh.slots)))
		for j := range sh.slots {
			s := &sh.slots[j]
			b = le.AppendUint64(b, s.print[0])
			b = le.AppendUint64(b, s.print[1])
			b = le.AppendUint32(b, s.entered)
			b = le.AppendUint32(b, s.horizon)
		}
	}
	return b
}

// ErrMalformed says that the bytes are not a table.
var ErrMalformed = errors.New("table of applied events: malformed")

// Load reads a table from b and returns what follows it.
func Load(b []byte) (*Table, []byte, error) {
	le := binary.LittleEndian
	if len(b) < 12 {
		return nil, nil, ErrMalformed
	}
	t := New(int(le.Uint64(b)))
	t.floor = le.Uint32(b[8:])
	b = b[12:]
	for i := range t.shards {
		if len(b) < 4 {
			return nil, nil, ErrMalformed
		}
		sh := &t.shards[i]
		size := int(le.Uint32(b))
		b = b[4:]
		if size > len(b)/slotBytes || size&(size-1) != 0 {
			return nil, nil, ErrMalformed
		}
		sh.slots = make([]slot, size)
		for j := range sh.slots {
			sh.slots[j] = slot{Print{le.Uint64(b), le.Uint64(b[8:])}, le.Uint32(b[16:]), le.Uint32(b[20:])}
			b = b[slotBytes:]
			if sh.slots[j].entered != 0 {
				sh.used++
				t.used++
			}
		}
		if int(sh.used) == size && size > 0 {
			return nil, nil, ErrMalformed // a full shard would be searched for ever
		}
	}
	return t, b, nil
}
