package dedup

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/dchest/siphash"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/rules/match"
)

// maxDepth is how deep data may be nested; the edge accepts no deeper.
const maxDepth = 64

// A Digester tells what events say: equal ones have equal digests, whatever the
// order of their keys and however their numbers and amounts are spelled. It
// reuses its memory and is not safe for concurrent use.
//
// A digest is the sum, over all values that the data holds, of a keyed hash of
// where the value stands, what it is and what it says. The hash folds products
// with numbers made from the cell's secret: who does not know them cannot look
// for two contents of one digest, and nobody is shown a digest.
type Digester struct {
	by   [4]uint64 // the multipliers
	room []byte    // for strings with escapes and long numbers

	// The event at hand.
	data  []byte
	i     int
	shape *Shape
	all   uint64
	read  uint64
}

// NewDigester makes one for a cell's secret.
func NewDigester(secret [2]uint64) *Digester {
	d := &Digester{}
	for i := range d.by {
		d.by[i] = siphash.Hash(secret[0], secret[1], []byte{'d', 'i', 'g', 'e', 's', 't', byte(i)}) | 1
	}
	return d
}

// A Shape is what is known beforehand of the events of one type.
type Shape struct {
	seed    uint64
	varies  []uint64 // fields that equal events may differ in
	reads   []uint64 // fields that decide
	subject bool     // it decides too
}

// Shape makes the shape of events that are equal whatever stands in the fields
// that vary; of those that decide it tells apart whether they differ. A field is
// the keys below data that lead to it; an empty one that decides is the subject.
func (d *Digester) Shape(varies, decide [][]string) *Shape {
	s := &Shape{seed: d.by[3]}
	for _, path := range varies {
		at := d.path(path)
		s.varies = append(s.varies, at)
		s.seed += d.fold(at, 3) // other exceptions never give an equal digest
	}
	for _, path := range decide {
		if len(path) == 0 {
			s.subject = true
			continue
		}
		s.reads = append(s.reads, d.path(path))
	}
	return s
}

func (d *Digester) path(keys []string) uint64 {
	at := d.by[0]
	for _, key := range keys {
		at = d.hash(at, []byte(key))
	}
	return at
}

// What a value is.
const (
	isSubject uint64 = iota + 1
	isObject
	isList
	isText
	isNumber
	isMoney
	isWord
	isOther // data that is not JSON
)

// Digest is what the event says, and a part of it: what it says in the fields
// that decide.
func (d *Digester) Digest(ev *report.Event, s *Shape) (all uint64, deciding uint32) {
	d.data, d.i, d.shape, d.all, d.read = ev.Data, 0, s, s.seed, s.seed
	if len(ev.Data) > 0 && (!ev.JSON() || !d.value(d.by[0], false, 0, false) || !d.ends()) {
		d.all, d.read = s.seed, s.seed
		d.leaf(d.by[0], isOther, d.data, len(s.reads) > 0)
	}
	if ev.Subject != "" {
		d.room = append(d.room[:0], ev.Subject...)
		d.leaf(d.by[1], isSubject, d.room, s.subject)
	}
	d.data = nil
	return d.all, uint32(d.read ^ d.read>>32)
}

func (d *Digester) leaf(at, kind uint64, text []byte, decides bool) {
	d.add(d.hash(d.fold(at+kind, 2), text), decides)
}

func (d *Digester) add(h uint64, decides bool) {
	d.all += h
	if decides {
		d.read += h
	}
}

// fold mixes a word.
func (d *Digester) fold(x uint64, by int) uint64 {
	hi, lo := bits.Mul64(x, d.by[by])
	return hi ^ lo
}

// hash mixes a text into h.
func (d *Digester) hash(h uint64, b []byte) uint64 {
	n := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h = d.fold(h^binary.LittleEndian.Uint64(b), 0)
	}
	var rest uint64
	for i, c := range b {
		rest |= uint64(c) << (8 * i)
	}
	return d.fold(d.fold(h^rest, 0)+n, 1)
}

