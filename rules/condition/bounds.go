package condition

import (
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Range is between which numbers a term lies; nil where nothing is known.
type Range struct{ Least, Most *decimal.Decimal }

// A Fixed is a comparison that is the same whatever happens.
type Fixed struct {
	At     int // the character of the number it is compared with, else of the comparison
	Always bool
	Term   *Term // the first in it
}

// Fixed are the comparisons that can never be true, or never untrue, where terms lie
// in ranges.
func (c *Condition) Fixed(of func(*Term) Range) (all []Fixed) {
	return c.root.fixed(of, nil)
}

func (n *node) fixed(of func(*Term) Range, all []Fixed) []Fixed {
	if n.joins() {
		all = n.a.fixed(of, all)
		if n.b != nil {
			all = n.b.fixed(of, all)
		}
		return all
	}
	a, b := n.a.within(of), n.b.within(of)
	f := Fixed{At: n.at, Term: n.first()}
	for _, side := range []*node{n.b, n.a} {
		if side.number() {
			f.At = side.at
		}
	}
	switch {
	case !possible(n.op, a, b):
	case !possible(negated[n.op], a, b):
		f.Always = true
	default:
		return all
	}
	return append(all, f)
}

func (n *node) joins() bool {
	return n.op == operators.LogicalAnd || n.op == operators.LogicalOr || n.op == operators.LogicalNot
}

// number tells whether it is one as it is written.
func (n *node) number() bool { return n.op == "" && n.term == nil }

// first is the first term in it; nil if there is none.
func (n *node) first() *Term {
	if n.a == nil {
		return n.term
	}
	if t := n.a.first(); t != nil || n.b == nil {
		return t
	}
	return n.b.first()
}

var negated = map[string]string{
	operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
	operators.Less: operators.GreaterEquals, operators.GreaterEquals: operators.Less,
	operators.Greater: operators.LessEquals, operators.LessEquals: operators.Greater,
}

// possible tells whether any numbers of two ranges compare so.
func possible(op string, a, b Range) bool {
	above := func(x, y *decimal.Decimal, least int) bool { return x != nil && y != nil && x.Cmp(*y) >= least }
	excluded := [...]bool{
		above(a.Least, b.Most, 0),
		above(a.Least, b.Most, 1) || above(b.Least, a.Most, 1),
		above(b.Least, a.Most, 0),
	}
	for i, not := range excluded {
		if !not && holds(op, i-1) {
			return true
		}
	}
	return false
}

// within is the range of a side of a comparison.
func (n *node) within(of func(*Term) Range) Range {
	switch {
	case n.term != nil:
		return of(n.term)
	case n.op == "":
		return Range{&n.num, &n.num}
	}
	a := n.a.within(of)
	switch n.op {
	case operators.Negate:
		return a.times(decimal.FromInt(-1))
	case operators.Add:
		return a.plus(n.b.within(of))
	case operators.Subtract:
		return a.plus(n.b.within(of).times(decimal.FromInt(-1)))
	}
	switch b := n.b.within(of); {
	case n.a.plain() && a.Least != nil:
		return b.times(*a.Least)
	case n.b.plain() && b.Least != nil:
		return a.times(*b.Least)
	}
	return Range{}
}

func (r Range) plus(o Range) Range {
	end := func(x, y *decimal.Decimal) *decimal.Decimal {
		if x == nil || y == nil {
			return nil
		}
		return known(x.Add(*y))
	}
	return Range{end(r.Least, o.Least), end(r.Most, o.Most)}
}

func (r Range) times(by decimal.Decimal) Range {
	end := func(x *decimal.Decimal) *decimal.Decimal {
		if x == nil {
			return nil
		}
		return known(x.Mul(by))
	}
	if by.Sign() < 0 {
		return Range{end(r.Most), end(r.Least)}
	}
	return Range{end(r.Least), end(r.Most)}
}

func known(x decimal.Decimal, ok bool) *decimal.Decimal {
	if !ok {
		return nil
	}
	return &x
}

// Keeps tells whether what is true once stays so, whatever else comes.
func (c *Condition) Keeps() bool { return c.root.keeps(true) }

// keeps tells whether it stays true, or untrue.
func (n *node) keeps(is bool) bool {
	switch {
	case n.op == operators.LogicalNot:
		return n.a.keeps(!is)
	case n.joins():
		return n.a.keeps(is) && n.b.keeps(is)
	}
	op := n.op
	if !is {
		op = negated[op]
	}
	up, down := n.a.trend(), n.b.trend()
	switch op {
	case operators.Greater, operators.GreaterEquals:
	case operators.Less, operators.LessEquals:
		up, down = down, up
	default:
		return up == Steady && down == Steady
	}
	return (up == Grows || up == Steady) && (down == Shrink || down == Steady)
}

func (n *node) trend() Trend {
	switch {
	case n.term != nil:
		return n.term.Trend
	case n.op == "":
		return Steady
	}
	a := n.a.trend()
	switch n.op {
	case operators.Negate:
		return a.opposite()
	case operators.Add:
		return a.and(n.b.trend())
	case operators.Subtract:
		return a.and(n.b.trend().opposite())
	}
	return n.scaledTrend()
}

// scaledTrend is that of a product, known where one side is a number as it is written.
func (n *node) scaledTrend() Trend {
	by, of := n.a, n.b
	if n.b.number() {
		by, of = n.b, n.a
	}
	switch {
	case !by.number() || by.num.Sign() == 0:
		return Anyhow
	case by.num.Sign() < 0:
		return of.trend().opposite()
	}
	return of.trend()
}

func (t Trend) opposite() Trend {
	switch t {
	case Grows:
		return Shrink
	case Shrink:
		return Grows
	case Anyhow, Steady:
	}
	return t
}

// and is the trend of a sum.
func (t Trend) and(o Trend) Trend {
	switch {
	case t == Steady || t == o:
		return o
	case o == Steady:
		return t
	}
	return Anyhow
}
