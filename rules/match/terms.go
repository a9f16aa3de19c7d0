package match

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// Terms are what a key is calculated of: fields and numbers, added and
// subtracted. So few numbers always fit, so that a sum is exact.
type Terms []Term

// A Term is a field or a number of Terms.
type Term struct {
	Field Field // the zero Field of a number
	Num   decimal.Decimal
	Minus bool
}

const maxTerms = 8

// String is the sum as one would write it.
func (s Terms) String() string {
	var b strings.Builder
	for i, t := range s {
		switch {
		case i > 0 && t.Minus:
			b.WriteString(" - ")
		case i > 0:
			b.WriteString(" + ")
		case t.Minus:
			b.WriteString("-")
		}
		if t.Field.IsZero() {
			b.WriteString(t.Num.String())
		} else {
			b.WriteString(t.Field.String())
		}
	}
	return b.String()
}

// Key reads what a key is of: a path such as data.request, or a sum such as
// data.amount - data.fee.
func (l *Language) Key(text string) (Key, *TextError) {
	e, err := l.Parse(text)
	if err != nil {
		return Key{}, err
	}
	if f, ok := FieldOf(e.root); ok {
		return Key{Field: f}, nil
	}
	if e.root.Kind() != ast.CallKind {
		return Key{}, &TextError{0, fmt.Sprintf("%s is not a field of an event: write source, subject, type, id or a path such as data.request", strictyaml.Clip(text))}
	}
	s, err := e.sum(nil, e.root, false)
	if err != nil {
		return Key{}, err
	}
	return Key{Terms: s}, e.sound(s)
}

// sum appends a part of the expression to a sum.
func (e *Expression) sum(s Terms, part ast.Expr, minus bool) (_ Terms, err *TextError) {
	if len(s) == maxTerms {
		return nil, e.Errorf(part, "a key is calculated of %d fields and numbers at most", maxTerms)
	}
	if f, ok := FieldOf(part); ok {
		if f.attribute != "data" {
			return nil, e.Errorf(part, "%s is a text: a key is calculated of numbers", f)
		}
		return append(s, Term{Field: f, Minus: minus}), nil
	}
	if part.Kind() == ast.LiteralKind {
		n, err := e.Number(part)
		return append(s, Term{Num: n, Minus: minus}), err
	}
	if part.Kind() == ast.CallKind {
		call := part.AsCall()
		switch op := call.FunctionName(); op {
		case operators.Add, operators.Subtract:
			if s, err = e.sum(s, call.Args()[0], minus); err != nil {
				return nil, err
			}
			return e.sum(s, call.Args()[1], minus != (op == operators.Subtract))
		case operators.Negate:
			return e.sum(s, call.Args()[0], !minus)
		}
	}
	return nil, e.Errorf(part, "a key is a field, or fields and numbers with + and - between them, as in data.amount - data.fee")
}

// sound refuses a sum that is the same for all events, and one whose amounts
// may be of different assets.
func (e *Expression) sound(s Terms) *TextError {
	var first Field
	for _, t := range s {
		switch {
		case t.Field.IsZero():
		case first.IsZero():
			first = t.Field
		case first.Money() && t.Field.Money() && !first.beside("asset").Equal(t.Field.beside("asset")):
			return &TextError{0, "the amounts " + first.String() + " and " + t.Field.String() + " have each an asset of their own, and may not be of the same: a key is calculated of amounts that stand in one object"}
		}
		if t.Field.Money() {
			first = t.Field
		}
	}
	if first.IsZero() {
		return &TextError{0, "this key names no field, and is the same for all events"}
	}
	return nil
}

// A compiledKey is a key in terms of slots.
type compiledKey struct {
	slot int            // of the field, if it is one
	sum  []compiledTerm // else
}

type compiledTerm struct {
	*Term
	slot int
}

func (k *Key) compile(slot func(Field) int) (c compiledKey) {
	if k.Terms == nil {
		return compiledKey{slot: slot(k.Field)}
	}
	for i := range k.Terms {
		t := compiledTerm{Term: &k.Terms[i]}
		if !t.Field.IsZero() {
			t.slot = slot(t.Field)
		}
		c.sum = append(c.sum, t)
	}
	return c
}

// appendSum appends the text of a sum to what tells events apart. Where it cannot
// be calculated, lack is the field for which, and fault says why if it is there.
func (m *Matcher) appendSum(sum []compiledTerm) (lack Field, fault *Fault) {
	var total decimal.Decimal
	for _, t := range sum {
		n := t.Num
		if !t.Field.IsZero() {
			v := &m.slots[t.slot]
			if m.none(v) {
				return t.Field, nil
			}
			var ok bool
			if n, ok = v.summand(); !ok {
				return t.Field, notNumber("", t.Field)
			}
		}
		if t.Minus {
			n = n.Neg()
		}
		total, _ = total.Add(n)
	}
	at := m.begin()
	m.end(at, total.Append(m.bytes))
	return Field{}, nil
}
