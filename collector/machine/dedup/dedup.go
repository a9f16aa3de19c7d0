// Package dedup remembers which events were applied, in bounded memory.
//
// It promises that the same event is new once within its horizon, as long as
// the table's bound allows; when it does not, the oldest are forgotten first
// and Horizon says how far memory reaches. Equal calls give equal bytes.
package dedup

import (
	"encoding/binary"
	"errors"
)

// A Print is the keyed 128-bit fingerprint of an event's source and id.
type Print [2]uint64

// Bound is how many fingerprints are kept at the most, at 24 bytes each and
// half as much again of free room.
const Bound = 4 << 20

const (
	shards = 256
	// When the table is full, the oldest twentieth is forgotten at once. Three
	// quarters are live, the rest is what sweeping has not yet reached.
	part  = 20
	marks = 15
)

type slot struct {
	print   Print
	entered uint32 // seconds of ledger time; 0 in an empty slot
	horizon uint32 // seconds
}

const slotBytes = 24

type shard struct {
	slots  []slot
	used   uint32
	cursor uint32
}

// A Table is a set of fingerprints that expire. It is not safe for concurrent
// use.
type Table struct {
	shards [shards]shard
	used   int
	bound  int
	floor  uint32 // what entered before is forgotten
	since  int    // new since the last mark
	marked []uint32
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
	t.sweep(sh, now)
	if 4*(sh.used+1) > 3*uint32(len(sh.slots)) {
		sh.grow()
	}
	i, found := sh.find(p)
	s := &sh.slots[i]
	if found && !t.expired(s, now) {
		s.horizon = max(s.horizon, horizon)
		return false
	}
	*s = slot{p, now, horizon}
	if !found {
		sh.used++
		t.used++
	}
	t.mark(now)
	return true
}

func (t *Table) expired(s *slot, now uint32) bool {
	return uint64(s.entered)+uint64(s.horizon) < uint64(now) || s.entered < t.floor
}

// mark notes the time every twentieth of the bound, so that the floor can be
// raised past the oldest when the table is full.
func (t *Table) mark(now uint32) {
	t.since++
	if t.since < t.bound/part {
		return
	}
	t.since = 0
	if len(t.marked) == marks {
		if t.used > t.bound*marks/part {
			t.floor = t.marked[0]
		}
		t.marked = append(t.marked[:0], t.marked[1:]...)
	}
	t.marked = append(t.marked, now)
}

// sweep looks at eight slots of the shard and frees what has expired.
func (t *Table) sweep(sh *shard, now uint32) {
	for range min(8, len(sh.slots)) {
		if s := &sh.slots[sh.cursor]; s.entered != 0 && t.expired(s, now) {
			sh.remove(sh.cursor) // what moves here is next
			t.used--
			continue
		}
		sh.cursor = (sh.cursor + 1) & uint32(len(sh.slots)-1)
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
	sh.cursor = 0
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
	b = le.AppendUint64(b, uint64(t.since))
	b = le.AppendUint32(b, t.floor)
	b = le.AppendUint32(b, uint32(len(t.marked)))
	for _, m := range t.marked {
		b = le.AppendUint32(b, m)
	}
	for i := range t.shards {
		sh := &t.shards[i]
		b = le.AppendUint32(b, uint32(len(sh.slots)))
		b = le.AppendUint32(b, sh.cursor)
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
	if len(b) < 24 {
		return nil, nil, ErrMalformed
	}
	t := New(int(le.Uint64(b)))
	t.since, t.floor = int(le.Uint64(b[8:])), le.Uint32(b[16:])
	n := int(le.Uint32(b[20:]))
	b = b[24:]
	if n > marks || len(b) < 4*n {
		return nil, nil, ErrMalformed
	}
	for range n {
		t.marked = append(t.marked, le.Uint32(b))
		b = b[4:]
	}
	for i := range t.shards {
		if len(b) < 8 {
			return nil, nil, ErrMalformed
		}
		sh := &t.shards[i]
		size := int(le.Uint32(b))
		sh.cursor = le.Uint32(b[4:])
		b = b[8:]
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
