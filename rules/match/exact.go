package match

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// constant is the numeric constant with that id, exactly as it is written.
func (e *Expression) constant(id int64) (ref.Val, error) {
	var found ref.Val
	ast.PostOrderVisit(e.root, ast.NewExprVisitor(func(part ast.Expr) {
		if part.ID() == id && part.Kind() == ast.LiteralKind {
			if n, err := e.Number(part); err == nil {
				found = number{n}
			}
		}
	}))
	if found == nil {
		return types.NullValue, fmt.Errorf("no number at node %d", id)
	}
	return found, nil
}

var acceptEqual = func() *[orders]verdict { a := acceptance[operators.Equals]; return &a }()

// compareVals compares two CEL values as value.compare does two fields.
func compareVals(accept *[orders]verdict, a, b ref.Val) ref.Val {
	switch accept[orderVals(a, b)] {
	case yes:
		return types.True
	case no:
		return types.False
	default: // it cannot be said: why not?
	}
	if nested(a) && nested(b) {
		return errNested
	}
	if _, ok := a.(broken); ok {
		return errBroken
	}
	if _, ok := b.(broken); ok {
		return errBroken
	}
	return fault(Unordered, "", wordFor(a)+" and "+wordFor(b))
}

func orderVals(a, b ref.Val) order {
	_, brokenA := a.(broken)
	_, brokenB := b.(broken)
	if brokenA || brokenB || nested(a) && nested(b) {
		return unclear
	}
	if x, ok := exactly(a); ok {
		if y, ok := exactly(b); ok {
			return orderOf(x.Cmp(y))
		}
		return unequal
	}
	if a.Type() != b.Type() {
		return unequal
	}
	if c, ok := a.(traits.Comparer); ok {
		if n, ok := c.Compare(b).(types.Int); ok {
			return orderOf(int(n))
		}
	}
	if a.Equal(b) == types.True {
		return alike
	}
	return unequal
}

func nested(v ref.Val) bool {
	switch v.(type) {
	case traits.Mapper, traits.Lister:
		return true
	}
	return false
}

// exactly is a CEL number as a decimal. There is no floating point among them:
// constants were replaced and double() is refused.
func exactly(v ref.Val) (decimal.Decimal, bool) {
	switch v := v.(type) {
	case number:
		return v.Decimal, true
	case types.Int:
		return decimal.FromInt(int64(v)), true
	case types.Uint:
		return decimal.FromInt(int64(v)), v <= 1<<63-1
	}
	return decimal.Decimal{}, false
}

// calculate is a op b. Without decimals it is CEL's own.
func calculate(op string, a, b ref.Val) ref.Val {
	x, okX := exactly(a)
	y, okY := exactly(b)
	_, broken1 := a.(broken)
	_, broken2 := b.(broken)
	switch {
	case broken1 || broken2:
		return errBroken
	case !okX || !okY:
		if l, ok := a.(traits.Adder); ok && op == operators.Add && a.Type() == b.Type() {
			return l.Add(b)
		}
		return fault(Unfit, signs[op], wordFor(a)+" and "+wordFor(b))
	case a.Type() == types.IntType && b.Type() == types.IntType:
		return calculateInt(op, a.(types.Int), b.(types.Int))
	}
	var out decimal.Decimal
	ok := false
	switch op {
	case operators.Add:
		out, ok = x.Add(y)
	case operators.Subtract:
		out, ok = x.Sub(y)
	case operators.Multiply:
		out, ok = x.Mul(y)
	}
	if !ok {
		return fault(Overflow, signs[op], "")
	}
	return number{out}
}

var signs = map[string]string{operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*", operators.Negate: "-"}

// calculateInt keeps whole numbers whole, so that they can be an index.
func calculateInt(op string, a, b types.Int) (out ref.Val) {
	switch op {
	case operators.Add:
		out = a.Add(b)
	case operators.Subtract:
		out = a.Subtract(b)
	default:
		out = a.Multiply(b)
	}
	return bounded(op, out)
}

// bounded says of whole numbers that only their size can go wrong.
func bounded(op string, out ref.Val) ref.Val {
	if types.IsError(out) {
		return fault(Overflow, signs[op], "")
	}
	return out
}

func negate(args []ref.Val) ref.Val {
	switch v := args[0].(type) {
	case number:
		return number{v.Neg()}
	case traits.Negater:
		return bounded(operators.Negate, v.Negate())
	}
	return unfit("-", args[0])
}
