package rules

import (
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
)

// Explain says the rule as one sentence, which does not repeat its name.
func (r *Rule) Explain() string {
	if r.Records {
		return "records " + r.Body.Explain() + "."
	}
	return "raises " + severity(r.Labels) + " when" + r.Body.Explain() + lasting(r.For) + kept(r.KeepFiring) + consequences(r.Mitigate) + "."
}

// Explain says the rule as one sentence, which does not repeat its name.
func (r *MetricRule) Explain() string {
	text := "raises " + severity(r.Labels) + " when " + form.OneLine(r.Expr) + " holds"
	if r.For > 0 {
		text += " for " + strictyaml.DurationText(r.For)
	}
	return text + kept(r.KeepFiring) + consequences(r.Mitigate) + "."
}

// Explain says the rule as one sentence, which does not repeat its name.
func (r *RecordingRule) Explain() string { return "records " + form.OneLine(r.Expr) + "." }

// lasting says how long it must be so before it is told.
func lasting(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", without a break for " + strictyaml.DurationText(d)
}

// kept says how long an alert stands when what raised it is over.
func kept(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", and keeps it for " + strictyaml.DurationText(d) + " longer"
}

func consequences(mitigate []Use) string {
	var uses []string
	for _, use := range mitigate {
		uses = append(uses, use.words())
	}
	if uses == nil {
		return ""
	}
	return "; when it raises the alert, it " + strings.Join(uses, ", and ")
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
	does, doing, done, what := "closes", "closing", "closed", "the gate "+m.Target
	if m.Action == GateHold {
		does, doing, done, what = "holds", "holding", "held", m.held()+" at "+what
	}
	switch Effective(u.Mode, m.Mode) {
	case Enforce:
		return does + " " + what + " (if the gate enforces)"
	case Approve:
		return "asks a person to approve " + doing + " " + what
	default:
		return "notes that it would have " + done + " " + what
	}
}

// held is which payments it holds.
func (m *Mitigation) held() string {
	var parts []string
	for _, n := range m.Match {
		if len(n.Pieces) == 1 && n.Pieces[0].Label == n.Field {
			parts = append(parts, "its "+n.Field)
		} else {
			parts = append(parts, "the "+n.Field+" "+n.String())
		}
	}
	return "the payments of " + form.And(parts)
}
