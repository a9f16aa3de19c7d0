package reconcile

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// An item is what is kept of one event.
type item struct {
	flags uint8
	time  int64
	// came is when it came, of one that came after its deadline; 0 where it follows
	// from the time.
	came int64
	ref  window.Ref
}

// What an item is. Its side is in the lowest bits.
const (
	sideBits = 3
	late     = 1 << 1 << iota // its came is written
	told                      // it was said of it that it has no partner
	proven                    // and that it will have none in time
	accepted                  // it is no reason to act
	unsure                    // something was forgotten that may be its partner
	looked                    // it was looked at, and not proven then
	over     = looked         // of one that was told: an alert of before stood for it
)

func (it *item) is(flag uint8) bool { return it.flags&flag != 0 }

func (it *item) side() int { return int(it.flags & sideBits) }

// unproven tells whether what was said of it, or is to be, may be proven.
func (it *item) unproven() bool { return it.is(told|looked) && !it.is(proven) }

// age is when it came, or happened if that is later, as far as it is known.
func (it *item) age() int64 { return max(it.time, it.came) }

func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.ref, b.ref), cmp.Compare(a.side(), b.side()))
}

// A held is what is kept of one key: its items in the order of their times and places
// in the ledger.
type held struct {
	items []item
	told  int64  // when something was last said of it; 0 for never
	text  []byte // of the key, where there is something to be said of it
}

func (h *held) reset() { h.items, h.told, h.text = h.items[:0], 0, h.text[:0] }

// insert puts an item where it belongs; false if it is there.
func (h *held) insert(it item) bool {
	at, known := slices.BinarySearchFunc(h.items, it, compareItems)
	if !known {
		h.items = slices.Insert(h.items, at, it)
	}
	return !known
}

// append writes it. The text is left out where nobody will ask for it.
func (h *held) append(b []byte, text bool) []byte {
	le := binary.LittleEndian
	n := uint64(len(h.items)) << 1
	if h.told != 0 {
		n |= 1
	}
	b = binary.AppendUvarint(b, n)
	if h.told != 0 {
		b = le.AppendUint64(b, uint64(h.told))
	}
	for i := range h.items {
		it := &h.items[i]
		b = le.AppendUint64(append(b, it.flags), uint64(it.time))
		if it.is(late) {
			b = le.AppendUint64(b, uint64(it.came))
		}
		b = binary.AppendUvarint(b, uint64(it.ref))
	}
	if text {
		b = append(b, h.text...)
	}
	return b
}

// read reads what append wrote; false if it did not.
func (h *held) read(b []byte) bool {
	h.reset()
	in := kept.Reader{B: b}
	n := in.Uvarint()
	if n&1 != 0 {
		h.told = in.Int64()
	}
	if n >>= 1; n > uint64(len(b)) {
		return false
	}
	for range n {
		it := item{flags: in.Byte(), time: in.Int64()}
		if it.is(late) {
			it.came = in.Int64()
		}
		it.ref = window.Ref(in.Uvarint())
		h.items = append(h.items, it)
	}
	h.text = append(h.text, in.B...)
	return !in.Bad
}
