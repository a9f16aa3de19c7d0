package rules

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// What a window can tell of the events in it, beside their number.
const (
	Distinct = Aggregate("distinct")
	Sum      = Aggregate("sum")
	Min      = Aggregate("min")
	Max      = Aggregate("max")

	// Same is the asset of an amount where neither the key nor the condition
	// says it: a value that a window must have in common for the others to mean
	// anything. Nobody writes it; it stands behind what is written.
	Same = Aggregate("same")

	count = Aggregate("count")
)

// An Aggregate is one of them.
type Aggregate string

// A Value is what a window must keep of each event: one number, or one value
// to tell apart or to have in common.
type Value struct {
	Kind   Aggregate
	Paths  []string // several make one value of Distinct together
	fields []field
}

const maxValues = 8

// Aggs are the aggregates of one window: for each of a rule's Values but those
// of Same, in their order, one added by AddDistinct or AddNum.
type Aggs struct {
	count         int64
	distinct      [maxValues]int64
	nums          [maxValues]decimal.Decimal
	nDistinct, nn int
}

// Reset begins the aggregates of a window with so many events.
func (a *Aggs) Reset(count int64) { a.count, a.nDistinct, a.nn = count, 0, 0 }

// AddDistinct adds the number of different values.
func (a *Aggs) AddDistinct(n int64) {
	a.distinct[a.nDistinct] = n
	a.nDistinct++
}

// AddNum adds a sum, a minimum or a maximum.
func (a *Aggs) AddNum(d decimal.Decimal) {
	a.nums[a.nn] = d
	a.nn++
}

// A When is the threshold of a rule: comparisons of aggregates.
type When struct {
	Text  string // as written
	root  *threshold
	value term // the first aggregate
}

// True tells whether the window is enough to fire.
func (w *When) True(a *Aggs) bool { return w.root.true(a) }

// Value is the first aggregate of the threshold, as text.
func (w *When) Value(a *Aggs) string {
	if w.value.kind == count || w.value.kind == Distinct {
		return strconv.FormatInt(w.value.whole(a), 10)
	}
	return w.value.of(a).String()
}

// Monotone tells whether more events can only make it true, never untrue.
func (w *When) Monotone() bool { return w.root.monotone() }

// A threshold is a comparison, or several joined by && or ||, or one negated.
type threshold struct {
	op    string // an operator of CEL
	parts []*threshold
	a, b  term
}

// A term is an aggregate or a number. col is its place among those of its kind
// in Aggs.
type term struct {
	kind Aggregate // empty for a number
	col  int
	num  decimal.Decimal
	what string // the fields, for people
	at   int    // the character of a number in the text
}

func (t *term) whole(a *Aggs) int64 {
	if t.kind == count {
		return a.count
	}
	return a.distinct[t.col]
}

func (t *term) of(a *Aggs) decimal.Decimal {
	switch t.kind {
	case "":
		return t.num
	case count, Distinct:
		return decimal.FromInt(t.whole(a))
	default:
		return a.nums[t.col]
	}
}

func (t *threshold) true(a *Aggs) bool {
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

func (t *threshold) monotone() bool {
	grows := func(x term) bool { return x.kind == count || x.kind == Distinct }
	switch t.op {
	case operators.LogicalAnd, operators.LogicalOr:
		return t.parts[0].monotone() && t.parts[1].monotone()
	case operators.Greater, operators.GreaterEquals:
		return grows(t.a) && t.b.kind == ""
	case operators.Less, operators.LessEquals:
		return t.a.kind == "" && grows(t.b)
	}
	return false
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
	if t.parts != nil || n.kind != "" || counted.kind != count && counted.kind != Distinct {
		return nil
	}
	c := n.num.Cmp(decimal.FromInt(int64(bound)))
	if c > 0 && (op == operators.GreaterEquals || op == operators.Equals) || c >= 0 && op == operators.Greater {
		return n
	}
	return nil
}

// when reads a threshold and what a window must keep for it.
func (l *language) when(text string) (*When, []Value, *exprError) {
	e, err := l.parse(text)
	if err != nil {
		return nil, nil, err
	}
	b := thresholds{expression: e}
	root, err := b.threshold(e.root)
	if err != nil {
		return nil, nil, err
	}
	return &When{Text: text, root: root, value: b.first}, b.values, nil
}

// thresholds collects values while it builds.
type thresholds struct {
	*expression
	values []Value
	first  term
}

var comparing = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
}

