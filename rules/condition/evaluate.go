package condition

import (
	"strconv"

	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// An evaluation is one of a condition. It allocates nothing.
type evaluation struct {
	values Values
	fault  *match.Fault
}

// tooLarge is a number that does not fit. It does not change.
var tooLarge = &match.Fault{Kind: match.Incalculable}

// truth decides from left to right, and only what is not decided yet.
func (e *evaluation) truth(n *node) form.Answer {
	switch n.op {
	case operators.LogicalAnd:
		return e.unless(form.Untrue, n)
	case operators.LogicalOr:
		return e.unless(form.True, n)
	case operators.LogicalNot:
		return opposite(e.truth(n.a))
	}
	return e.compare(n)
}

// unless joins two sides, either of which may decide.
func (e *evaluation) unless(decides form.Answer, n *node) form.Answer {
	a := e.truth(n.a)
	if a == decides {
		return a
	}
	if b := e.truth(n.b); b == decides || a != form.Unclear {
		return b
	}
	return form.Unclear
}

func opposite(is form.Answer) form.Answer {
	switch is {
	case form.True:
		return form.Untrue
	case form.Untrue:
		return form.True
	case form.Unclear:
	}
	return form.Unclear
}

func (e *evaluation) compare(n *node) form.Answer {
	a, sound := e.number(n.a)
	if !sound {
		return form.Unclear
	}
	b, sound := e.number(n.b)
	if !sound {
		return form.Unclear
	}
	// A part is no exact decimal; its multiple by the whole is.
	if a, sound = e.scaled(a, n.b); !sound {
		return form.Unclear
	}
	if b, sound = e.scaled(b, n.a); !sound {
		return form.Unclear
	}
	if holds(n.op, a.Cmp(b)) {
		return form.True
	}
	return form.Untrue
}

// scaled is what stands beside a side of a comparison, to be compared with its value.
func (e *evaluation) scaled(x decimal.Decimal, beside *node) (decimal.Decimal, bool) {
	if beside.kind != Part {
		return x, true
	}
	whole, sound := e.values.Value(beside.term.Whole)
	if !sound {
		return x, false
	}
	return e.fits(x.Mul(whole))
}

func holds(op string, order int) bool {
	switch op {
	case operators.Equals:
		return order == 0
	case operators.NotEquals:
		return order != 0
	case operators.Less:
		return order < 0
	case operators.LessEquals:
		return order <= 0
	case operators.Greater:
		return order > 0
	}
	return order >= 0
}

// number is what a side of a comparison is; false if it has no value.
func (e *evaluation) number(n *node) (decimal.Decimal, bool) {
	switch {
	case n.term != nil:
		return e.values.Value(n.term)
	case n.op == "":
		return n.num, true
	}
	a, sound := e.number(n.a)
	switch {
	case !sound:
		return a, false
	case n.b == nil:
		return e.fits(decimal.Decimal{}.Sub(a))
	}
	b, sound := e.number(n.b)
	if !sound {
		return b, false
	}
	switch n.op {
	case operators.Add:
		return e.fits(a.Add(b))
	case operators.Subtract:
		return e.fits(a.Sub(b))
	}
	return e.fits(a.Mul(b))
}

// fits notes that a result does not.
func (e *evaluation) fits(x decimal.Decimal, ok bool) (decimal.Decimal, bool) {
	if !ok && e.fault == nil {
		e.fault = tooLarge
	}
	return x, ok
}

// Value is the first term that has a value, for people.
func (c *Condition) Value(v Values) string {
	for _, t := range c.terms {
		n, sound := v.Value(t)
		if sound && t.Kind == Part {
			whole, there := v.Value(t.Whole)
			n, sound = rounded(n, whole), there
		}
		if sound {
			return n.String()
		}
	}
	return ""
}

// rounded is a part of a whole, both numbers of something, down to four digits.
func rounded(part, whole decimal.Decimal) decimal.Decimal {
	const digits = 4
	p, _ := part.Int()
	w, _ := whole.Int()
	if w == 0 {
		return decimal.Decimal{}
	}
	n, _ := decimal.Parse(strconv.FormatInt(p*1e4/w, 10) + "e-" + strconv.Itoa(digits))
	return n
}
