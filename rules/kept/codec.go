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
	in := Reader{B: b}
	if t.shedding = int(in.Uint32()); t.shedding >= shards {
		return nil, nil, errTable
	}
	for i := range t.shards {
		if !t.load(&in, i, sound) {
			return nil, nil, errTable
		}
	}
	return t, in.B, nil
}

func (t *Table) load(in *Reader, at int, sound func([]byte) (bool, bool)) bool {
	sh := &t.shards[at]
	cursor, n := in.Uint32(), in.Uint32()
	if n > 1<<placeBits || int(n) > len(in.B)/17 {
		return false
	}
	wants := make([]bool, n)
	for place := range wants {
		k := window.Key{in.Uint64(), in.Uint64()}
		body := in.Take(in.Uvarint())
		var ok bool
		if wants[place], ok = sound(body); in.Bad || !ok || shardOf(k) != at || t.Get(k) != nil {
			return false
		}
		t.Put(k, body, Never)
	}
	heap := in.Uint32()
	if int(heap) > len(in.B)/8 {
		return false
	}
	for i := range int(heap) {
		word := in.Uint64()
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
	return !in.Bad && !slices.Contains(wants, true)
}
