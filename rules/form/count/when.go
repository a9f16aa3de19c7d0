package count

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// readWhen reads a threshold and what a window must keep for it.
func readWhen(l *match.Language, text string) (*when, []match.Value, *match.TextError) {
	e, err := l.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	b := thresholds{Expression: e}
	root, err := b.threshold(e.Root())
	if err != nil {
		return nil, nil, err
	}
	return &when{text: e.String(), root: root, value: b.first}, b.values, nil
}

// thresholds collects values while it builds.
type thresholds struct {
	*match.Expression
	values []match.Value
	first  term
}

var comparing = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
}

func (b *thresholds) threshold(part ast.Expr) (*threshold, *match.TextError) {
	if part.Kind() != ast.CallKind {
		return nil, b.Errorf(part, "`when` compares count(), sum(x), min(x), max(x) or distinct(x), as in `count() >= 3`")
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
		return nil, b.Errorf(part, "`when` must compare this with something, as in `%s >= 3`", strings.TrimSpace(b.String()))
	}
	return b.comparison(t, part)
}

func (b *thresholds) comparison(t *threshold, part ast.Expr) (_ *threshold, err *match.TextError) {
	args := part.AsCall().Args()
	if t.a, err = b.term(args[0]); err != nil {
		return nil, err
	}
	if t.b, err = b.term(args[1]); err != nil {
		return nil, err
	}
	if t.a.kind == "" && t.b.kind == "" {
		return nil, b.Errorf(part, "this compares two numbers, and is the same whatever happens")
	}
	return t, nil
}

func (b *thresholds) term(part ast.Expr) (term, *match.TextError) {
	if part.Kind() == ast.LiteralKind {
		n, err := b.Number(part)
		return term{num: n, at: b.Offset(part)}, err
	}
	if part.Kind() != ast.CallKind {
		return term{}, b.Errorf(part, "`when` speaks of many events: write sum(x), min(x), max(x) or distinct(x) of a field")
	}
	t, err := b.aggregate(part)
	if err == nil && b.first.kind == "" {
		b.first = t
	}
	return t, err
}

func (b *thresholds) aggregate(part ast.Expr) (term, *match.TextError) {
	call := part.AsCall()
	name, args := call.FunctionName(), call.Args()
	switch kind := match.Aggregate(name); {
	case call.IsMemberFunction():
	case kind == number && len(args) == 0:
		return term{kind: number}, nil
	case kind == number:
		return term{}, b.Errorf(part, "count() counts all events and takes no field; to count different values write distinct(x)")
	case kind == match.Distinct || kind == match.Sum || kind == match.Min || kind == match.Max:
		return b.column(part, kind, args)
	case name == "share":
		return term{}, b.Errorf(part, "not in this version: share() would compare keys with each other")
	case strings.ContainsAny(name, "_-@?!"):
		return term{}, b.Errorf(part, "not in this version: calculations in `when`")
	}
	known := []string{"count", "sum", "min", "max", "distinct"}
	return term{}, b.Errorf(part, "`when` has no function %s()%s", name, strictyaml.Nearest(name, known))
}

// column is the place of an aggregate; the same one is kept once.
func (b *thresholds) column(part ast.Expr, kind match.Aggregate, args []ast.Expr) (term, *match.TextError) {
	if len(args) == 0 || kind != match.Distinct && len(args) > 1 {
		return term{}, b.Errorf(part, "%s() takes one field, as in %s(data.amount)", kind, kind)
	}
	v := match.Value{Kind: kind}
	var paths []string
	for _, arg := range args {
		f, ok := match.FieldOf(arg)
		if !ok {
			return term{}, b.Errorf(arg, "%s() takes a field of an event, such as data.payment", kind)
		}
		v.Fields = append(v.Fields, f)
		paths = append(paths, f.String())
	}
	t := term{kind: kind, what: paths}
	for i := range b.values {
		old := &b.values[i]
		if old.Kind == kind && slices.EqualFunc(old.Fields, v.Fields, func(f, g match.Field) bool { return f.String() == g.String() }) {
			return t, nil
		}
		if old.Apart() == v.Apart() {
			t.col++
		}
	}
	if len(b.values) == maxValues {
		return term{}, b.Errorf(part, "`when` has more than %d different aggregates", maxValues)
	}
	b.values = append(b.values, v)
	return t, nil
}
