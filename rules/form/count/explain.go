package count

import (
	"strings"

	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Explain implements form.Rule. A number of events alone is said of the events
// themselves, everything else of what is among them.
func (r *rule) Explain() string {
	events := " " + r.source.Event + " events"
	if t := r.when.root; t.counts() && t.counted().kind == number {
		n, op := t.bound()
		if n.one() {
			events = strings.TrimSuffix(events, "s")
		}
		return " " + thereAre(op, n) + events + r.which() + r.late()
	}
	return ", among" + events + r.which() + ", " + r.when.root.words() + r.late()
}

// which says which events count together.
func (r *rule) which() string {
	text := form.OfOne(r.source.By) + " within " + strictyaml.DurationText(r.within)
	if r.source.Where != nil {
		text += " where " + form.OneLine(r.source.Where.String())
	}
	return text
}

func (r *rule) late() string {
	if r.lateness == r.within {
		return ""
	}
	return ", those among them that come more than " + strictyaml.DurationText(r.lateness) + " late by way of the tape"
}

// words is the threshold in English.
func (t *threshold) words() string {
	switch t.op {
	case operators.LogicalAnd:
		return t.parts[0].group() + " and " + t.parts[1].group()
	case operators.LogicalOr:
		return t.parts[0].group() + " or " + t.parts[1].group()
	case operators.LogicalNot:
		return "it is not so that " + t.parts[0].group()
	}
	if t.counts() {
		n, op := t.bound()
		return thereAre(op, n) + " " + t.counted().noun(n.one())
	}
	a, b, op := &t.a, &t.b, t.op
	if a.kind == "" {
		a, b, op = b, a, swapped[op]
	}
	return a.words() + " is " + measures[op] + " " + b.words()
}

// group puts several comparisons in brackets.
func (t *threshold) group() string {
	if t.parts != nil && t.op != operators.LogicalNot {
		return "(" + t.words() + ")"
	}
	return t.words()
}

// counts tells whether a number of events or of values is compared with a
// number, of which one can say "there are".
func (t *threshold) counts() bool {
	c := t.counted()
	return t.parts == nil && (t.a.kind == "" || t.b.kind == "") && (c.kind == number || c.kind == match.Distinct) && t.op != operators.NotEquals
}

func (t *threshold) counted() *term {
	if t.a.kind == "" {
		return &t.b
	}
	return &t.a
}

// bound is the number that something is compared with, and how.
func (t *threshold) bound() (*term, string) {
	if t.a.kind == "" {
		return &t.a, swapped[t.op]
	}
	return &t.b, t.op
}

func (t *term) one() bool { return t.kind == "" && t.num.String() == "1" }

func thereAre(op string, n *term) string {
	verb := "there are "
	if n.one() {
		verb = "there is "
	}
	return verb + numbers[op] + " " + n.num.String()
}

// noun is what is counted, as it stands after a number.
func (t *term) noun(one bool) string {
	switch {
	case t.kind == number && one:
		return "event"
	case t.kind == number:
		return "events"
	case one:
		return "value of " + form.And(t.what)
	}
	return "different values of " + form.And(t.what)
}

// words is the term as the subject or object of a comparison.
func (t *term) words() string {
	switch t.kind {
	case "":
		return t.num.String()
	case number, match.Distinct:
		return "the number of " + t.noun(false)
	case match.Sum:
		return "the sum of " + form.And(t.what)
	case match.Min:
		return "the smallest " + form.And(t.what)
	default:
		return "the largest " + form.And(t.what)
	}
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
)

var swapped = map[string]string{
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}
