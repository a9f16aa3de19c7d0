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

// withShed is set there where what it knows of shed keys follows that.
const withShed = 1 << 62

// Append appends the table as it lies in memory, so that a collector that
// reads it back goes on with the same bytes.
func (t *Table) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = slices.Grow(b, t.Bytes()+overhead)
	keys := uint64(t.keys)
	if t.past.on {
		keys |= withPast
	}
	if t.shed.known() {
		keys |= withShed
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
	b = t.arena.append(b)
	if t.past.on {
		b = le.AppendUint64(b, uint64(t.past.forgot))
		b = le.AppendUint64(b, uint64(t.past.unknown))
		b = le.AppendUint32(b, uint32(len(t.past.marks)))
		for _, m := range t.past.marks {
			b = le.AppendUint64(le.AppendUint64(b, uint64(m.time)), m.index)
		}
	}
	if t.shed.known() {
		b = t.shed.append(b)
	}
	return b
}

func (a *arena) append(b []byte) []byte {
	le := binary.LittleEndian
	for i := range a.classes {
		c := &a.classes[i]
		b = le.AppendUint32(b, c.made)
		b = le.AppendUint32(b, c.freed)
		b = le.AppendUint32(b, uint32(len(c.pages)))
		for _, page := range c.pages {
			b = appendWords(b, page)
		}
	}
	return b
}

// known tells whether there is anything to append.
func (d *shed) known() bool { return d.keys != nil || d.moved > 0 }

func (d *shed) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint64(b, uint64(d.last)), uint32(d.moved))
	b = le.AppendUint32(b, uint32(d.part))
	b = appendWords(le.AppendUint32(b, uint32(len(d.keys))), d.keys)
	return d.next.append(b)
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
	t.keys, t.past.on = int(keys&^(withPast|withShed)), keys&withPast != 0
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
	t.arena.load(&in, t.stride)
	t.loadPast(&in)
	if keys&withShed != 0 {
		t.shed.load(&in, t.stride)
	}
	if in.bad || used != t.keys || !t.sound() {
		return nil, nil, errTable
	}
	return t, in.b, nil
}

func (a *arena) load(in *loader, stride int) {
	for i := range a.classes {
		c := &a.classes[i]
		c.made, c.freed = in.uint32(), in.uint32()
		size := int(perPage(uint16(i))) << i * stride
		for range in.count(8 * size) {
			c.pages = append(c.pages, in.words(size))
			a.words += size
		}
		if int(c.made) > len(c.pages)*int(perPage(uint16(i))) {
			in.bad = true
		}
	}
}

func (d *shed) load(in *loader, stride int) {
	d.last, d.moved, d.part = int64(in.uint64()), int(in.uint32()), int(in.uint32())
	if n := in.count(8); n > 0 {
		d.keys = in.words(n)
	}
	d.next.load(in, stride)
	if n := len(d.keys); !d.known() || d.moved < 0 || d.moved >= shards || n&(n-1) != 0 {
		in.bad = true
	}
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
	taken, takenNext := t.arena.untaken(), t.shed.next.untaken()
	for i := range t.shards {
		for j := range t.shards[i].slots {
			s := &t.shards[i].slots[j]
			if s.n == 0 {
				continue
			}
			in := taken
			if i < t.shed.moved {
				in = takenNext
			}
			if int(s.key[1]%shards) != i || !in.take(s.class(), s.block) || uint64(s.first())+uint64(s.n) > 1<<s.class() || int(s.n) > t.spec.Bound() || !t.run(s).ordered() {
				return false
			}
		}
	}
	return t.arena.sound(taken, t.stride) && t.shed.next.sound(takenNext, t.stride)
}

// taken are the blocks of an arena that are in use, by class.
type taken [len(arena{}.classes)][]bool

func (a *arena) untaken() *taken {
	var t taken
	for i := range t {
		t[i] = make([]bool, a.classes[i].made)
	}
	return &t
}

// take takes a block; false if there is none, or it is taken.
func (t *taken) take(class uint16, block uint32) bool {
	if int(class) >= len(t) || int(block) >= len(t[class]) || t[class][block] {
		return false
	}
	t[class][block] = true
	return true
}

// sound tells whether what is free is free once.
func (a *arena) sound(in *taken, stride int) bool {
	for i := range a.classes {
		c := &a.classes[i]
		for next := uint64(c.freed); next > 0; {
			if next > uint64(c.made) || !in.take(uint16(i), uint32(next-1)) {
				return false
			}
			next = a.block(uint16(i), uint32(next-1), stride)[0]
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

func (in *loader) words(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = in.uint64()
	}
	return words
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
