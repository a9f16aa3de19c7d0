package reconcile

import (
	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Explain implements form.Rule.
func (r *rule) Explain() string {
	a, b := first, second
	if !r.asked[first] {
		a, b = second, first
	}
	whose, partner := r.name(a), "of "+r.name(b)
	if r.asked[first] && r.asked[second] {
		whose, partner = r.name(a)+" or of "+r.name(b), "on the other side"
	}
	text := " an event of " + whose + " has none " + partner + " to itself, with the same " +
		same(r.sources[b].By, r.sources[a].By) + ", within " + strictyaml.DurationText(r.settle) + " before or after it"
	if len(r.sources) > except {
		text += ", nor one of " + what(&r.sources[except]) + " within " + strictyaml.DurationText(r.within)
	}
	if r.grace != min(r.settle, mostGrace) {
		text += ", or none is known " + strictyaml.DurationText(r.grace) + " later"
	}
	return text + "; it is over when one comes within " + strictyaml.DurationText(r.within)
}

// name is a side with what its events are.
func (r *rule) name(side int) string {
	return r.names[side] + " (" + what(&r.sources[side]) + ")"
}

func what(s *match.Source) string {
	if s.Where == nil {
		return s.Event
	}
	return s.Event + " where " + form.OneLine(s.Where.String())
}

// same are the fields that events of two sides have in common.
func same(by, of []match.Key) string {
	var words []string
	for i, k := range by {
		word := k.String()
		if other := of[i].String(); other != word {
			word += " as " + other
		}
		words = append(words, word)
	}
	return form.And(words)
}
