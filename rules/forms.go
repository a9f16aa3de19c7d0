package rules

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/form/absence"
	"github.com/tomeishi/tomeishi/rules/form/count"
	"github.com/tomeishi/tomeishi/rules/form/join"
	"github.com/tomeishi/tomeishi/rules/form/reconcile"
	"github.com/tomeishi/tomeishi/rules/form/record"
	"github.com/tomeishi/tomeishi/rules/form/sequence"
)

// Forms are the forms of event rules that this version has. Where several take
// a rule, the first does; the last is what is meant where nothing says which.
func Forms() []form.Form {
	return []form.Form{reconcile.Form{}, absence.Form{}, join.Form{}, sequence.Form{}, count.Form{}}
}

// formOf is the form of a rule that says this: the first whose first key it has, or
// the one that records, else the last that has any of its keys, else the last.
func (p *parser) formOf(said []strictyaml.Member) form.Form {
	if strictyaml.ValueOf(said, "record") != nil {
		return record.Form{}
	}
	for _, f := range p.forms {
		if strictyaml.ValueOf(said, f.Keys()[0].Name) != nil {
			return f
		}
	}
	for _, f := range slices.Backward(p.forms) {
		if slices.ContainsFunc(f.Keys(), func(k form.Key) bool { return strictyaml.ValueOf(said, k.Name) != nil }) {
			return f
		}
	}
	return p.forms[len(p.forms)-1]
}

// ofEvents tells whether only event rules have the key, and whether it makes a
// rule one even beside what is PromQL's.
func (p *parser) ofEvents(name string) (yes, whole bool) {
	if name == "limit" {
		return true, false
	}
	for _, f := range p.forms {
		for i, k := range f.Keys() {
			if k.Name == name {
				yes, whole = true, whole || i == 0
			}
		}
	}
	return yes, whole
}