func (d *Digester) space() {
	for d.i < len(d.data) && d.data[d.i] <= ' ' {
		d.i++
	}
}

// peek is the byte after white space, 0 at the end.
func (d *Digester) peek() byte {
	d.space()
	if d.i == len(d.data) {
		return 0
	}
	return d.data[d.i]
}

func (d *Digester) ends() bool { return d.peek() == 0 && d.i == len(d.data) }

// value takes in the value at d.i, which stands at a place; money says that its
// name is one of money. It is false of what is not JSON.
func (d *Digester) value(at uint64, money bool, depth int, decides bool) bool {
	switch c := d.peek(); c {
	case '{':
		return depth < maxDepth && d.object(at, depth+1, decides)
	case '[':
		return depth < maxDepth && d.list(at, money, depth+1, decides)
	case '"':
		text, ok := d.text()
		if !ok {
			return false
		}
		if money {
			if n, ok := d.number(text); ok {
				d.add(d.fold(d.fold(at+isMoney, 2)^n, 1), decides)
				return true
			}
		}
		d.leaf(at, isText, text, decides)
		return true
	default:
		word := d.word()
		if len(word) == 0 {
			return false
		}
		if n, ok := d.number(word); ok {
			d.add(d.fold(d.fold(at+isNumber, 2)^n, 1), decides)
			return true
		}
		d.leaf(at, isWord, word, decides)
		return true
	}
}

func (d *Digester) object(at uint64, depth int, decides bool) bool {
	d.add(d.fold(at+isObject, 2), decides)
	d.i++
	if d.peek() == '}' {
		d.i++
		return true
	}
	for {
		if d.peek() != '"' {
			return false
		}
		name, ok := d.text()
		if !ok || d.peek() != ':' {
			return false
		}
		d.i++
		money := report.IsMoney(string(name))
		if !d.member(d.hash(at, name), money, depth, decides) {
			return false
		}
		switch d.peek() {
		case ',':
			d.i++
		case '}':
			d.i++
			return true
		default:
			return false
		}
	}
}

// member takes in a member of an object, unless it may vary.
func (d *Digester) member(at uint64, money bool, depth int, decides bool) bool {
	if slices.Contains(d.shape.varies, at) {
		all, read := d.all, d.read
		ok := d.value(at, money, depth, false)
		d.all, d.read = all, read
		return ok
	}
	return d.value(at, money, depth, decides || slices.Contains(d.shape.reads, at))
}

// list takes in a list; money in a list is money too.
func (d *Digester) list(at uint64, money bool, depth int, decides bool) bool {
	d.add(d.fold(at+isList, 2), decides)
	d.i++
	if d.peek() == ']' {
		d.i++
		return true
	}
	for n := uint64(1); ; n++ {
		if !d.value(d.fold(at^n, 3), money, depth, decides) {
			return false
		}
		switch d.peek() {
		case ',':
			d.i++
		case ']':
			d.i++
			return true
		default:
			return false
		}
	}
}

// word reads a number or a literal.
func (d *Digester) word() []byte {
	from := d.i
	for ; d.i < len(d.data); d.i++ {
		switch c := d.data[d.i]; {
		case c <= ' ', c == ',', c == '}', c == ']', c == ':', c == '"', c == '{', c == '[':
			return d.data[from:d.i]
		}
	}
	return d.data[from:]
}

// text reads the string at d.i, without its escapes. It is valid as long as no
// other is read.
func (d *Digester) text() ([]byte, bool) {
	from := d.i + 1
	n := bytes.IndexByte(d.data[from:], '"')
	if n < 0 {
		return nil, false
	}
	if bytes.IndexByte(d.data[from:from+n], '\\') < 0 {
		d.i = from + n + 1
		return d.data[from : from+n], true
	}
	for d.i = from; d.i < len(d.data); d.i++ {
		switch d.data[d.i] {
		case '\\':
			d.i++
		case '"':
			d.room = match.Unescape(d.room[:0], d.data[from:d.i])
			d.i++
			return d.room, true
		}
	}
	return nil, false
}
