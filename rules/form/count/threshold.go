package count

import (
	"strconv"

	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/match"
)

// number is the aggregate that needs no value: how many events there are.
const number = match.Aggregate("count")

const maxValues = 8

// aggregates are those of one window: for each of a rule's values but those of
// Same, in their order, one added by addDistinct or addNum.
type aggregates struct {
	count         int64
	distinct      [maxValues]int64
	nums          [maxValues]decimal.Decimal
	nDistinct, nn int
}

// reset begins the aggregates of a window with so many events.
func (a *aggregates) reset(count int64) { a.count, a.nDistinct, a.nn = count, 0, 0 }

// addDistinct adds the number of different values.
func (a *aggregates) addDistinct(n int64) {
	a.distinct[a.nDistinct] = n
	a.nDistinct++
}

// addNum adds a sum, a minimum or a maximum.
func (a *aggregates) addNum(d decimal.Decimal) {
	a.nums[a.nn] = d
	a.nn++
}

// A when is the threshold of a rule: comparisons of aggregates.
type when struct {
	text  string // as written, vars put in
	root  *threshold
	value term // the first aggregate
}

// true tells whether the window is enough to fire.
func (w *when) true(a *aggregates) bool { return w.root.true(a) }

// first is the first aggregate of the threshold, as text.
func (w *when) first(a *aggregates) string {
	if w.value.kind == number || w.value.kind == match.Distinct {
		return strconv.FormatInt(w.value.whole(a), 10)
	}
	return w.value.of(a).String()
}

// A threshold is a comparison, or several joined by && or ||, or one negated.
type threshold struct {
	op    string // an operator of CEL
	parts []*threshold
	a, b  term
}

// A term is an aggregate or a number. col is its place among those of its kind
// in Aggs.
type term struct {
	kind match.Aggregate // empty for a number
	col  int
	num  decimal.Decimal
	what []string // the fields, for people
	at   int      // the character of a number in the text
}

func (t *term) whole(a *aggregates) int64 {
	if t.kind == number {
		return a.count
	}
	return a.distinct[t.col]
}

func (t *term) of(a *aggregates) decimal.Decimal {
	switch t.kind {
	case "":
		return t.num
	case number, match.Distinct:
		return decimal.FromInt(t.whole(a))
	default:
		return a.nums[t.col]
	}
}

func (t *threshold) true(a *aggregates) bool {
	switch t.op {
	case operators.LogicalAnd:
		return t.parts[0].true(a) && t.parts[1].true(a)
	case operators.LogicalOr:
		return t.parts[0].true(a) || t.parts[1].true(a)
	case operators.LogicalNot:
		return !t.parts[0].true(a)
	}
	c := t.a.of(a).Cmp(t.b.of(a))
	switch t.op {
	case operators.Equals:
		return c == 0
	case operators.NotEquals:
		return c != 0
	case operators.Less:
		return c < 0
	case operators.LessEquals:
		return c <= 0
	case operators.Greater:
		return c > 0
	}
	return c >= 0
}

// unreachable is a number that no window comes to which counts so many events
// at most; nil if there is none.
func (t *threshold) unreachable(bound int) *term {
	for _, part := range t.parts {
		if n := part.unreachable(bound); n != nil {
			return n
		}
	}
	counted, n, op := &t.a, &t.b, t.op
	if counted.kind == "" {
		counted, n, op = n, counted, swapped[op]
	}
	if t.parts != nil || n.kind != "" || counted.kind != number && counted.kind != match.Distinct {
		return nil
	}
	c := n.num.Cmp(decimal.FromInt(int64(bound)))
	if c > 0 && (op == operators.GreaterEquals || op == operators.Equals) || c >= 0 && op == operators.Greater {
		return n
	}
	return nil
}
