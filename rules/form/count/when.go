package count

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// What is made of many events beside match's aggregates.
const (
	number = match.Aggregate("count")
	last   = match.Aggregate("last")
	share  = match.Aggregate("share") // of the key; as a number it is how many that are
	all    = match.Aggregate("all")   // how many events there are of all keys
)

var functions = []string{"count", "sum", "min", "max", "distinct", "share", "last", "count_before", "sum_before", "min_before", "max_before"}

// maxValues bounds how many different things a condition asks of a window, count()
// and count_before() aside.
const maxValues = 8

// A measure is what one term of a condition is.
type measure struct {
	of     match.Aggregate
	value  int  // the place among the source's values; -1 if it needs none
	before bool // leaves out the event itself
}

// own tells whether it is about one event and the window that ends there.
func (m measure) own() bool { return m.before || m.of == last }

// readWhen reads a condition, what its terms are, and what a window must keep for them.
func readWhen(l *match.Language, text string) (*condition.Condition, []measure, []match.Value, *match.TextError) {
	var r reading
	c, err := condition.Read(l, text, condition.Reader{
		Term: r.term, What: "count(), sum(x), min(x), max(x) or distinct(x)", Example: "count() >= 3",
	})
	return c, r.measures, r.values, err
}

type reading struct {
	measures []measure
	values   []match.Value
}

// term reads a function of many events.
func (r *reading) term(e *match.Expression, part ast.Expr) (t condition.Term, err *match.TextError) {
	if _, field := match.FieldOf(part); field || part.Kind() != ast.CallKind {
		return t, e.Errorf(part, "`when` speaks of many events: write sum(x), min(x), max(x) or distinct(x) of a field")
	}
	call := part.AsCall()
	name := call.FunctionName()
	if call.IsMemberFunction() || !slices.Contains(functions, name) {
		return t, e.Errorf(part, "`when` has no function %s()%s", name, strictyaml.Nearest(name, functions))
	}
	kind, before := strings.CutSuffix(name, "_before")
	m := measure{of: match.Aggregate(kind), value: -1, before: before}
	fields, err := r.fields(e, part, m)
	if err != nil {
		return t, err
	}
	t = m.term(fields)
	if fields != nil {
		m.value = r.value(m, match.Value{Kind: match.Aggregate(name), Fields: fields})
	}
	if t.Of = r.place(m); m.of == share {
		t.Whole = &condition.Term{Of: r.place(measure{of: all, value: -1})}
	}
	if r.asked() > maxValues {
		return t, e.Errorf(part, "`when` has more than %d different aggregates", maxValues)
	}
	return t, nil
}

// place is where a measure stands; the same one is kept once.
func (r *reading) place(m measure) int {
	i := slices.Index(r.measures, m)
	if i < 0 {
		i = len(r.measures)
		r.measures = append(r.measures, m)
	}
	return i
}

// fields are what the function takes.
func (r *reading) fields(e *match.Expression, part ast.Expr, m measure) (fields []match.Field, err *match.TextError) {
	name, args := part.AsCall().FunctionName(), part.AsCall().Args()
	switch {
	case m.of == number && len(args) > 0 && m.before:
		return nil, e.Errorf(part, "count_before() counts all events before this one and takes no field")
	case m.of == number && len(args) > 0:
		return nil, e.Errorf(part, "count() counts all events and takes no field; to count different values write distinct(x)")
	case m.of == share && len(args) > 0:
		return nil, e.Errorf(part, "share() is the part of all events of the rule that are of one key, and takes no field; write the fields of the key into `by`")
	case m.of == number, m.of == share:
		return nil, nil
	case len(args) == 0 || m.of != match.Distinct && len(args) > 1:
		return nil, e.Errorf(part, "%s() takes one field, as in %s(data.amount)", name, name)
	}
	for _, arg := range args {
		f, ok := match.FieldOf(arg)
		if !ok {
			return nil, e.Errorf(arg, "%s() takes a field of an event, such as data.payment", name)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// value is the place of a value that windows keep for a measure. The same one is kept
// once; so is one number for all that is said of one event.
func (r *reading) value(m measure, v match.Value) int {
	i := slices.IndexFunc(r.values, func(old match.Value) bool {
		shares := old.Kind == v.Kind || old.Kind != match.Distinct && v.Kind != match.Distinct && (m.own() || r.own(old))
		return shares && slices.EqualFunc(old.Fields, v.Fields, match.Field.Equal)
	})
	if i < 0 {
		i = len(r.values)
		r.values = append(r.values, v)
	}
	return i
}

// own tells whether a value is kept for what is said of one event.
func (r *reading) own(v match.Value) bool {
	return v.Kind == last || strings.HasSuffix(string(v.Kind), "_before")
}

func (r *reading) asked() (n int) {
	for _, m := range r.measures {
		if m.value >= 0 {
			n++
		}
	}
	return n
}

// term is what a measure says.
func (m measure) term(fields []match.Field) condition.Term {
	var paths []string
	for _, f := range fields {
		paths = append(paths, f.String())
	}
	of, before := form.And(paths), ""
	if m.before {
		before = " before it"
	}
	t := condition.Term{Kind: condition.Measured}
	if len(fields) > 0 && fields[0].Money() {
		t.Kind = condition.Money
	}
	switch m.of {
	case number:
		t.One, t.Many = "event"+before, "events"+before
		t.Kind, t.Trend, t.Words = condition.Counted, condition.Grows, "the number of "+t.Many
	case match.Distinct:
		t.One, t.Many = "value of "+of, "different values of "+of
		t.Kind, t.Trend, t.Words = condition.Counted, condition.Grows, "the number of "+t.Many
	case match.Sum:
		t.Words = "the sum of " + of + before
	case match.Min:
		t.Trend, t.Words = condition.Shrink, "the smallest "+of+before
	case match.Max:
		t.Trend, t.Words = condition.Grows, "the largest "+of+before
	case share:
		t.Kind, t.Words = condition.Part, "their share of all events"
	default:
		t.Words = "the event's own " + of
	}
	return t
}
