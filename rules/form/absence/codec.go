package absence

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	le := binary.LittleEndian
	for _, word := range []int64{s.forgot, s.unknown, int64(s.anew), int64(s.tidy), int64(len(s.unproven))} {
		b = le.AppendUint64(b, uint64(word))
	}
	for _, d := range s.unproven {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, uint64(d.at)), d.key[0]), d.key[1])
	}
	for i := range s.table.shards {
		sh := &s.table.shards[i]
		b = slices.Grow(b, 12+len(sh.recs)*(recordBytes+8)+len(sh.bytes))
		b = le.AppendUint32(le.AppendUint32(b, sh.cursor), uint32(len(sh.recs)))
		for place := range sh.recs {
			k := sh.recs[place].key
			b = append(le.AppendUint64(le.AppendUint64(b, k[0]), k[1]), sh.whole(place)...)
		}
		b = le.AppendUint32(b, uint32(len(sh.heap)))
		for _, word := range sh.heap {
			b = le.AppendUint32(b, uint32(word&(1<<placeBits-1)))
		}
	}
	return b
}

var errState = errors.New("state of an absence: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	s := r.State().(*state)
	in := &reader{b: b}
	s.forgot, s.unknown, s.anew, s.tidy = in.int64(), in.int64(), uint64(in.int64()), int(in.int64())
	n := in.int64()
	if n < 0 || n > int64(len(in.b)/24) {
		return nil, nil, errState
	}
	for range n {
		s.unproven = append(s.unproven, doubt{in.int64(), window.Key{uint64(in.int64()), uint64(in.int64())}})
	}
	if in.bad || !slices.IsSortedFunc(s.unproven, compareDoubts) {
		return nil, nil, errState
	}
	for i := range shards {
		if !s.loadShard(in, i) {
			return nil, nil, errState
		}
	}
	return s, in.b, nil
}

// loadShard reads one shard of the table: its records, and the order of those that are
// to be looked at.
func (s *state) loadShard(in *reader, at int) bool {
	sh := &s.table.shards[at]
	cursor, n := in.uint32(), in.uint32()
	looks := make([]int64, 0, min(int(n), len(in.b)))
	wanted := 0
	for range n {
		k := window.Key{uint64(in.int64()), uint64(in.int64())}
		body := in.take(int(min(in.uvarint(), uint64(len(in.b)+1))))
		if in.bad || body == nil || shardOf(k) != at || s.table.get(k) != nil || !s.held.read(body) || !s.sound() || !s.save(k) {
			return false
		}
		place := len(sh.recs) - 1
		look := int64(never)
		if at := sh.recs[place].heap; at != 0 {
			look = int64(sh.heap[at-1] >> placeBits << grainBits)
			wanted++
		}
		looks = append(looks, look)
	}
	heap := in.uint32()
	if in.bad || int(heap) != wanted {
		return false
	}
	for place := range sh.recs {
		sh.recs[place].heap = 0
	}
	sh.heap, sh.cursor = sh.heap[:0], cursor
	for i := range int(heap) {
		place := int(in.uint32())
		if in.bad || place >= len(looks) || looks[place] == never || sh.recs[place].heap != 0 ||
			i > 0 && looks[place]>>grainBits < int64(sh.heap[(i-1)/2]>>placeBits) {
			return false
		}
		sh.heap = append(sh.heap, 0)
		sh.set(i, uint64(looks[place])>>grainBits<<placeBits|uint64(place))
	}
	s.table.first[at] = sh.next()
	return true
}

// far is a time that no event has, so far from the last one that there is that
// deadlines fit.
const far = 1<<62 - 1<<60

// sound tells whether what is held of a key is in order, and of times that can be.
func (s *state) sound() bool {
	h := &s.held
	for i := range h.items {
		it := &h.items[i]
		if it.time < 0 || it.time > far || it.extra < 0 || it.extra > far || i > 0 && it.time < h.items[i-1].time {
			return false
		}
	}
	return len(h.items) > 0
}
