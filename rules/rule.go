package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
)

type parsedRule struct {
	*Rule
	place
	said     []strictyaml.Member // its keys
	uses     []parsedUse
	findings []finding
	broken   bool // an error was noted in it
}

// A finding is noted if there are no errors.
type finding struct {
	place
	text string
}

// find notes a finding of the rule.
func (r *parsedRule) find(at place, format string, args ...any) {
	r.findings = append(r.findings, finding{at, fmt.Sprintf(format, args...)})
}

type parsedUse struct {
	name string
	mode Mode
	place
}

const (
	defaultLimit = 1000
	maxLimit     = 100_000
)

// rule reads a rule on events: what every rule says here, what it means by its
// form.
func (p *parser) rule(item parsedItem, group string, common []Pair) {
	n, before := item.at, p.Noted()
	r := &parsedRule{Rule: &Rule{File: p.File.Name, Line: n.Line, Group: group, Limit: defaultLimit}, place: p.here(n), said: item.said}
	f := p.formOf(item.said)
	draft := f.Begin(formReader{p, r})
	p.Unmerged(n)
	p.Known(item.said, "a rule", p.ruleKeys(r, f, draft))
	p.needs(item, f)
	if r.Name != "" {
		p.unique(n, "rule", group+"\x00"+r.Name, strictyaml.Clip(r.Name)+" in group "+strictyaml.Clip(group))
	}
	r.Labels = merge(common, r.Labels)
	if r.Records {
		p.series(n, r)
	}
	for _, k := range r.By {
		if slices.ContainsFunc(r.Labels, func(l Pair) bool { return l.Name == k.Label }) {
			p.ErrorAt(n, "the label %s is set twice: by labels and by `by`", k.Label)
		}
	}
	if r.Body = draft.Rule(); r.Body != nil {
		var d form.Digest
		r.Body.Identify(&d, r.Group, r.Name)
		r.ID = d.Sum()
	}
	r.broken = r.Body == nil || p.Noted() > before
	p.keepsCertainty(n, r, f) // what was accepted before this was asked counts
	p.rules = append(p.rules, r)
}

// ruleKeys are the keys of every rule and those of its form.
func (p *parser) ruleKeys(r *parsedRule, f form.Form, draft form.Draft) []strictyaml.Key {
	keys := []strictyaml.Key{
		{Name: "alert", Read: func(v *yaml.Node) { r.Name = p.name(v, "the rule's name") }},
	}
	if strictyaml.ValueOf(r.said, "record") != nil {
		r.Records = true
		keys = p.recordKeys(r)
	}
	for _, k := range f.Keys() {
		keys = append(keys, strictyaml.Key{Name: k.Name, Read: func(v *yaml.Node) { draft.Read(k.Name, v) }})
	}
	for _, k := range p.alertKeys(r) {
		if !slices.ContainsFunc(keys, func(old strictyaml.Key) bool { return old.Name == k.Name }) {
			keys = append(keys, k)
		}
	}
	return keys
}

// alertKeys are those of every rule that raises an alert, beside its name.
func (p *parser) alertKeys(r *parsedRule) []strictyaml.Key {
	return []strictyaml.Key{
		{Name: "labels", Read: func(v *yaml.Node) { r.Labels = p.labels(v) }},
		{Name: "annotations", Read: func(v *yaml.Node) { r.Annotations = p.annotations(v) }},
		{Name: "mitigate", Read: func(v *yaml.Node) { p.Each(v, "mitigate", func(n *yaml.Node) { r.uses = p.use(n, r.uses) }) }},
		{Name: "limit", Read: func(v *yaml.Node) { r.Limit = p.number(v, "limit is a number of alerts", maxLimit) }},
		{Name: "keep_firing_for", Read: func(v *yaml.Node) { r.KeepFiring = p.duration(v, "keep_firing_for", false) }},
		{Name: "for", Read: func(v *yaml.Node) { r.For = p.duration(v, "for", false) }},
	}
}

// needs notes what every rule of the form has and this one lacks.
func (p *parser) needs(item parsedItem, f form.Form) {
	need := func(name, what, must string) {
		if must != "" && strictyaml.ValueOf(item.said, name) == nil {
			p.Lacks(item.at, item.said, name, "the rule has no %s: %s", what, must)
		}
	}
	if strictyaml.ValueOf(item.said, "record") == nil {
		need("alert", "name", "write `alert: Name`")
	}
	for _, k := range f.Keys() {
		need(k.Name, k.Name, k.Must)
	}
}

func (p *parser) eventType(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		p.ErrorAt(n, "event is one event type, a text")
		return "?" // it was noted
	}
	s := p.name(n, "event")
	if strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "*") {
		p.ErrorAt(n, "%s is not an event type: it is one word, such as payout.sent, without * and spaces", strictyaml.Clip(s))
	}
	return s
}

// number reads a whole number from 1 to most.
func (p *parser) number(n *yaml.Node, what string, most int) int {
	number, err := strconv.Atoi(n.Value)
	if err != nil || number < 1 || number > most {
		p.ErrorAt(n, "%s from 1 to %d, not %s", what, most, strictyaml.Clip(n.Value))
	}
	return number
}

// use reads a mitigation's name, or {use: name, mode: mode}, and adds it.
func (p *parser) use(n *yaml.Node, uses []parsedUse) []parsedUse {
	use, before := parsedUse{place: p.here(n)}, p.Noted()
	if n.Kind == yaml.MappingNode {
		p.Mapping(n, "an entry of mitigate", []strictyaml.Key{
			{Name: "use", Read: func(v *yaml.Node) { use.name, use.place = p.name(v, "use"), p.here(v) }},
			{Name: "mode", Read: func(v *yaml.Node) { use.mode = p.mode(v) }},
		})
		if use.name == "" {
			p.lacks(n, before, "an entry of mitigate is a name or {use: name, mode: mode}")
			return uses
		}
	} else if use.name = p.name(n, "an entry of mitigate"); use.name == "" {
		return uses
	}
	if slices.ContainsFunc(uses, func(u parsedUse) bool { return u.name == use.name }) {
		p.ErrorAt(n, "the rule names the mitigation %s twice", strictyaml.Clip(use.name))
	}
	return append(uses, use)
}

// merge puts what a rule says over what its group says.
func merge(group, rule []Pair) []Pair {
	out := slices.DeleteFunc(slices.Clone(group), func(g Pair) bool {
		return slices.ContainsFunc(rule, func(r Pair) bool { return r.Name == g.Name })
	})
	return append(out, rule...)
}
