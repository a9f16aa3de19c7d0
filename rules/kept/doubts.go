package kept

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tomeishi/tomeishi/rules/window"
)

// Doubts are keys of which something was said without proof, each with the time past
// which all must be heard for it, in the order of these.
type Doubts struct {
	all  []doubt
	tidy int // so many of them, and those that are settled are taken out
}

type doubt struct {
	at  int64
	key window.Key
}

const fewDoubts = 64

// NewDoubts begins without any.
func NewDoubts() Doubts { return Doubts{tidy: fewDoubts} }

func compareDoubts(a, b doubt) int {
	return cmp.Or(cmp.Compare(a.at, b.at), slices.Compare(a.key[:], b.key[:]))
}

// Next is the time of the first; false if there is none.
func (d *Doubts) Next() (at int64, ok bool) {
	if len(d.all) == 0 {
		return 0, false
	}
	return d.all[0].at, true
}

// Take takes out the first up to a time.
func (d *Doubts) Take(heard int64) (k window.Key, ok bool) {
	if at, some := d.Next(); !some || at > heard {
		return k, false
	}
	k = d.all[0].key
	d.all = d.all[1:]
	return k, true
}

// Note notes that something of a key may be proven. Where there are many, those go
// of which open says that nothing waits any more; the key itself may be under way.
func (d *Doubts) Note(at int64, k window.Key, open func(k window.Key, at int64) bool) {
	next := doubt{at, k}
	i, found := slices.BinarySearchFunc(d.all, next, compareDoubts)
	if found {
		return
	}
	d.all = slices.Insert(d.all, i, next)
	if len(d.all) < d.tidy {
		return
	}
	d.all = slices.DeleteFunc(d.all, func(d doubt) bool { return d.key != k && !open(d.key, d.at) })
	d.tidy = max(fewDoubts, 2*len(d.all))
}

// Bytes is roughly the memory held.
func (d *Doubts) Bytes() int { return 24 * cap(d.all) }

// Append appends them as Read reads them.
func (d *Doubts) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(le.AppendUint64(b, uint64(d.tidy)), uint64(len(d.all)))
	for _, one := range d.all {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, uint64(one.at)), one.key[0]), one.key[1])
	}
	return b
}

// Read reads what Append wrote; false if it did not.
func (d *Doubts) Read(in *Reader) bool {
	d.tidy = int(in.Int64())
	n := in.Uint64()
	if in.Bad || n > uint64(len(in.B)/24) {
		return false
	}
	for range n {
		d.all = append(d.all, doubt{in.Int64(), window.Key{in.Uint64(), in.Uint64()}})
	}
	return slices.IsSortedFunc(d.all, compareDoubts)
}
