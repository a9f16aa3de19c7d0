// Package kept holds, for each key of a rule, some bytes and when to look at the key
// again.
//
// It promises that the same calls leave the same bytes, and that nothing of a key has
// a pointer of its own: the collector of garbage has nothing to look through. It does
// not know what the bytes mean, and reads no clock.
package kept

import (
	"math"

	"github.com/tomeishi/tomeishi/rules/window"
)

// shards bounds how much is moved when a table grows: 1/256 of the keys.
const shards = 256

// A Table holds bytes by key. It is not safe for concurrent use.
type Table struct {
	shards [shards]shard
	first  [shards]int64 // when to look at the first key of each shard
	best   int           // the first shard of those to look at first
	keys   int

	shedding int // the shard with which Shed goes on
}

// Never is when nobody need look at a key.
const Never = math.MaxInt64

// OnGrain is the first time at or after this one at which a key can be looked at. A
// grain is about a millisecond, so that a time and a place share a word.
func OnGrain(t int64) int64 { return (max(t, 0) + 1<<grainBits - 1) >> grainBits << grainBits }

// New makes an empty table.
func New() *Table {
	t := &Table{}
	for i := range t.first {
		t.first[i] = Never
	}
	return t
}

func shardOf(k window.Key) int { return int(k[1] % shards) }

// Keys is the number of keys held.
func (t *Table) Keys() int { return t.keys }

// Bytes is roughly the memory held.
func (t *Table) Bytes() int {
	n := len(t.first) * 8
	for i := range t.shards {
		sh := &t.shards[i]
		n += 4*cap(sh.index) + recordBytes*cap(sh.recs) + 8*cap(sh.heap) + cap(sh.bytes)
	}
	return n
}

// Get is what is held for a key, until the table changes; nil if nothing is.
func (t *Table) Get(k window.Key) []byte {
	sh := &t.shards[shardOf(k)]
	if slot := sh.find(k); slot >= 0 {
		return sh.body(int(sh.index[slot] - 1))
	}
	return nil
}

// Put holds some bytes for a key, which is to be looked at at a time on the grain, or
// never; it is false if there is no room for the key.
func (t *Table) Put(k window.Key, body []byte, look int64) bool {
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
	t.order(i)
	return true
}

// Drop forgets a key.
func (t *Table) Drop(k window.Key) {
	i := shardOf(k)
	sh := &t.shards[i]
	if slot := sh.find(k); slot >= 0 {
		sh.remove(slot)
		t.order(i)
		t.keys--
	}
}

// order sees which shard to look at first, once one has changed.
func (t *Table) order(i int) {
	before := t.first[i]
	t.first[i] = t.shards[i].next()
	switch {
	case t.first[i] < t.first[t.best] || t.first[i] == t.first[t.best] && i < t.best:
		t.best = i
	case i == t.best && t.first[i] > before:
		for j := range t.first {
			if t.first[j] < t.first[t.best] || t.first[j] == t.first[t.best] && j < t.best {
				t.best = j
			}
		}
	}
}

// Next is the key to look at first, and when; Never if there is none.
func (t *Table) Next() (k window.Key, look int64) {
	if look = t.first[t.best]; look != Never {
		sh := &t.shards[t.best]
		k = sh.recs[sh.heap[0]&(1<<placeBits-1)].key
	}
	return k, look
}

// Pass goes on to the next key of the shard of one, in a circle: whoever adds a key can
// look whether others are still wanted, so that memory follows the traffic.
func (t *Table) Pass(k window.Key) (next window.Key, body []byte) {
	sh := &t.shards[shardOf(k)]
	if len(sh.recs) == 0 {
		return next, nil
	}
	sh.cursor++
	if int(sh.cursor) >= len(sh.recs) {
		sh.cursor = 0
	}
	return sh.recs[sh.cursor].key, sh.body(int(sh.cursor))
}

// Each goes over all keys, in the same order after the same calls. The table must not
// change meanwhile.
func (t *Table) Each(do func(k window.Key, body []byte)) {
	for i := range t.shards {
		sh := &t.shards[i]
		for place := range sh.recs {
			do(sh.recs[place].key, sh.body(place))
		}
	}
}
