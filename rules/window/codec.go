package window

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"
)

// overhead is more than the bytes of a table beside its slots and pages.
const overhead = 8 + shards*12 + 19*12 + 24 + 2*marked*16

// withPast is set in the number of keys where what the table knows of arrivals
// follows its pages. Tables of before know nothing of them.
const withPast = 1 << 63

// Append appends the table as it lies in memory, so that a collector that
// reads it back goes on with the same bytes.
func (t *Table) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = slices.Grow(b, t.Bytes()+overhead)
	keys := uint64(t.keys)
	if t.past.on {
		keys |= withPast
	}
	b = le.AppendUint64(b, keys)
	for i := range t.shards {
		sh := &t.shards[i]
		b = le.AppendUint32(b, uint32(len(sh.slots)))
		b = le.AppendUint32(b, uint32(sh.used))
		b = le.AppendUint32(b, sh.cursor)
		for j := range sh.slots {
			s := &sh.slots[j]
			b = le.AppendUint64(b, s.key[0])
			b = le.AppendUint64(b, s.key[1])
			b = le.AppendUint32(b, s.block)
			b = le.AppendUint32(b, s.n)
			b = le.AppendUint32(b, s.shape)
			b = le.AppendUint32(b, s.last)
		}
	}
	for i := range t.arena.classes {
		c := &t.arena.classes[i]
		b = le.AppendUint32(b, c.made)
		b = le.AppendUint32(b, c.freed)
		b = le.AppendUint32(b, uint32(len(c.pages)))
		for _, page := range c.pages {
			b = appendWords(b, page)
		}
	}
	if t.past.on {
		b = le.AppendUint64(b, uint64(t.past.forgot))
		b = le.AppendUint64(b, uint64(t.past.unknown))
		b = le.AppendUint32(b, uint32(len(t.past.marks)))
		for _, m := range t.past.marks {
			b = le.AppendUint64(le.AppendUint64(b, uint64(m.time)), m.index)
		}
	}
	return b
}

// appendWords appends words in little-endian order: as they lie, where the
// machine has the same order. A snapshot stops the world for this long.
func appendWords(b []byte, words []uint64) []byte {
	if len(words) > 0 && littleEndian {
		return append(b, unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 8*len(words))...)
	}
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

var errTable = errors.New("window table: malformed")

// Load reads a table of the spec from b and returns what follows it.
func Load(spec Spec, b []byte) (*Table, []byte, error) {
	t := New(spec)
	in := loader{b: b}
	keys := in.uint64()
	t.keys, t.past.on = int(keys&^withPast), keys&withPast != 0
	used := 0
	for i := range t.shards {
		sh := &t.shards[i]
		n := in.count(slotBytes)
		sh.used, sh.cursor = int(in.uint32()), in.uint32()
		if n&(n-1) != 0 || in.bad {
			return nil, nil, errTable
		}
		sh.slots = make([]slot, n)
		before := used
		for j := range sh.slots {
			sh.slots[j] = slot{Key{in.uint64(), in.uint64()}, in.uint32(), in.uint32(), in.uint32(), in.uint32()}
			if sh.slots[j].n > 0 {
				used++
			}
		}
		// A shard without a free slot would be searched for ever.
		if in.bad || used-before != sh.used || n > 0 && sh.used >= n || int(sh.cursor) >= max(n, 1) {
			return nil, nil, errTable
		}
	}
	for i := range t.arena.classes {
		c := &t.arena.classes[i]
		c.made, c.freed = in.uint32(), in.uint32()
		size := int(perPage(uint16(i))) << i * t.stride
		pages := in.count(8 * size)
		if in.bad {
			return nil, nil, errTable
		}
		for range pages {
			page := make([]uint64, size)
			for j := range page {
				page[j] = in.uint64()
			}
			c.pages = append(c.pages, page)
			t.arena.words += size
		}
	}
	t.loadPast(&in)
	if in.bad || used != t.keys || !t.sound() {
		return nil, nil, errTable
	}
	return t, in.b, nil
}

// loadPast reads what the table knows of arrivals.
func (t *Table) loadPast(in *loader) {
	if !t.past.on {
		return
	}
	t.past.forgot, t.past.unknown = int64(in.uint64()), int64(in.uint64())
	for range in.count(16) {
		m := mark{int64(in.uint64()), in.uint64()}
		if n := len(t.past.marks); n > 0 && (m.time <= t.past.marks[n-1].time || m.index < t.past.marks[n-1].index) {
			in.bad = true
		}
		t.past.marks = append(t.past.marks, m)
	}
	if len(t.past.marks) == 0 {
		in.bad = true
	}
}

// sound tells whether every slot refers to a block of its own, whose entries are in
// order, and whether what is free is free once.
func (t *Table) sound() bool {
	var taken [len(arena{}.classes)][]bool
	for i := range t.arena.classes {
		c := &t.arena.classes[i]
		if int(c.made) > len(c.pages)*int(perPage(uint16(i))) {
			return false
		}
		taken[i] = make([]bool, c.made)
	}
	take := func(class uint16, block uint32) bool {
		if int(class) >= len(taken) || int(block) >= len(taken[class]) || taken[class][block] {
			return false
		}
		taken[class][block] = true
		return true
	}
	for i := range t.shards {
		for j := range t.shards[i].slots {
			s := &t.shards[i].slots[j]
			if s.n == 0 {
				continue
			}
			if !take(s.class(), s.block) || uint64(s.first())+uint64(s.n) > 1<<s.class() || int(s.n) > t.spec.Bound() || !t.run(s).ordered() {
				return false
			}
		}
	}
	for i := range t.arena.classes {
		c := &t.arena.classes[i]
		for next := uint64(c.freed); next > 0; {
			if next > uint64(c.made) || !take(uint16(i), uint32(next-1)) {
				return false
			}
			next = t.arena.block(uint16(i), uint32(next-1), t.stride)[0]
		}
	}
	return true
}

// ordered tells whether the entries lie in the order of their times, none so far away
// that a window around it would not be one.
func (r Run) ordered() bool {
	const far = 1 << 62
	if r.Time(0) < -far || r.Time(r.n-1) > far {
		return false
	}
	for i := 1; i < r.n; i++ {
		if r.Time(i) < r.Time(i-1) {
			return false
		}
	}
	return true
}

// loader consumes bytes; once anything is missing it is bad and yields zeros.
type loader struct {
	b   []byte
	bad bool
}

func (in *loader) uint64() uint64 {
	if len(in.b) < 8 {
		in.bad, in.b = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(in.b)
	in.b = in.b[8:]
	return v
}

func (in *loader) uint32() uint32 {
	if len(in.b) < 4 {
		in.bad, in.b = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint32(in.b)
	in.b = in.b[4:]
	return v
}

// count reads how many records of size bytes follow; more than can be there is
// bad.
func (in *loader) count(size int) int {
	n := int(in.uint32())
	if n > len(in.b)/size {
		in.bad = true
		return 0
	}
	return n
}
