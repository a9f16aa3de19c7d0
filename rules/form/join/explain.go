package join

import (
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
)

// Explain implements form.Rule.
func (r *rule) Explain() string {
	var sides []string
	for i := range r.sides {
		sides = append(sides, r.side(i))
	}
	text := ", after an event of " + form.And(r.evaluated()) + " and within " + length(r.within) + " before it, " + r.when.Words() + ", where " + form.And(sides)
	if r.settle != 0 {
		text += "; sides may lag " + length(r.settle) + " behind each other"
	}
	return text
}

// evaluated are the sides after whose events the condition is asked.
func (r *rule) evaluated() (names []string) {
	for i := range r.sides {
		if r.sides[i].keyed {
			names = append(names, r.sides[i].name)
		}
	}
	return names
}

// side says what a side is.
func (r *rule) side(i int) string {
	s, source := &r.sides[i], &r.sources[i]
	text := s.name + " are the " + source.Event + " events" + form.OfOne(source.By)
	if !s.keyed {
		text += " of any key"
	}
	if source.Where != nil {
		text += " where " + form.OneLine(source.Where.String())
	}
	if s.maxAge != 0 {
		text += " (none if the newest is older than " + length(s.maxAge) + ")"
	}
	return text
}

func length(t int64) string { return strictyaml.DurationText(time.Duration(t)) }
