package match

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tomeishi/tomeishi/agent/spelling"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A List is values that a condition looks for a field among: `data.address in
// lists.NAME`. A text is among them in its one spelling, a number by its value.
// To look takes as long however many there are.
type List struct {
	texts   map[string]struct{}
	numbers map[decimal.Decimal]struct{}
	digest  string // once it was asked for
}

// MaxListed bounds a value of a list, in bytes.
const MaxListed = maxText

// Add adds a value.
func (l *List) Add(value string) {
	if l.texts == nil {
		l.texts, l.numbers = map[string]struct{}{}, map[decimal.Decimal]struct{}{}
	}
	l.digest = ""
	l.texts[string(spelling.Append(nil, []byte(value)))] = struct{}{}
	if n, err := decimal.Parse(value); err == nil {
		l.numbers[n] = struct{}{}
	}
}

// Len is how many different values there are.
func (l *List) Len() int { return len(l.texts) }

// Digest is the same for lists of the same values. All rules that look into a list
// ask for it, and it is computed once.
func (l *List) Digest() string {
	if l.digest != "" {
		return l.digest
	}
	h := sha256.New()
	var size [4]byte
	for _, text := range slices.Sorted(maps.Keys(l.texts)) {
		binary.BigEndian.PutUint32(size[:], uint32(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	l.digest = string(h.Sum(nil))
	return l.digest
}

func (l *List) hasText(text []byte) bool {
	if len(text) > MaxListed {
		return false
	}
	var room [128]byte
	_, ok := l.texts[string(spelling.Append(room[:0], text))]
	return ok
}

func (l *List) hasNumber(n decimal.Decimal) bool {
	_, ok := l.numbers[n]
	return ok
}

// test looks for the field of a slot.
func (l *List) test(slot int) test {
	return func(s []value) verdict {
		switch v := &s[slot]; {
		case v.kind == isMissing:
			return lacks
		case v.kind == isText:
			return verdictOf(l.hasText(v.text))
		case v.broken():
			return faulty
		case v.kind == isNumber:
			return verdictOf(l.hasNumber(v.num))
		}
		return no
	}
}

const listsName = "lists"

// listOf is the name in lists.NAME.
func listOf(part ast.Expr) (name string, ok bool) {
	if part.Kind() != ast.SelectKind || part.AsSelect().IsTestOnly() {
		return "", false
	}
	of := part.AsSelect().Operand()
	return part.AsSelect().FieldName(), of.Kind() == ast.IdentKind && of.AsIdent() == listsName
}

// findLists finds the lists that a part of the condition names.
func (e *Expression) findLists(part ast.Expr, find func(string) (*List, string)) *TextError {
	inner := parts(part)
	switch part.Kind() {
	case ast.IdentKind:
		if part.AsIdent() == listsName {
			return e.Errorf(part, "a list stands on the right of `in`, as in data.address in lists.NAME")
		}
	case ast.ComprehensionKind:
		if c := part.AsComprehension(); c.IterVar() == listsName || c.IterVar2() == listsName {
			inner = []ast.Expr{c.IterRange()} // below, the name means something else
		}
	case ast.CallKind:
		call := part.AsCall()
		if call.FunctionName() != operators.In {
			break
		}
		name, ok := listOf(call.Args()[1])
		if !ok {
			break
		}
		l, wrong := find(name)
		if wrong != "" {
			return e.Errorf(call.Args()[1], "%s", wrong)
		}
		if e.lists == nil {
			e.lists = map[string]*List{}
		}
		e.lists[name] = l
		inner = call.Args()[:1]
	default: // what has parts, or none
	}
	for _, p := range inner {
		if err := e.findLists(p, find); err != nil {
			return err
		}
	}
	return nil
}

// Lists are those that the condition names, in the order of their names.
func (e *Expression) Lists() (names []string, lists []*List) {
	if e == nil {
		return nil, nil
	}
	names = slices.Sorted(maps.Keys(e.lists))
	for _, name := range names {
		lists = append(lists, e.lists[name])
	}
	return names, lists
}

// Never tells whether it is true of no event, because an event would have to be in a
// list that is empty.
func (e *Expression) Never() bool {
	return e != nil && slices.ContainsFunc(conjuncts(e.root), func(part ast.Expr) bool {
		if part.Kind() != ast.CallKind || part.AsCall().FunctionName() != operators.In {
			return false
		}
		name, ok := listOf(part.AsCall().Args()[1])
		return ok && e.lists[name].Len() == 0
	})
}

// listValues is what `lists` is to the interpreter.
func (e *Expression) listValues() *object {
	o := &object{fields: map[string]ref.Val{}}
	for name, l := range e.lists {
		o.fields[name] = listValue{l}
	}
	return o
}

// A listValue is a list in CEL's terms, in which one only looks.
type listValue struct{ *List }

func (l listValue) contains(v ref.Val) ref.Val {
	if s, ok := v.(types.String); ok {
		return types.Bool(l.hasText([]byte(s)))
	}
	n, ok := exactly(v)
	return types.Bool(ok && l.hasNumber(n))
}

// Equal implements ref.Val.
func (l listValue) Equal(ref.Val) ref.Val { return errNested }

// Type implements ref.Val.
func (l listValue) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (l listValue) Value() any { return l.List }

// ConvertToType implements ref.Val.
func (l listValue) ConvertToType(t ref.Type) ref.Val { return noConversion(l, t) }

// ConvertToNative implements ref.Val.
func (l listValue) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }
