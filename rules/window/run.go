package window

import (
	"sort"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Run is the entries of one key in order of their times. It is valid until
// the table changes.
type Run struct {
	t     *Table
	slot  *slot
	words []uint64
	n     int
}

// Len is the number of entries.
func (r Run) Len() int { return r.n }

// Time is the time of entry i, in Unix nanoseconds.
func (r Run) Time(i int) int64 { return int64(r.words[i*r.t.stride]) }

// Ref is where the event of entry i stands.
func (r Run) Ref(i int) Ref { return Ref(r.words[i*r.t.stride+1] &^ accepted) }

// Accepted tells whether a person said that this entry is no reason to act.
func (r Run) Accepted(i int) bool { return r.words[i*r.t.stride+1]&accepted != 0 }

// AnyAccepted tells whether any entry ever was accepted.
func (r Run) AnyAccepted() bool { return r.slot.accepted() }

// Refs appends where the events of the span stand, oldest first.
func (r Run) Refs(refs []Ref, s Span) []Ref {
	for i := s.From; i < s.To; i++ {
		refs = append(refs, r.Ref(i))
	}
	return refs
}

// Accept marks entry i as no reason to act.
func (r Run) Accept(i int) {
	r.words[i*r.t.stride+1] |= accepted
	r.slot.accept()
}

// AcceptUpTo marks all entries that stand in the ledger up to an index.
func (r Run) AcceptUpTo(index uint64) {
	for i := range r.n {
		if r.Ref(i).Index() <= index {
			r.Accept(i)
		}
	}
}

// Mark sets or takes away the mark of entry i.
func (r Run) Mark(i int, is bool) {
	w := r.entry(i)
	w[len(w)-1] = 0
	if is {
		w[len(w)-1] = 1
	}
}

// Marked tells whether entry i is marked.
func (r Run) Marked(i int) bool {
	w := r.entry(i)
	return w[len(w)-1] != 0
}

// Number is number c of entry i.
func (r Run) Number(c, i int) decimal.Decimal { return r.num(c, i, 0) }

// EndingAt is the window that ends at entry i and holds none behind it.
func (r Run) EndingAt(i int) Span { return Span{r.after(r.Time(i) - r.t.spec.Within), i + 1} }

// Full tells whether there is no room for another entry.
func (r Run) Full() bool { return r.n == r.t.spec.Bound() }

// Arrived counts the entries from one time to another, both among them, that arrived
// no later than asOf.
func (r Run) Arrived(from, to int64, asOf Ref) (n int64) {
	s := Span{r.after(from), r.after(to + 1)}
	if asOf == Newest {
		return int64(s.To - s.From)
	}
	for i := s.From; i < s.To; i++ {
		if r.Ref(i) <= asOf {
			n++
		}
	}
	return n
}

// after is the first entry at or after time. Most often that is the first of
// all, or there is none.
func (r Run) after(time int64) int {
	if r.n == 0 || r.Time(0) >= time {
		return 0
	}
	if r.Time(r.n-1) < time {
		return r.n
	}
	return sort.Search(r.n, func(i int) bool { return r.Time(i) >= time })
}

// entry is the words of entry i.
func (r Run) entry(i int) []uint64 { return r.words[i*r.t.stride : (i+1)*r.t.stride] }

func (r Run) put(at int, e *Entry) {
	if r.t.spec.Marks {
		r.Mark(at, false)
	}
	w := r.entry(at)
	w[0], w[1] = uint64(e.Time), uint64(e.Ref)
	w = w[2:]
	for _, d := range e.Distinct {
		w[0], w[1] = d[0], d[1]
		w = w[2:]
	}
	for i, num := range e.Nums {
		copy(w[2*i*decimalWords:], num[:])
	}
	if len(e.Nums) > 0 {
		r.total(at)
	}
}

// total renews the running totals for a new entry at. They may wrap around; the
// difference of two is exact all the same.
func (r Run) total(at int) {
	if at == 0 {
		r.totals()
		return
	}
	for c := range r.t.spec.Nums {
		v := r.num(c, at, 0)
		sum, _ := r.num(c, at-1, 1).Add(v)
		copy(r.numWords(c, at, 1), sum[:])
		for i := at + 1; i < r.n; i++ {
			words := r.numWords(c, i, 1)
			sum, _ := decimal.Decimal(words).Add(v)
			copy(words, sum[:])
		}
	}
}

// totals makes all running totals anew.
func (r Run) totals() {
	for c := range r.t.spec.Nums {
		var sum decimal.Decimal
		for i := range r.n {
			sum, _ = sum.Add(r.num(c, i, 0))
			copy(r.numWords(c, i, 1), sum[:])
		}
	}
}

// numWords are the words of number c of entry i: part 0 its value, part 1 the
// running total.
func (r Run) numWords(c, i, part int) []uint64 {
	from := i*r.t.stride + 2 + 2*r.t.spec.Distinct + (2*c+part)*decimalWords
	return r.words[from : from+decimalWords]
}

func (r Run) num(c, i, part int) decimal.Decimal {
	return decimal.Decimal(r.numWords(c, i, part))
}

func (r Run) distinct(c, i int) Key {
	from := i*r.t.stride + 2 + 2*c
	return Key{r.words[from], r.words[from+1]}
}

// Distinct is the value c that entry i is told apart by.
func (r Run) Distinct(c, i int) Key { return r.distinct(c, i) }

// SetDistinct puts another value in the place of value c of entry i.
func (r Run) SetDistinct(c, i int, k Key) { copy(r.words[i*r.t.stride+2+2*c:], k[:]) }

// one is what value c of entry i counts as where values are told apart.
func (r Run) one(c, i int) Key {
	k := r.distinct(c, i)
	if a := r.t.aliases; a != nil && !a.IsZero() && r.t.spec.Aliased>>c&1 != 0 {
		return a.Of(k)
	}
	return k
}

// A Span is the entries of one window: from the first to before the last.
type Span struct{ From, To int }

// Recent is the window that ends at time.
func (r Run) Recent(time int64) Span { return r.Between(time-r.t.spec.Within, time) }

// Between is the entries from one time to another, both included.
func (r Run) Between(from, to int64) Span { return Span{r.after(from), r.after(to + 1)} }

// Value is value c of entry i that is told apart, as it came.
func (r Run) Value(c, i int) Key { return r.distinct(c, i) }

// Num is number c of entry i.
func (r Run) Num(c, i int) decimal.Decimal { return r.num(c, i, 0) }
