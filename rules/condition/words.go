package condition

import "cel.dev/cel-go/common/operators"

// Words are the condition in English.
func (c *Condition) Words() string { return c.root.words() }

// Counts are the words of a condition that compares one number of something with a
// number, up to the noun: "there are at least 3". The noun is that of one if one is
// true.
func (c *Condition) Counts() (words string, of *Term, one bool) {
	t, n, op := c.root.counts()
	if t == nil {
		return "", nil, false
	}
	return thereAre(op, n), t, n.one()
}

func (n *node) words() string {
	switch n.op {
	case operators.LogicalAnd:
		return n.a.group() + " and " + n.b.group()
	case operators.LogicalOr:
		return n.a.group() + " or " + n.b.group()
	case operators.LogicalNot:
		return "it is not so that " + n.a.group()
	}
	if t, number, op := n.counts(); t != nil {
		return thereAre(op, number) + " " + t.noun(number.one())
	}
	a, b, op := n.a, n.b, n.op
	if a.number() {
		a, b, op = b, a, swapped[op]
	}
	return a.value() + " is " + measures[op] + " " + b.value()
}

// group puts several comparisons in brackets.
func (n *node) group() string {
	if n.joins() && n.op != operators.LogicalNot {
		return "(" + n.words() + ")"
	}
	return n.words()
}

// counts is a number of something that is compared with a number, of which one can
// say "there are"; nil if it is anything else.
func (n *node) counts() (t *Term, number *node, op string) {
	if n.joins() {
		return nil, nil, ""
	}
	a, b, op := n.a, n.b, n.op
	if a.number() {
		a, b, op = b, a, swapped[op]
	}
	if a.term == nil || a.kind != Counted || !b.number() || op == operators.NotEquals {
		return nil, nil, ""
	}
	return a.term, b, op
}

func (n *node) one() bool { return n.num.String() == "1" }

func thereAre(op string, n *node) string {
	verb := "there are "
	if n.one() {
		verb = "there is "
	}
	return verb + numbers[op] + " " + n.num.String()
}

func (t *Term) noun(one bool) string {
	if one {
		return t.One
	}
	return t.Many
}

// value is a side of a comparison.
func (n *node) value() string {
	switch {
	case n.term != nil:
		return n.term.Words
	case n.op == "":
		return n.num.String()
	case n.op == operators.Negate:
		return "minus " + n.a.operand()
	}
	return n.a.operand() + calculations[n.op] + n.b.operand()
}

// operand puts a calculation within another in brackets.
func (n *node) operand() string {
	if n.op != "" {
		return "(" + n.value() + ")"
	}
	return n.value()
}

// numbers are comparisons of what is counted, measures of what is measured.
var (
	numbers = map[string]string{
		operators.Equals: "exactly", operators.Less: "fewer than", operators.LessEquals: "at most",
		operators.Greater: "more than", operators.GreaterEquals: "at least",
	}
	measures = map[string]string{
		operators.Equals: "exactly", operators.NotEquals: "other than", operators.Less: "less than",
		operators.LessEquals: "at most", operators.Greater: "more than", operators.GreaterEquals: "at least",
	}
	calculations = map[string]string{operators.Add: " plus ", operators.Subtract: " minus ", operators.Multiply: " times "}
)

var swapped = map[string]string{
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}
