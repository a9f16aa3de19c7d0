package absence

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/tomeishi/tomeishi/rules/window"
)

// shards bounds how much is moved when a table grows: 1/256 of the keys.
const shards = 256

// A table holds some bytes for each key, and when to look at it again. It has no
// pointers but to its shards' memory, and the same calls leave the same bytes.
type table struct {
	shards [shards]shard
	first  [shards]int64 // when to look at the first key of each shard
	keys   int
}

// A shard is an open-addressing index of records, which lie densely, a heap of the
// times at which to look at them, and the bytes that they hold.
type shard struct {
	index  []uint32 // place of a record, plus one; 0 if free
	recs   []record
	heap   []uint64 // time<<placeBits | place
	bytes  []byte
	waste  int    // of bytes
	cursor uint32 // of sweep
}

type record struct {
	key  window.Key
	at   uint32 // of its bytes, behind their length
	heap uint32 // its place in the heap, plus one; 0 if it is not to be looked at
}

const (
	recordBytes = 24
	placeBits   = 22
	// grainBits is the grain of the times at which keys are looked at: about a
	// millisecond, so that a time and a place share a word.
	grainBits = 20
	never     = math.MaxInt64
)

// onGrain is the first time at or after this one at which a key can be looked at.
func onGrain(t int64) int64 { return (max(t, 0) + 1<<grainBits - 1) >> grainBits << grainBits }

func newTable() *table {
	t := &table{}
	for i := range t.first {
		t.first[i] = never
	}
	return t
}

func shardOf(k window.Key) int { return int(k[1] % shards) }

// size is roughly the memory held.
func (t *table) size() (n int) {
	for i := range t.shards {
		sh := &t.shards[i]
		n += 4*cap(sh.index) + recordBytes*cap(sh.recs) + 8*cap(sh.heap) + cap(sh.bytes)
	}
	return n
}

// get is what is held for a key; nil if nothing is.
func (t *table) get(k window.Key) []byte {
	sh := &t.shards[shardOf(k)]
	if slot := sh.find(k); slot >= 0 {
		return sh.body(int(sh.index[slot] - 1))
	}
	return nil
}

// put holds some bytes for a key, which is to be looked at at a time on the grain, or
// never; it is false if there is no room for the key.
func (t *table) put(k window.Key, body []byte, look int64) bool {
	i := shardOf(k)
	sh := &t.shards[i]
	var place int
	if slot := sh.find(k); slot >= 0 {
		place = int(sh.index[slot] - 1)
		sh.replace(place, body)
	} else {
		if len(sh.recs) == 1<<placeBits {
			return false
		}
		place = sh.add(k, body)
		t.keys++
	}
	sh.look(place, look)
	t.first[i] = sh.next()
	return true
}

// drop forgets a key.
func (t *table) drop(k window.Key) {
	i := shardOf(k)
	sh := &t.shards[i]
	if slot := sh.find(k); slot >= 0 {
		sh.remove(slot)
		t.first[i] = sh.next()
		t.keys--
	}
}

// next is the key to look at first, and when; never if there is none.
func (t *table) next() (k window.Key, look int64) {
	best := 0
	for i, at := range &t.first {
		if at < t.first[best] {
			best = i
		}
	}
	if look = t.first[best]; look != never {
		sh := &t.shards[best]
		k = sh.recs[sh.heap[0]&(1<<placeBits-1)].key
	}
	return k, look
}

// pass goes on to the next record of a key's shard, in a circle.
func (t *table) pass(k window.Key) (next window.Key, ok bool) {
	sh := &t.shards[shardOf(k)]
	if len(sh.recs) == 0 {
		return next, false
	}
	sh.cursor++
	if int(sh.cursor) >= len(sh.recs) {
		sh.cursor = 0
	}
	return sh.recs[sh.cursor].key, true
}

// find is the slot of a key; -1 if it is not there.
func (sh *shard) find(k window.Key) int {
	if len(sh.index) == 0 {
		return -1
	}
	for i := sh.home(k); ; i = sh.after(i) {
		switch place := sh.index[i]; {
		case place == 0:
			return -1
		case sh.recs[place-1].key == k:
			return i
		}
	}
}

func (sh *shard) home(k window.Key) int {
	hi, _ := bits.Mul64(k[0], uint64(len(sh.index)))
	return int(hi)
}

func (sh *shard) after(slot int) int {
	if slot++; slot < len(sh.index) {
		return slot
	}
	return 0
}

// enter puts a record into the index.
func (sh *shard) enter(place int) {
	i := sh.home(sh.recs[place].key)
	for sh.index[i] != 0 {
		i = sh.after(i)
	}
	sh.index[i] = uint32(place + 1)
}

func (sh *shard) add(k window.Key, body []byte) (place int) {
	place = len(sh.recs)
	sh.recs = append(tight(sh.recs), record{key: k, at: sh.write(body)})
	if 5*len(sh.recs) > 4*len(sh.index) {
		sh.reindex()
	} else {
		sh.enter(place)
	}
	return place
}