func (b *thresholds) threshold(part ast.Expr) (*threshold, *exprError) {
	if part.Kind() != ast.CallKind {
		return nil, b.errorf(part, "`when` compares count(), sum(x), min(x), max(x) or distinct(x), as in `count() >= 3`")
	}
	call := part.AsCall()
	t := &threshold{op: call.FunctionName()}
	switch {
	case t.op == operators.LogicalAnd, t.op == operators.LogicalOr, t.op == operators.LogicalNot:
		for _, arg := range call.Args() {
			inner, err := b.threshold(arg)
			if err != nil {
				return nil, err
			}
			t.parts = append(t.parts, inner)
		}
		return t, nil
	case !slices.Contains(comparing, t.op):
		if _, err := b.term(part); err != nil {
			return nil, err
		}
		return nil, b.errorf(part, "`when` must compare this with something, as in `%s >= 3`", strings.TrimSpace(string(b.text)))
	}
	return b.comparison(t, part)
}

func (b *thresholds) comparison(t *threshold, part ast.Expr) (_ *threshold, err *exprError) {
	args := part.AsCall().Args()
	if t.a, err = b.term(args[0]); err != nil {
		return nil, err
	}
	if t.b, err = b.term(args[1]); err != nil {
		return nil, err
	}
	if t.a.kind == "" && t.b.kind == "" {
		return nil, b.errorf(part, "this compares two numbers, and is the same whatever happens")
	}
	return t, nil
}

func (b *thresholds) term(part ast.Expr) (term, *exprError) {
	if part.Kind() == ast.LiteralKind {
		n, err := b.number(part)
		return term{num: n, at: b.offset(part)}, err
	}
	if part.Kind() != ast.CallKind {
		return term{}, b.errorf(part, "`when` speaks of many events: write sum(x), min(x), max(x) or distinct(x) of a field")
	}
	t, err := b.aggregate(part)
	if err == nil && b.first.kind == "" {
		b.first = t
	}
	return t, err
}

func (b *thresholds) aggregate(part ast.Expr) (term, *exprError) {
	call := part.AsCall()
	name, args := call.FunctionName(), call.Args()
	switch kind := Aggregate(name); {
	case call.IsMemberFunction():
	case kind == count && len(args) == 0:
		return term{kind: count}, nil
	case kind == count:
		return term{}, b.errorf(part, "count() counts all events and takes no field; to count different values write distinct(x)")
	case kind == Distinct || kind == Sum || kind == Min || kind == Max:
		return b.column(part, kind, args)
	case name == "share":
		return term{}, b.errorf(part, "not in this version: share() would compare keys with each other")
	case strings.ContainsAny(name, "_-@?!"):
		return term{}, b.errorf(part, "not in this version: calculations in `when`")
	}
	known := []string{"count", "sum", "min", "max", "distinct"}
	return term{}, b.errorf(part, "`when` has no function %s()%s", name, strictyaml.Nearest(name, known))
}

// column is the place of an aggregate; the same one is kept once.
func (b *thresholds) column(part ast.Expr, kind Aggregate, args []ast.Expr) (term, *exprError) {
	if len(args) == 0 || kind != Distinct && len(args) > 1 {
		return term{}, b.errorf(part, "%s() takes one field, as in %s(data.amount)", kind, kind)
	}
	v := Value{Kind: kind}
	for _, arg := range args {
		f, ok := fieldOf(arg)
		if !ok {
			return term{}, b.errorf(arg, "%s() takes a field of an event, such as data.payment", kind)
		}
		v.fields = append(v.fields, f)
		v.Paths = append(v.Paths, f.String())
	}
	col := 0
	for _, old := range b.values {
		if old.Kind == kind && slices.Equal(old.Paths, v.Paths) {
			return term{kind: kind, col: col, what: strings.Join(v.Paths, " and ")}, nil
		}
		if (old.Kind == Distinct) == (kind == Distinct) {
			col++
		}
	}
	if len(b.values) == maxValues {
		return term{}, b.errorf(part, "`when` has more than %d different aggregates", maxValues)
	}
	b.values = append(b.values, v)
	return term{kind: kind, col: col, what: strings.Join(v.Paths, " and ")}, nil
}
