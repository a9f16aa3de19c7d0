package match

import (
	"cmp"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// A verdict is what a condition says of an event.
type verdict uint8

const (
	no verdict = iota
	yes
	lacks  // a field that it needs is not there
	faulty // it cannot be said: a text beside a number, a number that is none
)

// A test is a condition that reads only slots. Its words for && and || are
// CEL's: what one side decides, the other cannot spoil; else the first trouble
// is the result.
type test func(slots []value) verdict

// slots compiles the condition to a test, if it keeps to comparisons of fields
// and literals. slotOf gives the slot of a field.
func (e *Expression) slots(slotOf func(Field) int) (test, bool) {
	c := compiler{e, slotOf}
	return c.compile(e.root)
}

type compiler struct {
	*Expression
	slotOf func(Field) int
}

func (c compiler) compile(part ast.Expr) (test, bool) {
	if l, ok := c.literal(part); ok && (l.kind == isTrue || l.kind == isFalse) {
		v := verdictOf(l.kind == isTrue)
		return func([]value) verdict { return v }, true
	}
	if f, ok := presence(part); ok {
		return c.has(f), true
	}
	if f, ok := FieldOf(part); ok {
		return truth(c.slotOf(f)), true
	}
	if part.Kind() != ast.CallKind {
		return nil, false
	}
	args := part.AsCall().Args()
	switch part.AsCall().FunctionName() {
	case operators.LogicalAnd:
		return c.join(args, no)
	case operators.LogicalOr:
		return c.join(args, yes)
	case operators.LogicalNot:
		return c.not(args[0])
	case operators.In:
		return c.oneOf(args[0], args[1])
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return c.comparison(part.AsCall().FunctionName(), args[0], args[1])
	}
	return nil, false
}

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// join is && where no decides, and || where yes does.
func (c compiler) join(args []ast.Expr, decides verdict) (test, bool) {
	a, ok := c.compile(args[0])
	if !ok {
		return nil, false
	}
	b, ok := c.compile(args[1])
	if !ok {
		return nil, false
	}
	return func(s []value) verdict {
		left := a(s)
		if left == decides {
			return left
		}
		right := b(s)
		if right == decides || left <= yes {
			return right
		}
		return left
	}, true
}

func (c compiler) not(arg ast.Expr) (test, bool) {
	a, ok := c.compile(arg)
	return func(s []value) verdict {
		v := a(s)
		if v <= yes {
			v ^= 1
		}
		return v
	}, ok
}

// has needs what the field stands in: where that is not there either, nothing
// can be said.
func (c compiler) has(f Field) test {
	slot := c.slotOf(f)
	if len(f.path) == 1 {
		return func(s []value) verdict { return verdictOf(s[slot].kind != isMissing) }
	}
	above := c.slotOf(Field{f.attribute, f.path[:len(f.path)-1]})
	return func(s []value) verdict {
		if k := s[above].kind; k == isMissing || k == isList {
			return lacks
		}
		return verdictOf(s[slot].kind != isMissing)
	}
}

// truth is a field that stands where true or false must.
func truth(slot int) test {
	return func(s []value) verdict {
		switch s[slot].kind {
		case isMissing:
			return lacks
		case isTrue:
			return yes
		case isFalse:
			return no
		default:
			return faulty
		}
	}
}

// An operand is a field's slot, or a constant.
type operand struct {
	slot  int
	fixed *value
}

func (c compiler) operand(part ast.Expr) (operand, bool) {
	if f, ok := FieldOf(part); ok {
		return operand{slot: c.slotOf(f)}, true
	}
	l, ok := c.literal(part)
	return operand{fixed: l.value()}, ok
}

func (l literal) value() *value {
	v := &value{kind: l.kind, text: []byte(l.text), num: l.num}
	if l.kind == isNumber {
		v.state = exact
	}
	return v
}

func (c compiler) comparison(name string, left, right ast.Expr) (test, bool) {
	a, ok := c.operand(left)
	if !ok {
		return nil, false
	}
	b, ok := c.operand(right)
	if !ok || a.fixed != nil && b.fixed != nil {
		return nil, false
	}
	accept := acceptance[name]
	switch {
	case b.fixed != nil:
		return against(a.slot, b.fixed, accept, false), true
	case a.fixed != nil:
		return against(b.slot, a.fixed, accept, true), true
	}
	return func(s []value) verdict {
		x, y := &s[a.slot], &s[b.slot]
		if x.kind == isMissing || y.kind == isMissing {
			return lacks
		}
		return accept[x.compare(y)]
	}, true
}

// acceptance is the verdict of an operator on each order.
var acceptance = map[string][orders]verdict{
	operators.Equals:        {less: no, equal: yes, greater: no, alike: yes, unequal: no, unclear: faulty},
	operators.NotEquals:     {less: yes, equal: no, greater: yes, alike: no, unequal: yes, unclear: faulty},
	operators.Less:          {less: yes, equal: no, greater: no, alike: faulty, unequal: faulty, unclear: faulty},
	operators.LessEquals:    {less: yes, equal: yes, greater: no, alike: faulty, unequal: faulty, unclear: faulty},
	operators.Greater:       {less: no, equal: no, greater: yes, alike: faulty, unequal: faulty, unclear: faulty},
	operators.GreaterEquals: {less: no, equal: yes, greater: yes, alike: faulty, unequal: faulty, unclear: faulty},
}

// against compares a field with a constant, the most common of all tests.
func against(slot int, fixed *value, accept [orders]verdict, swapped bool) test {
	if swapped {
		accept[less], accept[greater] = accept[greater], accept[less]
	}
	if fixed.kind == isText {
		text := string(fixed.text)
		if accept[less] == accept[greater] {
			return equalText(slot, text, accept)
		}
		return func(s []value) verdict {
			v := &s[slot]
			if v.kind != isText {
				return otherKind(v, fixed, &accept)
			}
			return accept[orderOf(cmp.Compare(string(v.text), text))]
		}
	}
	return func(s []value) verdict { return otherKind(&s[slot], fixed, &accept) }
}

func equalText(slot int, text string, accept [orders]verdict) test {
	same, other := accept[equal], accept[less]
	return func(s []value) verdict {
		v := &s[slot]
		if v.kind == isText {
			if string(v.text) == text {
				return same
			}
			return other
		}
		return otherKind(v, &value{kind: isText}, &accept)
	}
}

func otherKind(v, fixed *value, accept *[orders]verdict) verdict {
	if v.kind == isMissing {
		return lacks
	}
	return accept[v.compare(fixed)]
}

// oneOf is field in [literals].
func (c compiler) oneOf(left, right ast.Expr) (test, bool) {
	f, ok := FieldOf(left)
	if name, named := listOf(right); ok && named {
		return c.lists[name].test(c.slotOf(f)), true
	}
	if !ok || right.Kind() != ast.ListKind {
		return nil, false
	}
	var fixed []*value
	texts := map[string]bool{}
	for _, item := range right.AsList().Elements() {
		l, ok := c.literal(item)
		if !ok {
			return nil, false
		}
		if l.kind == isText {
			texts[l.text] = true
		} else {
			fixed = append(fixed, l.value())
		}
	}
	slot := c.slotOf(f)
	return func(s []value) verdict {
		v := &s[slot]
		switch {
		case v.kind == isMissing:
			return lacks
		case v.kind == isText:
			return verdictOf(texts[string(v.text)])
		case v.broken():
			return faulty
		}
		return verdictOf(slices.ContainsFunc(fixed, func(l *value) bool { return acceptance[operators.Equals][v.compare(l)] == yes }))
	}, true
}
