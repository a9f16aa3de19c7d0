package window

import "github.com/tomeishi/tomeishi/rules/decimal"

// A Pick is those entries of a span that had arrived with an event, and with Fresh
// none that was accepted. It looks at each of them whatever it is asked.
type Pick struct {
	Run   Run
	Span  Span
	AsOf  Ref
	Fresh bool
}

// each calls see with the entries.
func (p *Pick) each(see func(i int)) {
	for i := p.Span.From; i < p.Span.To; i++ {
		if p.Run.Ref(i) <= p.AsOf && !(p.Fresh && p.Run.Accepted(i)) {
			see(i)
		}
	}
}

// Count is the number of entries.
func (p *Pick) Count() (n int64) {
	p.each(func(int) { n++ })
	return n
}

// Sum adds number c.
func (p *Pick) Sum(c int) (sum decimal.Decimal) {
	p.each(func(i int) { sum, _ = sum.Add(p.Run.Number(c, i)) })
	return sum
}

// Min is the smallest number c of at least one entry.
func (p *Pick) Min(c int) decimal.Decimal { return p.extreme(c, -1) }

// Max is the largest number c of at least one entry.
func (p *Pick) Max(c int) decimal.Decimal { return p.extreme(c, 1) }

func (p *Pick) extreme(c, sign int) (best decimal.Decimal) {
	first := true
	p.each(func(i int) {
		if v := p.Run.Number(c, i); first || sign*v.Cmp(best) > 0 {
			first, best = false, v
		}
	})
	return best
}

// Distinct counts the different values c.
func (p *Pick) Distinct(c int) int64 {
	seen := map[Key]bool{}
	p.each(func(i int) { seen[p.Run.one(c, i)] = true })
	return int64(len(seen))
}

// Same tells whether there are no two different values c.
func (p *Pick) Same(c int) bool { return p.Distinct(c) <= 1 }

// Any is the value c of one of the entries; false if there are none.
func (p *Pick) Any(c int) (k Key, some bool) {
	p.each(func(i int) { k, some = p.Run.distinct(c, i), true })
	return k, some
}
