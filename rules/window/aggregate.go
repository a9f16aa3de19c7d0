package window

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// sum adds number c over the span.
func (r Run) sum(c int, s Span) decimal.Decimal {
	if s.From >= s.To {
		return decimal.Decimal{}
	}
	// Before the span, even if no longer kept.
	base, _ := r.num(c, s.From, 1).Sub(r.num(c, s.From, 0))
	sum, _ := r.num(c, s.To-1, 1).Sub(base)
	return sum
}

// extreme is the smallest number c in the span, or with sign 1 the largest.
func (r Run) extreme(c, sign int, s Span) decimal.Decimal {
	best := r.num(c, s.From, 0)
	for i := s.From + 1; i < s.To; i++ {
		if v := r.num(c, i, 0); sign*v.Cmp(best) > 0 {
			best = v
		}
	}
	return best
}

// same tells whether the span holds no two different values c.
func (r Run) same(c int, s Span) bool {
	for i := s.From + 1; i < s.To; i++ {
		if r.distinct(c, i) != r.distinct(c, s.From) {
			return false
		}
	}
	return true
}

// distinctIn counts the different values c in the span.
func (r Run) distinctIn(c int, s Span) int64 {
	n := s.To - s.From
	if n <= 1 {
		return int64(n)
	}
	if n > 32 {
		return r.distinctMany(c, s)
	}
	var seen [32]Key
	found := seen[:0]
	for i := s.From; i < s.To; i++ {
		if k := r.one(c, i); !slices.Contains(found, k) {
			found = append(found, k)
		}
	}
	return int64(len(found))
}

func (r Run) distinctMany(c int, s Span) (n int64) {
	set := &r.t.scratch
	set.reset(s.To - s.From)
	for i := s.From; i < s.To; i++ {
		if set.add(r.one(c, i)) {
			n++
		}
	}
	return n
}

// keySet is room for counting different keys; it is emptied by counting on.
type keySet struct {
	slots []struct {
		key   Key
		round uint32
	}
	round uint32
}

func (s *keySet) reset(n int) {
	s.round++
	if len(s.slots) >= 2*n && s.round != 0 {
		return
	}
	size := max(64, len(s.slots))
	for size < 2*n {
		size *= 2
	}
	s.slots = make([]struct {
		key   Key
		round uint32
	}, size)
	s.round = 1
}

func (s *keySet) add(k Key) bool {
	mask := len(s.slots) - 1
	for i := int(k[0]) & mask; ; i = (i + 1) & mask {
		slot := &s.slots[i]
		if slot.round != s.round {
			slot.key, slot.round = k, s.round
			return true
		}
		if slot.key == k {
			return false
		}
	}
}
