package match

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A literal is a constant in an expression.
type literal struct {
	kind kind
	text string
	num  decimal.Decimal
}

// literal is the constant that part is; false if it is none that can stand
// beside a field.
func (e *Expression) literal(part ast.Expr) (literal, bool) {
	if part.Kind() != ast.LiteralKind {
		return literal{}, false
	}
	switch v := part.AsLiteral().(type) {
	case types.String:
		return literal{kind: isText, text: string(v)}, true
	case types.Bool:
		if v {
			return literal{kind: isTrue}, true
		}
		return literal{kind: isFalse}, true
	case types.Null:
		return literal{kind: isNullValue}, true
	}
	n, err := e.Number(part)
	return literal{kind: isNumber, num: n}, err == nil
}

// Number is a numeric constant exactly as it is written.
func (e *Expression) Number(part ast.Expr) (decimal.Decimal, *TextError) {
	if part.Kind() == ast.LiteralKind {
		switch v := part.AsLiteral().(type) {
		case types.Int:
			return decimal.FromInt(int64(v)), nil
		case types.Uint:
			if v <= 1<<63-1 {
				return decimal.FromInt(int64(v)), nil
			}
		case types.Double:
			d, err := decimal.Parse(e.numeral(part))
			if err != nil {
				return d, e.Errorf(part, "this number has %v", err)
			}
			return d, nil
		}
	}
	return decimal.Decimal{}, e.Errorf(part, "this is not a number")
}

// numeral is the text of a number, made to begin with a digit.
func (e *Expression) numeral(part ast.Expr) string {
	from := max(0, min(e.place(part), len(e.text)))
	to := from
	if to < len(e.text) && e.text[to] == '-' {
		to++
	}
	for ; to < len(e.text); to++ {
		c := e.text[to]
		exponent := to > from && e.text[to-1]|0x20 == 'e'
		if c != '.' && c|0x20 != 'e' && (c < '0' || c > '9') && !(exponent && (c == '+' || c == '-')) {
			break
		}
	}
	text := string(e.text[from:to])
	switch {
	case len(text) > 0 && text[0] == '.':
		return "0" + text
	case len(text) > 1 && text[:2] == "-.":
		return "-0" + text[1:]
	}
	for len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' {
		text = text[1:]
	}
	return text
}

// pins tells whether the condition can only be true of events with one value
// of the field, or of events without it.
func (e *Expression) pins(f Field) bool {
	_, yes := e.pinned(f)
	return yes
}

// PinsAlike tells whether the condition can only be true of events with one value of
// both fields, or of those without either.
func (e *Expression) PinsAlike(f, g Field) bool {
	if e == nil {
		return false
	}
	a, some := e.pinned(f)
	b, others := e.pinned(g)
	return some && others && a == b
}

// pinned is the value of the field, empty if it is not there, of all events of which the
// condition can be true; false if that is not one.
func (e *Expression) pinned(f Field) (value string, yes bool) {
	for _, part := range conjuncts(e.root) {
		if part.Kind() != ast.CallKind {
			continue
		}
		call := part.AsCall()
		switch call.FunctionName() {
		case operators.LogicalNot:
			if g, ok := presence(call.Args()[0]); ok && g.key() == f.key() {
				return "", true
			}
		case operators.Equals:
			if g, values, ok := e.equality(part); ok && g.key() == f.key() && len(values) == 1 {
				return values[0], true
			}
		}
	}
	return "", false
}

// conjuncts are the parts that must all be true for the whole to be.
func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.LogicalAnd {
		return []ast.Expr{e}
	}
	var out []ast.Expr
	for _, part := range e.AsCall().Args() {
		out = append(out, conjuncts(part)...)
	}
	return out
}

// presence is the field of has(field).
func presence(e ast.Expr) (Field, bool) {
	if e.Kind() != ast.SelectKind || !e.AsSelect().IsTestOnly() {
		return Field{}, false
	}
	f, ok := FieldOf(e.AsSelect().Operand())
	if !ok && e.AsSelect().Operand().Kind() == ast.IdentKind && e.AsSelect().Operand().AsIdent() == "data" {
		f, ok = Field{attribute: "data"}, true
	}
	if !ok || f.attribute != "data" {
		return Field{}, false
	}
	f.path = append(f.path, e.AsSelect().FieldName())
	return f, true
}

// equality is a field and the texts of which it must be one: field == "text"
// or field in ["text", …].
func (e *Expression) equality(part ast.Expr) (f Field, values []string, ok bool) {
	if part.Kind() != ast.CallKind || len(part.AsCall().Args()) != 2 {
		return f, nil, false
	}
	a, b := part.AsCall().Args()[0], part.AsCall().Args()[1]
	var list []ast.Expr
	switch part.AsCall().FunctionName() {
	case operators.Equals:
		if a.Kind() == ast.LiteralKind {
			a, b = b, a
		}
		list = []ast.Expr{b}
	case operators.In:
		if b.Kind() != ast.ListKind {
			return f, nil, false
		}
		list = b.AsList().Elements()
	default:
		return f, nil, false
	}
	if f, ok = FieldOf(a); !ok || f.Money() {
		return f, nil, false
	}
	for _, item := range list {
		l, ok := e.literal(item)
		if !ok || l.kind != isText {
			return f, nil, false
		}
		values = append(values, l.text)
	}
	return f, values, true
}
