package count

import (
	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
)

// Explain implements form.Rule. A number of events alone is said of the events
// themselves, everything else of what is among them.
func (r *rule) Explain() string {
	words, of, one := r.when.Counts()
	if of == nil || r.measures[of.Of] != (measure{of: number, value: -1}) {
		return ", among " + r.source.Event + " events" + r.which() + ", " + r.when.Words() + r.late()
	}
	noun := of.Many
	if one {
		noun = of.One
	}
	return " " + words + " " + r.source.Event + " " + noun + r.which() + r.late()
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
