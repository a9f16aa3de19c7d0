package absence

import (
	"encoding/binary"
	"slices"

	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// An item is what is kept of one event: one that must be followed while it waits or
// has been told, or one that excuses others.
type item struct {
	flags uint8
	time  int64
	// extra is, of a late one that must be followed, when it came; of one that
	// excuses, until when it is kept. It is 0 where it follows from the time.
	extra int64
	ref   window.Ref // 0 of one that excuses: nothing asks which one it was
}

// What an item is.
const (
	excuse   = 1 << iota // it excuses; else it must be followed
	extra                // its extra is written
	told                 // it was said of it that nothing followed
	proven               // and that nothing will
	over                 // something followed, but too late
	accepted             // it is no reason to act
	unsure               // something was forgotten that may excuse it
	looked               // its deadline is over, but it came late: it waits for proof
)

func (i *item) is(flag uint8) bool { return i.flags&flag != 0 }

// waits tells whether something is still to be said of it.
func (i *item) waits() bool { return !i.is(excuse | told) }

// unproven tells whether it is noted as one that may be proven.
func (i *item) unproven() bool {
	return !i.is(excuse|proven|unsure) && i.is(told|looked)
}

// stands tells whether an alert stands for it.
func (i *item) stands() bool { return i.flags&(excuse|told|over) == told }

// A held is what is kept of one key.
type held struct {
	items []item
	told  int64  // when something was last said of it; 0 for never
	text  []byte // of the key, where there is something to be said of it
}

func (h *held) reset() { h.items, h.told, h.text = h.items[:0], 0, h.text[:0] }

// append writes it, and leaves out the text where nobody will ask.
func (h *held) append(b []byte) []byte {
	le := binary.LittleEndian
	needed := slices.ContainsFunc(h.items, func(it item) bool { return it.flags&excuse == 0 })
	brief := needed && isBrief(h.text)
	b = binary.AppendUvarint(b, uint64(len(h.items))<<2|bit(brief)<<1|bit(h.told != 0))
	if h.told != 0 {
		b = le.AppendUint64(b, uint64(h.told))
	}
	for i := range h.items {
		it := &h.items[i]
		b = le.AppendUint64(append(b, it.flags), uint64(it.time))
		if it.is(extra) {
			b = le.AppendUint64(b, uint64(it.extra))
		}
		if !it.is(excuse) {
			b = binary.AppendUvarint(b, uint64(it.ref))
		}
	}
	switch {
	case brief:
		for t := h.text; len(t) > 0; t = t[4+t[3]:] {
			b = append(b, t[3:4+t[3]]...)
		}
	case needed:
		b = append(b, h.text...)
	}
	return b
}

// isBrief tells whether each value of a key's text is so short that one byte says its
// length, instead of four.
func isBrief(text []byte) bool {
	for len(text) > 0 {
		if len(text) < 4 || text[0]|text[1]|text[2] != 0 || int(text[3]) > len(text)-4 || text[3] > 127 {
			return false
		}
		text = text[4+text[3]:]
	}
	return true
}

func bit(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// read reads what append wrote; false if it did not.
func (h *held) read(b []byte) bool {
	h.reset()
	in := kept.Reader{B: b}
	head := in.Uvarint()
	if head&1 != 0 {
		h.told = in.Int64()
	}
	if head>>2 > uint64(len(b)) {
		return false
	}
	for range head >> 2 {
		it := item{flags: in.Byte(), time: in.Int64()}
		if it.is(extra) {
			it.extra = in.Int64()
		}
		if !it.is(excuse) {
			it.ref = window.Ref(in.Uvarint())
		}
		h.items = append(h.items, it)
	}
	if head&2 == 0 {
		h.text = append(h.text, in.B...)
		return !in.Bad
	}
	for len(in.B) > 0 {
		n := in.Byte()
		h.text = append(append(h.text, 0, 0, 0, n), in.Take(uint64(n))...)
	}
	return !in.Bad
}
