package join

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// What is asked of a side, beside the aggregates that all forms have.
const (
	number = match.Aggregate("count") // of its events
	last   = match.Aggregate("last")  // its newest value
)

// An ask is one thing that is asked of a side.
type ask struct {
	side   int
	kind   match.Aggregate
	value  int // of the side's source, by its place; -1 for number
	column int // among those of its kind
}

const maxValues = 8

// readWhen reads the condition and what must be kept for it.
func (d *draft) readWhen(v *yaml.Node) bool {
	text, ok := d.in.Text(v, "when")
	if !ok {
		return false
	}
	c, err := condition.Read(d.in.Language(), text, condition.Reader{
		Term: d.term, What: "what the sides hold: count(side), and sum, min, max, distinct or last of a field, such as sum(side.data.amount)",
		Example: "count(" + d.sides[0].name + ") >= 3",
	})
	if err != nil {
		d.in.ErrorIn(v, err)
		return false
	}
	for _, text := range c.Findings() {
		d.in.Finding(v, "%s", text)
	}
	d.when = c
	d.doubtful = strings.Contains(c.String(), "*")
	return true
}

// term reads what is asked of a side.
func (d *draft) term(e *match.Expression, part ast.Expr) (t condition.Term, err *match.TextError) {
	if side, f, ok := match.SideFieldOf(part); ok && part.Kind() != ast.CallKind {
		return t, e.Errorf(part, "`when` speaks of many events: write last, sum, min, max or distinct of a field, as in last(%s.%s)", side, f)
	}
	if part.Kind() != ast.CallKind || part.AsCall().IsMemberFunction() {
		return t, e.Errorf(part, "`when` speaks of the events of sides: write count(%s), or sum, min, max, distinct or last of a field of one", d.sides[0].name)
	}
	name, args := part.AsCall().FunctionName(), part.AsCall().Args()
	switch kind := match.Aggregate(name); kind {
	case number:
		return d.count(e, part, args)
	case match.Sum, match.Min, match.Max, match.Distinct, last:
		return d.aggregate(e, part, kind, args)
	case match.Same: // nobody writes it
	}
	known := []string{string(number), "sum", "min", "max", "distinct", string(last)}
	return t, e.Errorf(part, "`when` has no function %s()%s", name, strictyaml.Nearest(name, known))
}

// count reads the number of a side's events.
func (d *draft) count(e *match.Expression, part ast.Expr, args []ast.Expr) (t condition.Term, err *match.TextError) {
	if len(args) != 1 || args[0].Kind() != ast.IdentKind {
		return t, e.Errorf(part, "count() takes a side and no field, as in count(%s); to count different values write distinct(%s.data.id)", d.sides[0].name, d.sides[0].name)
	}
	i, err := d.side(e, args[0], args[0].AsIdent())
	if err != nil {
		return t, err
	}
	d.sides[i].read, d.sides[i].whole = true, true
	s := &d.sides[i]
	t = condition.Term{Kind: condition.Counted, Trend: condition.Anyhow, Words: "the number of " + s.name + " events", One: s.name + " event", Many: s.name + " events"}
	return d.asked(e, part, t, ask{side: i, kind: number, value: -1})
}

// side finds a side by its name.
func (d *draft) side(e *match.Expression, part ast.Expr, name string) (int, *match.TextError) {
	var known []string
	for i := range d.sides {
		if d.sides[i].name == name {
			return i, nil
		}
		known = append(known, d.sides[i].name)
	}
	return 0, e.Errorf(part, "there is no side %s%s; the sides are %s", strictyaml.Clip(name), strictyaml.Nearest(name, known), form.And(known))
}

