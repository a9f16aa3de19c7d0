package rules

import (
	"maps"
	"slices"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// What is private is masked where it is shown, by whoever shows it. Here it is only
// said under which names it comes: as labels of alerts, and as fields of holds. A rule
// counts the same whatever is private, and so its ID is the same.

// Private are the names, sorted, under which the set shows what is private: labels of
// alerts, fields that holds name, and the declared fields themselves. A name that is
// private of one type is private everywhere: whoever looks at a hold does not know of
// which type its customer was.
func (s *Set) Private() []string {
	if s == nil {
		return nil
	}
	names := map[string]bool{}
	for _, t := range s.Events {
		for _, f := range t.Private {
			names[f.Last()] = true
		}
	}
	if len(names) == 0 {
		return nil
	}
	for _, r := range s.Rules {
		for _, label := range s.privateLabels(r) {
			names[label] = true
		}
	}
	for _, m := range s.Mitigations {
		for _, n := range m.Match {
			if slices.ContainsFunc(n.Pieces, func(p Piece) bool { return names[p.Label] }) {
				names[n.Field] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// privateLabels are the labels of a rule's alerts that hold something private: of any
// of its sources, for the first one names the labels of all.
func (s *Set) privateLabels(r *Rule) (out []string) {
	for i, k := range r.By {
		if slices.ContainsFunc(r.Body.Sources(), func(from match.Source) bool {
			return i < len(from.By) && s.isPrivate(from.Event, from.By[i].Fields())
		}) {
			out = append(out, k.Label)
		}
	}
	return out
}

// isPrivate tells whether one of the fields of a type is private, or holds something
// that is, or stands in it.
func (s *Set) isPrivate(event string, fields []match.Field) bool {
	return slices.ContainsFunc(s.Events, func(t *EventType) bool {
		return t.Name == event && slices.ContainsFunc(t.Private, func(f match.Field) bool {
			return slices.ContainsFunc(fields, f.Overlaps)
		})
	})
}

// showing finds rules that show what is private where nothing masks it: as numbers,
// and in series.
func (p *parser) showing(set *Set) {
	if set.Private() == nil {
		return
	}
	for _, r := range p.rules {
		if r.Records {
			if labels := set.privateLabels(r.Rule); len(labels) > 0 {
				r.findingf("the series of %s show %s, which is private, to everybody who may query: leave it out of `by`", strictyaml.Clip(r.Name), labels[0])
			}
		}
		for _, from := range r.Body.Sources() {
			for _, v := range from.Values {
				if !v.Apart() && set.isPrivate(from.Event, v.Fields) {
					r.findingf("the rule %s counts with %s, which is private, and what it counts is shown to everybody: take it out of `private` of %s, or out of the rule", strictyaml.Clip(r.Name), v.Fields[0], from.Event)
				}
			}
		}
	}
}
