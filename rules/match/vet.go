package match

import (
	"regexp/syntax"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// MaxPattern bounds the instructions of a compiled regular expression.
const MaxPattern = 1000

// functions that conditions may use, beside those of the operators below.
var functions = []string{
	operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
	operators.Add, operators.Subtract, operators.Multiply, operators.Negate, operators.Index,
	operators.NotStrictlyFalse, "size", "startsWith", "endsWith", "contains", "string", "int",
}

var comparisons = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
	operators.Greater, operators.GreaterEquals, operators.In,
}

// vet refuses what is not exact, not the same everywhere or not bounded.
func (e *Expression) vet() (first *TextError) {
	ast.PostOrderVisit(e.root, ast.NewExprVisitor(func(part ast.Expr) {
		if first != nil {
			return
		}
		switch part.Kind() {
		case ast.CallKind:
			first = e.vetCall(part)
		case ast.MapKind, ast.StructKind:
			first = e.Errorf(part, "not in this version: {…} in a condition")
		case ast.LiteralKind:
			if _, ok := part.AsLiteral().(types.Bytes); ok {
				first = e.Errorf(part, "not in this version: bytes in a condition")
			} else if _, ok := part.AsLiteral().(types.Double); ok {
				_, first = e.Number(part)
			}
		default: // fields, lists and macros have parts of their own
		}
	}))
	return first
}

func (e *Expression) vetCall(part ast.Expr) *TextError {
	call := part.AsCall()
	name := call.FunctionName()
	switch {
	case slices.Contains(comparisons, name):
		return e.vetComparison(part)
	case name == "matches":
		return e.vetPattern(part)
	case name == operators.Divide, name == operators.Modulo:
		return e.Errorf(part, "not in this version: division, which is not exact; multiply the other side instead")
	case !slices.Contains(functions, name):
		return e.Errorf(part, "not in this version: %s() in a condition", name)
	}
	return nil
}

// vetComparison refuses comparisons that could only ever be wrong.
func (e *Expression) vetComparison(part ast.Expr) *TextError {
	if part.AsCall().FunctionName() != operators.In {
		for _, side := range part.AsCall().Args() {
			if side.Kind() == ast.ListKind {
				return e.Errorf(side, "not in this version: comparing lists; write `in` to look for one of several values")
			}
		}
	}
	return e.vetMoney(part, Field.Money)
}

// VetMoney refuses to compare fields that are declared to be money with texts.
func (e *Expression) VetMoney(declared []Field) (first *TextError) {
	if e == nil {
		return nil
	}
	money := func(f Field) bool { return slices.ContainsFunc(declared, f.Equal) }
	ast.PostOrderVisit(e.root, ast.NewExprVisitor(func(part ast.Expr) {
		if first == nil && part.Kind() == ast.CallKind && slices.Contains(comparisons, part.AsCall().FunctionName()) {
			first = e.vetMoney(part, money)
		}
	}))
	return first
}

// vetMoney refuses to compare money with a text.
func (e *Expression) vetMoney(comparison ast.Expr, money func(Field) bool) *TextError {
	a, b := comparison.AsCall().Args()[0], comparison.AsCall().Args()[1]
	for _, side := range [2][2]ast.Expr{{a, b}, {b, a}} {
		f, ok := FieldOf(side[0])
		if !ok || !money(f) {
			continue
		}
		others := []ast.Expr{side[1]}
		if side[1].Kind() == ast.ListKind {
			others = side[1].AsList().Elements()
		}
		for _, other := range others {
			if other.Kind() != ast.LiteralKind {
				continue
			}
			if s, ok := other.AsLiteral().(types.String); ok {
				return e.Errorf(other, "%s is money: compare it with a number, without quotes, not with the text %s", f, strictyaml.Clip(string(s)))
			}
		}
	}
	return nil
}

// vetPattern bounds what a regular expression can cost.
func (e *Expression) vetPattern(part ast.Expr) *TextError {
	args := part.AsCall().Args()
	pattern := args[len(args)-1]
	text, ok := types.String(""), false
	if pattern.Kind() == ast.LiteralKind {
		text, ok = pattern.AsLiteral().(types.String)
	}
	if !ok {
		return e.Errorf(part, "the regular expression of matches() must be a text in quotes, not computed")
	}
	switch size, err := PatternSize(string(text)); {
	case err != nil:
		return e.Errorf(pattern, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case size > MaxPattern:
		return e.Errorf(pattern, "the regular expression is too large: it may compile to %d instructions", MaxPattern)
	}
	return nil
}

// PatternSize is about the number of instructions of a compiled regular
// expression.
func PatternSize(text string) (int, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	if n := written(tree); n > 8*MaxPattern {
		return n, nil // too much even to find out
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, err
	}
	return len(prog.Inst), nil
}

// written is about how long a regular expression is without {n}.
func written(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += written(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return n
}