// aggregate reads what is made of a field of a side.
func (d *draft) aggregate(e *match.Expression, part ast.Expr, kind match.Aggregate, args []ast.Expr) (t condition.Term, err *match.TextError) {
	example := d.sides[0].name + ".data.amount"
	if len(args) == 0 || kind != match.Distinct && len(args) > 1 {
		return t, e.Errorf(part, "%s() takes one field of a side, as in %s(%s)", kind, kind, example)
	}
	v, of := match.Value{Kind: kind}, -1
	var paths []string
	for _, arg := range args {
		name, f, ok := match.SideFieldOf(arg)
		if plain, of := match.FieldOf(arg); of {
			return t, e.Errorf(arg, "of which side? write its name before the field, as in %s(%s.%s)", kind, d.sides[0].name, plain)
		}
		if !ok {
			return t, e.Errorf(arg, "%s() takes a field of a side, such as %s", kind, example)
		}
		i, err := d.side(e, arg, name)
		switch {
		case err != nil:
			return t, err
		case of >= 0 && i != of:
			return t, e.Errorf(arg, "distinct() tells the events of one side apart")
		}
		of, v.Fields, paths = i, append(v.Fields, f), append(paths, f.String())
	}
	s := &d.sides[of]
	s.read, s.whole = true, s.whole || kind != last
	money := v.Fields[0].Money() || slices.ContainsFunc(d.in.Money(d.sources[of].Event), v.Fields[0].Equal)
	return d.asked(e, part, termOf(kind, s.name, form.And(paths), money), ask{side: of, kind: kind, value: d.keep(of, v)})
}

// keep is the place of a value among those that are kept of a side's events. A number
// is kept once, whatever is made of it.
func (d *draft) keep(i int, v match.Value) int {
	values := &d.sources[i].Values
	at := slices.IndexFunc(*values, func(old match.Value) bool {
		return old.Apart() == v.Apart() && slices.EqualFunc(old.Fields, v.Fields, match.Field.Equal)
	})
	if at < 0 {
		at, *values = len(*values), append(*values, v)
	}
	return at
}

// asked gives a term its place; the same one is asked once.
func (d *draft) asked(e *match.Expression, part ast.Expr, t condition.Term, a ask) (condition.Term, *match.TextError) {
	if a.value >= 0 {
		a.column = columnOf(d.sources[a.side].Values, a.value)
	}
	if t.Of = slices.Index(d.asks, a); t.Of >= 0 {
		return t, nil
	}
	if len(d.asks) == maxValues {
		return t, e.Errorf(part, "`when` has more than %d different aggregates", maxValues)
	}
	t.Of, d.asks = len(d.asks), append(d.asks, a)
	return t, nil
}

// columnOf is the place of a value among those that are kept in the same way.
func columnOf(values []match.Value, i int) (column int) {
	for j := range i {
		if values[j].Apart() == values[i].Apart() {
			column++
		}
	}
	return column
}

// termOf is what an aggregate of a side says. Windows slide and levels change, so that
// nothing that it is stays so.
func termOf(kind match.Aggregate, side, of string, money bool) condition.Term {
	t := condition.Term{Kind: condition.Measured}
	if money {
		t.Kind = condition.Money
	}
	of = " " + of + " of " + side
	switch kind {
	case match.Distinct:
		t.One, t.Many = "value of"+of, "different values of"+of
		t.Kind, t.Words = condition.Counted, "the number of "+t.Many
	case match.Sum:
		t.Words = "the sum of" + of
	case match.Min:
		t.Words = "the smallest" + of
	case match.Max:
		t.Words = "the largest" + of
	default:
		t.Words = "the newest" + of
	}
	return t
}

// ages refuses what says nothing.
func (d *draft) ages() {
	for i := range d.sides {
		s, said := &d.sides[i], &d.said[i]
		switch {
		case s.read:
		case s.maxAge != 0:
			d.fail(said.age, "`when` does not read the side %s, so that its age says nothing: take max_age out", s.name)
		case !s.keyed:
			d.fail(said.at, "`when` does not read the side %s, and its events belong to every key: take it out", s.name)
		}
	}
}
