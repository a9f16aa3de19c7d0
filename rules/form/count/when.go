package count

import (
	"slices"

	"cel.dev/cel-go/common/ast"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// number is what count() is: it needs no value of an event.
const number = -1

const maxValues = 8

// readWhen reads a condition and what a window must keep for it. A term is one of
// these values, by its place, or the number of events.
func readWhen(l *match.Language, text string) (*condition.Condition, []match.Value, *match.TextError) {
	var r reading
	c, err := condition.Read(l, text, condition.Reader{
		Term: r.term, What: "count(), sum(x), min(x), max(x) or distinct(x)", Example: "count() >= 3",
	})
	return c, r.values, err
}

type reading struct{ values []match.Value }

// term reads an aggregate.
func (r *reading) term(e *match.Expression, part ast.Expr) (condition.Term, *match.TextError) {
	if _, field := match.FieldOf(part); field || part.Kind() != ast.CallKind {
		return condition.Term{}, e.Errorf(part, "`when` speaks of many events: write sum(x), min(x), max(x) or distinct(x) of a field")
	}
	call := part.AsCall()
	name, args := call.FunctionName(), call.Args()
	switch kind := match.Aggregate(name); {
	case call.IsMemberFunction():
	case name == "count" && len(args) == 0:
		return condition.Term{Of: number, Kind: condition.Counted, Trend: condition.Grows, Words: "the number of events", One: "event", Many: "events"}, nil
	case name == "count":
		return condition.Term{}, e.Errorf(part, "count() counts all events and takes no field; to count different values write distinct(x)")
	case kind == match.Distinct || kind == match.Sum || kind == match.Min || kind == match.Max:
		return r.aggregate(e, part, kind)
	case name == "share":
		return condition.Term{}, e.Errorf(part, "not in this version: share() would compare keys with each other")
	}
	known := []string{"count", "sum", "min", "max", "distinct"}
	return condition.Term{}, e.Errorf(part, "`when` has no function %s()%s", name, strictyaml.Nearest(name, known))
}

// aggregate reads what is made of a field over many events; the same one is kept once.
func (r *reading) aggregate(e *match.Expression, part ast.Expr, kind match.Aggregate) (t condition.Term, err *match.TextError) {
	args := part.AsCall().Args()
	if len(args) == 0 || kind != match.Distinct && len(args) > 1 {
		return t, e.Errorf(part, "%s() takes one field, as in %s(data.amount)", kind, kind)
	}
	v := match.Value{Kind: kind}
	for _, arg := range args {
		f, ok := match.FieldOf(arg)
		if !ok {
			return t, e.Errorf(arg, "%s() takes a field of an event, such as data.payment", kind)
		}
		v.Fields = append(v.Fields, f)
	}
	t = termOf(v)
	t.Of = slices.IndexFunc(r.values, func(old match.Value) bool {
		return old.Kind == kind && slices.EqualFunc(old.Fields, v.Fields, match.Field.Equal)
	})
	switch {
	case t.Of >= 0:
	case len(r.values) == maxValues:
		return t, e.Errorf(part, "`when` has more than %d different aggregates", maxValues)
	default:
		t.Of = len(r.values)
		r.values = append(r.values, v)
	}
	return t, nil
}

// termOf is what an aggregate says.
func termOf(v match.Value) condition.Term {
	var paths []string
	for _, f := range v.Fields {
		paths = append(paths, f.String())
	}
	of := form.And(paths)
	t := condition.Term{Kind: condition.Measured}
	if v.Fields[0].Money() {
		t.Kind = condition.Money
	}
	switch v.Kind {
	case match.Distinct:
		t.One, t.Many = "value of "+of, "different values of "+of
		t.Kind, t.Trend, t.Words = condition.Counted, condition.Grows, "the number of "+t.Many
	case match.Sum:
		t.Words = "the sum of " + of
	case match.Min:
		t.Trend, t.Words = condition.Shrink, "the smallest "+of
	default:
		t.Trend, t.Words = condition.Grows, "the largest "+of
	}
	return t
}
