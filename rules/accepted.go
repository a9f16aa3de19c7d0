package rules

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
)

// Accepted reads files that were accepted before, perhaps by a version that
// asked for less. What has an error now is left out, and said in the problems;
// all else means what it meant, and a gate stays. A check that became stricter
// thus keeps nobody from starting, and opens nothing.
func Accepted(forms []form.Form, files []File) (*Set, Problems) {
	var problems Problems
	p := newParser(forms, &problems)
	for _, f := range files {
		p.open(f, true)
	}
	p.readAll(nil)
	p.rules = slices.DeleteFunc(p.rules, func(r *parsedRule) bool { return r.broken })
	p.metrics = slices.DeleteFunc(p.metrics, func(m *parsedMetric) bool { return m.broken })
	for _, g := range p.gates {
		if g.broken { // a gate never goes: what cannot be read of it is taken for the strictest
			g.strictest()
		}
	}
	p.mitigations = slices.DeleteFunc(p.mitigations, func(m *parsedMitigation) bool { return m.broken })
	p.link()
	problems.Sort(namesOf(files))
	return p.set(), problems
}