// reindex makes the index anew, with room for a few more.
func (sh *shard) reindex() {
	sh.index = make([]uint32, len(sh.recs)*7/5+4)
	for place := range sh.recs {
		sh.enter(place)
	}
}

// tight makes room for one more, and for a sixteenth: memory is what this is about.
func tight[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	wide := make([]T, len(s), len(s)+len(s)/16+4)
	copy(wide, s)
	return wide
}

// remove empties a slot and moves back what had to pass over it; the last record
// takes the place of the one that goes.
func (sh *shard) remove(slot int) {
	place := int(sh.index[slot] - 1)
	sh.look(place, never)
	sh.waste += len(sh.whole(place))
	for i := sh.after(slot); sh.index[i] != 0; i = sh.after(i) {
		if sh.gap(sh.home(sh.recs[sh.index[i]-1].key), i) >= sh.gap(slot, i) {
			sh.index[slot] = sh.index[i]
			slot = i
		}
	}
	sh.index[slot] = 0
	last := len(sh.recs) - 1
	if place != last {
		sh.index[sh.find(sh.recs[last].key)] = uint32(place + 1)
		sh.recs[place] = sh.recs[last]
		if at := sh.recs[place].heap; at != 0 {
			sh.heap[at-1] = sh.heap[at-1]>>placeBits<<placeBits | uint64(place)
		}
	}
	sh.recs = sh.recs[:last]
	sh.compact()
}

// gap is how far it is from one slot on to another.
func (sh *shard) gap(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(sh.index)
}

// whole are the bytes of a record with their length.
func (sh *shard) whole(place int) []byte {
	b := sh.bytes[sh.recs[place].at:]
	n, size := binary.Uvarint(b)
	return b[:size+int(n)]
}

func (sh *shard) body(place int) []byte {
	b := sh.bytes[sh.recs[place].at:]
	n, size := binary.Uvarint(b)
	return b[size : size+int(n)]
}

func (sh *shard) write(body []byte) (at uint32) {
	at = uint32(len(sh.bytes))
	if need := len(sh.bytes) + len(body) + binary.MaxVarintLen32; need > cap(sh.bytes) {
		wide := make([]byte, len(sh.bytes), need+len(sh.bytes)/16)
		copy(wide, sh.bytes)
		sh.bytes = wide
	}
	sh.bytes = append(binary.AppendUvarint(sh.bytes, uint64(len(body))), body...)
	return at
}

// replace writes other bytes for a record, in place if they are not more.
func (sh *shard) replace(place int, body []byte) {
	old := sh.whole(place)
	var head [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(head[:], uint64(len(body)))
	if len(old) >= n+len(body) {
		copy(old, head[:n])
		copy(old[n:], body)
		sh.waste += len(old) - n - len(body)
	} else {
		sh.waste += len(old)
		sh.recs[place].at = sh.write(body)
	}
	sh.compact()
}

// compact moves what is held together once a quarter of the bytes is waste.
func (sh *shard) compact() {
	if live := len(sh.bytes) - sh.waste; sh.waste <= live/4+256 {
		return
	}
	old := *sh
	sh.bytes, sh.waste = make([]byte, 0, (len(sh.bytes)-sh.waste)*17/16), 0
	for place := range sh.recs {
		whole := old.whole(place)
		sh.recs[place].at = uint32(len(sh.bytes))
		sh.bytes = append(sh.bytes, whole...)
	}
}

// next is when to look at the shard's first key.
func (sh *shard) next() int64 {
	if len(sh.heap) == 0 {
		return never
	}
	return int64(sh.heap[0] >> placeBits << grainBits)
}

// look sets when to look at a record.
func (sh *shard) look(place int, at int64) {
	i := int(sh.recs[place].heap) - 1
	word := uint64(at)>>grainBits<<placeBits | uint64(place)
	switch {
	case at == never && i < 0:
		return
	case at == never:
		sh.recs[place].heap = 0
		last := len(sh.heap) - 1
		moved := sh.heap[last]
		sh.heap = sh.heap[:last]
		if i < last {
			sh.settle(i, moved)
		}
	case i < 0:
		sh.heap = append(tight(sh.heap), word)
		sh.settle(len(sh.heap)-1, word)
	default:
		sh.settle(i, word)
	}
}

// settle puts a word where it belongs, above or below a free place in the heap.
func (sh *shard) settle(i int, word uint64) {
	sooner := func(a, b uint64) bool { return a>>placeBits < b>>placeBits }
	for i > 0 && sooner(word, sh.heap[(i-1)/2]) {
		sh.set(i, sh.heap[(i-1)/2])
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(sh.heap) && sooner(sh.heap[child+1], sh.heap[child]) {
			child++
		}
		if child >= len(sh.heap) || !sooner(sh.heap[child], word) {
			break
		}
		sh.set(i, sh.heap[child])
		i = child
	}
	sh.set(i, word)
}

func (sh *shard) set(i int, word uint64) {
	sh.heap[i] = word
	sh.recs[word&(1<<placeBits-1)].heap = uint32(i + 1)
}
