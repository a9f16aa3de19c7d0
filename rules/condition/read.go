package condition

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/rules/match"
)

// maxCalculations bounds what is calculated for one window, of which a late event
// may ask many thousands.
const maxCalculations = 64

// Read reads a condition.
func Read(l *match.Language, text string, by Reader) (*Condition, *match.TextError) {
	e, err := l.Parse(text)
	if err != nil {
		return nil, err
	}
	r := reading{Expression: e, by: by, c: Condition{text: e.String()}}
	if r.c.root, err = r.truth(e.Root()); err != nil {
		return nil, err
	}
	return &r.c, nil
}

type reading struct {
	*match.Expression
	c            Condition
	by           Reader
	calculations int
}

var (
	comparing   = []string{operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}
	joining     = []string{operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot}
	calculating = []string{operators.Add, operators.Subtract, operators.Multiply, operators.Negate}
)

// truth reads what is true or not.
func (r *reading) truth(part ast.Expr) (*node, *match.TextError) {
	if part.Kind() != ast.CallKind {
		return nil, r.Errorf(part, "`when` compares %s, as in `%s`", r.by.What, r.by.Example)
	}
	call := part.AsCall()
	switch n := (&node{op: call.FunctionName(), at: r.Offset(part)}); {
	case slices.Contains(joining, n.op):
		return n, r.sides(n, call.Args(), r.truth)
	case slices.Contains(comparing, n.op):
		if err := r.sides(n, call.Args(), r.number); err != nil {
			return nil, err
		}
		return n, r.compared(n, part)
	}
	if _, err := r.number(part); err != nil {
		return nil, err
	}
	return nil, r.Errorf(part, "`when` must compare this with something, as in `%s >= 3`", strings.TrimSpace(r.String()))
}

// sides reads what an operator takes.
func (r *reading) sides(n *node, args []ast.Expr, read func(ast.Expr) (*node, *match.TextError)) (err *match.TextError) {
	if n.a, err = read(args[0]); err == nil && len(args) > 1 {
		n.b, err = read(args[1])
	}
	return err
}

// number reads what has a value.
func (r *reading) number(part ast.Expr) (*node, *match.TextError) {
	switch part.Kind() {
	case ast.LiteralKind:
		num, err := r.Number(part)
		return &node{num: num, kind: constant, at: r.Offset(part)}, err
	case ast.CallKind:
		return r.call(part)
	default:
		return r.term(part)
	}
}

func (r *reading) call(part ast.Expr) (*node, *match.TextError) {
	n := &node{op: part.AsCall().FunctionName(), at: r.Offset(part)}
	switch {
	case slices.Contains(calculating, n.op):
		if r.calculations++; r.calculations > maxCalculations {
			return nil, r.Errorf(part, "`when` calculates %d times at most", maxCalculations)
		}
		if err := r.sides(n, part.AsCall().Args(), r.number); err != nil {
			return nil, err
		}
		return n, r.calculated(n, part)
	case slices.Contains(comparing, n.op), slices.Contains(joining, n.op):
		return nil, r.Errorf(part, "this is true or false and no number; join comparisons with &&, || and !")
	case n.op == operators.Divide:
		return nil, r.Errorf(part, "`when` does not divide, because the result might have to be rounded: multiply the other side, as in `a > 3 * b` for `a / b > 3`")
	case n.op != operators.Index && !match.IsIdent(n.op):
		return nil, r.Errorf(part, "`when` compares numbers, calculates with +, - and *, and joins with &&, || and !; nothing else")
	}
	return r.term(part)
}

func (r *reading) term(part ast.Expr) (*node, *match.TextError) {
	t, err := r.by.Term(r.Expression, part)
	if err != nil {
		return nil, err
	}
	r.c.terms = append(r.c.terms, &t)
	n := &node{term: &t, kind: t.Kind, at: r.Offset(part)}
	if t.Kind == Money {
		n.money = &t
	}
	return n, nil
}

// calculated decides what a calculation results in.
func (r *reading) calculated(n *node, part ast.Expr) *match.TextError {
	a, b := n.a, n.b
	if b == nil {
		b = &node{kind: constant}
	}
	switch {
	case a.kind == Part || b.kind == Part:
		return r.alone(part)
	case n.op != operators.Multiply:
		r.meet(a, b)
		n.kind = a.kind
		if a.kind == constant || b.kind == Money {
			n.kind = b.kind
		}
	case a.kind == Money && b.kind == Money:
		return r.Errorf(part, "two amounts cannot be multiplied: an amount may be multiplied by a number, as in `3 * sum(data.amount)`")
	case a.kind == Money || b.kind == Money:
		n.kind = Money
	case a.kind == constant || b.kind == constant:
		n.kind = constant // so many of it may be anything
	default:
		n.kind = Measured
	}
	if n.money = a.money; n.money == nil {
		n.money = b.money
	}
	return nil
}

// compared decides whether a comparison says anything.
func (r *reading) compared(n *node, part ast.Expr) *match.TextError {
	if n.a.plain() && n.b.plain() {
		return r.Errorf(part, "this compares two numbers, and is the same whatever happens")
	}
	if n.a.kind == Part && n.b.kind == Part {
		return r.alone(part)
	}
	r.meet(n.a, n.b)
	return nil
}

// plain tells whether there is no term in it.
func (n *node) plain() bool {
	return n.term == nil && (n.a == nil || n.a.plain()) && (n.b == nil || n.b.plain())
}

func (r *reading) alone(part ast.Expr) *match.TextError {
	return r.Errorf(part, "a part of a whole stands alone on one side of a comparison, as in `share() > 0.6`")
}

// meet notes that two sides are added or compared.
func (r *reading) meet(a, b *node) {
	switch other := b.kind; {
	case a.money != nil && b.money != nil:
		r.c.meets = append(r.c.meets, [2]*Term{a.money, b.money})
		return
	case b.kind == Money:
		a, other = b, a.kind
		fallthrough
	case a.kind == Money:
		if other == Counted || other == Part {
			r.c.odd = append(r.c.odd, fmt.Sprintf("%s is an amount of money, and stands beside what is none: compare it with an amount, as in `sum(data.amount) > 10 * count()` for ten each", a.money.Words))
		}
	}
}
