package kept

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tomeishi/tomeishi/rules/window"
)

// Append appends the table as Load reads it.
func (t *Table) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(t.shedding))
	for i := range t.shards {
		sh := &t.shards[i]
		b = slices.Grow(b, 12+len(sh.recs)*recordBytes+len(sh.bytes)+8*len(sh.heap))
		b = le.AppendUint32(le.AppendUint32(b, sh.cursor), uint32(len(sh.recs)))
		for place := range sh.recs {
			k := sh.recs[place].key
			b = append(le.AppendUint64(le.AppendUint64(b, k[0]), k[1]), sh.whole(place)...)
		}
		b = le.AppendUint32(b, uint32(len(sh.heap)))
		for _, word := range sh.heap {
			b = le.AppendUint64(b, word)
		}
	}
	return b
}

var errTable = errors.New("table of keys: malformed")

// Load reads what Append wrote, and returns what follows it. Sound tells of the bytes
// of each key whether they can be, and whether the key is to be looked at.
func Load(b []byte, sound func(body []byte) (wanted, ok bool)) (*Table, []byte, error) {
	t := New()
	in := loader{b: b}
	if t.shedding = int(in.uint32()); t.shedding >= shards {
		return nil, nil, errTable
	}
	for i := range t.shards {
		if !t.load(&in, i, sound) {
			return nil, nil, errTable
		}
	}
	return t, in.b, nil
}

func (t *Table) load(in *loader, at int, sound func([]byte) (bool, bool)) bool {
	sh := &t.shards[at]
	cursor, n := in.uint32(), in.uint32()
	if n > 1<<placeBits || int(n) > len(in.b)/17 {
		return false
	}
	wants := make([]bool, n)
	for place := range wants {
		k := window.Key{in.uint64(), in.uint64()}
		body := in.body()
		var ok bool
		if wants[place], ok = sound(body); in.bad || !ok || shardOf(k) != at || t.Get(k) != nil {
			return false
		}
		t.Put(k, body, Never)
	}
	heap := in.uint32()
	if int(heap) > len(in.b)/8 {
		return false
	}
	for i := range int(heap) {
		word := in.uint64()
		place := int(word & (1<<placeBits - 1))
		if place >= int(n) || !wants[place] || i > 0 && word>>placeBits < sh.heap[(i-1)/2]>>placeBits {
			return false
		}
		wants[place] = false
		sh.heap = append(sh.heap, 0)
		sh.set(i, word)
	}
	sh.cursor = cursor
	t.order(at)
	return !in.bad && !slices.Contains(wants, true)
}

// loader consumes bytes; once any are missing it is bad and yields nothing.
type loader struct {
	b   []byte
	bad bool
}

func (in *loader) take(n uint64) []byte {
	if n > uint64(len(in.b)) {
		in.bad, in.b = true, nil
		return nil
	}
	out := in.b[:n]
	in.b = in.b[n:]
	return out
}

func (in *loader) uint32() uint32 {
	if b := in.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (in *loader) uint64() uint64 {
	if b := in.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// body is some bytes behind their length.
func (in *loader) body() []byte {
	n, size := binary.Uvarint(in.b)
	if size <= 0 {
		in.bad = true
		return nil
	}
	in.take(uint64(size))
	return in.take(n)
}
