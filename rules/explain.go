package rules

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// Explain says the rule as one sentence, which does not repeat its name.
func (r *Rule) Explain() string {
	var b strings.Builder
	b.WriteString("raises " + severity(r.Labels) + " when " + r.When.root.words())
	fmt.Fprintf(&b, " come within %s", strictyaml.DurationText(r.Within))
	fmt.Fprintf(&b, ", counting %s events", r.Event)
	if r.Where != "" {
		fmt.Fprintf(&b, " where %s", oneLine(r.Where))
	}
	if len(r.By) > 0 {
		var paths []string
		for _, k := range r.By {
			paths = append(paths, k.Path)
		}
		fmt.Fprintf(&b, ", apart for each %s", strings.Join(paths, " and "))
	}
	if r.Lateness != r.Within {
		fmt.Fprintf(&b, ", up to %s late", strictyaml.DurationText(r.Lateness))
	}
	return b.String() + consequences(r.Mitigate) + "."
}

// Explain says the rule as one sentence, which does not repeat its name.
func (r *MetricRule) Explain() string {
	text := "raises " + severity(r.Labels) + " when " + oneLine(r.Expr) + " holds"
	if r.For > 0 {
		text += " for " + strictyaml.DurationText(r.For)
	}
	if r.KeepFiring > 0 {
		text += ", and until " + strictyaml.DurationText(r.KeepFiring) + " after"
	}
	return text + consequences(r.Mitigate) + "."
}

// Explain says the rule as one sentence, which does not repeat its name.
func (r *RecordingRule) Explain() string { return "records " + oneLine(r.Expr) + "." }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func consequences(mitigate []Use) string {
	var uses []string
	for _, use := range mitigate {
		uses = append(uses, use.words())
	}
	if uses == nil {
		return ""
	}
	return "; then " + strings.Join(uses, ", and ")
}

func severity(labels []Pair) string {
	for _, l := range labels {
		if l.Name == "severity" && l.Value != "" && !strings.Contains(l.Value, "{{") {
			article := "a "
			if strings.ContainsAny(l.Value[:1], "aeiouAEIOU") {
				article = "an "
			}
			return article + l.Value + " alert"
		}
	}
	return "an alert"
}

func (u Use) words() string {
	m := u.Mitigation
	mode := Effective(u.Mode, m.Mode)
	switch mode {
	case Enforce:
		return "closes the gate " + m.Target + " (if the gate enforces)"
	case Approve:
		return "asks a person to approve closing the gate " + m.Target
	default:
		return "notes that it would have closed the gate " + m.Target
	}
}

var comparisonWords = map[string]string{
	operators.Equals: "exactly", operators.NotEquals: "any number other than",
	operators.Less: "fewer than", operators.LessEquals: "at most",
	operators.Greater: "more than", operators.GreaterEquals: "at least",
}

// words is the threshold in English: what stands on the left is said after the
// number if it counts, before it if it measures.
func (t *threshold) words() string {
	switch t.op {
	case operators.LogicalAnd:
		return t.parts[0].group() + " and " + t.parts[1].group()
	case operators.LogicalOr:
		return t.parts[0].group() + " or " + t.parts[1].group()
	case operators.LogicalNot:
		return "not (" + t.parts[0].words() + ")"
	}
	a, b, op := t.a, t.b, t.op
	if a.kind == "" {
		a, b, op = b, a, swapped[op]
	}
	if b.kind == "" && (a.kind == count || a.kind == Distinct) {
		return comparisonWords[op] + " " + b.num.String() + " " + a.words()
	}
	return a.words() + " of " + comparisonWords[op] + " " + b.words()
}

var swapped = map[string]string{
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}

func (t *threshold) group() string {
	if t.parts != nil && t.op != operators.LogicalNot {
		return "(" + t.words() + ")"
	}
	return t.words()
}

func (t *term) words() string {
	switch t.kind {
	case "":
		return t.num.String()
	case count:
		return "events"
	case Distinct:
		return "different values of " + t.what
	case Sum:
		return "a sum of " + t.what
	case Min:
		return "a smallest " + t.what
	default:
		return "a largest " + t.what
	}
}
