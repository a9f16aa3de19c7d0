package rules

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// An Override is one thing that a rule file changes of a rule that stands elsewhere.
type Override struct {
	File        string // in which it stands
	Group, Rule string
	Key         string // of the rule, or a label as in labels.severity; disable
	Was, Is     string // as written; Was is empty where the rule did not say it
}

// parsedOverrides are what one entry of `overrides` says of the rules of a name.
type parsedOverrides struct {
	place         // of the name
	alert, group  string
	set           []strictyaml.Member
	disable, used bool
}

// readOverrides reads what is changed of rules that may stand in other files. What
// is set is read as if it stood in the rule.
func (p *parser) readOverrides(n *yaml.Node) {
	p.Each(n, "overrides", func(n *yaml.Node) {
		o := &parsedOverrides{place: p.here(n)}
		before, sets := p.Noted(), false
		ok := p.Mapping(n, "an entry of overrides", []strictyaml.Key{
			{Name: "alert", Read: func(v *yaml.Node) { o.place = p.here(v); o.alert, _ = p.Text(v, "alert") }},
			{Name: "group", Read: func(v *yaml.Node) { o.group, _ = p.Text(v, "group") }},
			{Name: "set", Read: func(v *yaml.Node) { sets = true; p.readSet(v, o) }},
			{Name: "disable", Read: func(v *yaml.Node) {
				if o.disable = v.Value == "true"; !o.disable || v.Kind != yaml.ScalarNode {
					p.ErrorAt(v, "disable is true, or is not there")
				}
			}},
		})
		switch {
		case !ok:
		case o.alert == "":
			p.lacks(n, before, "an override names the rule that it changes: write {alert: NAME, set: {for: 10m}} or {alert: NAME, disable: true}")
		case sets == o.disable:
			p.lacks(n, before, "an override has either `set`, as in set: {for: 10m}, or disable: true")
		default:
			p.overrides[o.alert] = append(p.overrides[o.alert], o)
		}
	})
}

// readSet reads the keys that are set. Those that make a rule what it is cannot be.
func (p *parser) readSet(n *yaml.Node, o *parsedOverrides) {
	said, ok := p.Members(n, "set")
	if !ok {
		return
	}
	for _, m := range said {
		switch {
		case p.making(m.Key.Value):
			p.ErrorAt(m.Key, "an override cannot change `%s`: that would be another rule; write one of your own, and disable this one", m.Key.Value)
		case strictyaml.IsNull(m.Value):
			p.ErrorAt(m.Key, "%s has no value", m.Key.Value)
		case pairsOf(m.Key.Value) && m.Value.Kind != yaml.MappingNode:
			p.WrongKind(m.Value, m.Key.Value, "a mapping (name: text)")
		default:
			o.set = append(o.set, m)
		}
	}
}

// making tells whether a key makes a rule what it is.
func (p *parser) making(key string) bool {
	if slices.Contains([]string{"alert", "record", "event", "by"}, key) {
		return true
	}
	_, whole := p.ofEvents(key)
	return whole
}

// pairsOf tells whether the value of a key is changed name by name.
func pairsOf(key string) bool { return key == "labels" || key == "annotations" }

// overridden is what a rule says with its overrides, false if it is disabled.
func (p *parser) overridden(group string, said []strictyaml.Member) ([]strictyaml.Member, bool) {
	alert := strictyaml.ValueOf(said, "alert")
	if alert == nil {
		return said, true
	}
	p.alerts[alert.Value] = true
	by := map[string]bool{} // what was set of this rule
	for _, o := range p.overrides[alert.Value] {
		if o.group != "" && o.group != group {
			continue
		}
		o.used = true
		of := Override{File: o.in.File.Name, Group: group, Rule: alert.Value}
		if o.disable {
			of.Key, of.Is = "disable", "true"
			p.changes = append(p.changes, of)
			return nil, false
		}
		said = slices.Clone(said)
		for _, m := range o.set {
			p.override(&said, m, o, of, by)
		}
	}
	return said, true
}

// override makes one key say something else.
func (p *parser) override(said *[]strictyaml.Member, m strictyaml.Member, o *parsedOverrides, of Override, by map[string]bool) {
	old := strictyaml.ValueOf(*said, m.Key.Value)
	change := func(key string, at, was, is *yaml.Node) bool {
		if by[key] {
			o.in.ErrorAt(at, "`%s` of the rule %s is overridden twice", key, strictyaml.Clip(of.Rule))
			return false
		}
		by[key] = true
		of.Key, of.Was, of.Is = key, oneLine(was), oneLine(is)
		p.changes = append(p.changes, of)
		return true
	}
	switch {
	case pairsOf(m.Key.Value):
		m.Value = p.pairsSet(old, m, o, change)
	case change(m.Key.Value, m.Key, old, m.Value):
		p.Adopt(m.Value, o.in)
	default:
		return
	}
	p.Adopt(m.Key, o.in)
	*said = slices.DeleteFunc(*said, func(s strictyaml.Member) bool { return s.Key.Value == m.Key.Value })
	*said = append(*said, m)
}

// pairsSet is labels or annotations with those that are set in their places.
func (p *parser) pairsSet(old *yaml.Node, m strictyaml.Member, o *parsedOverrides, change func(key string, at, was, is *yaml.Node) bool) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: m.Value.Line, Column: m.Value.Column}
	if old != nil && old.Kind == yaml.MappingNode {
		out.Content = slices.Clone(old.Content)
	}
	for i := 0; i+1 < len(m.Value.Content); i += 2 {
		k, v := m.Value.Content[i], m.Value.Content[i+1]
		p.Adopt(k, o.in)
		p.Adopt(v, o.in)
		at := -1
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == k.Value {
				at = j
			}
		}
		var was *yaml.Node
		if at >= 0 {
			was = out.Content[at+1]
		}
		switch {
		case !change(m.Key.Value+"."+k.Value, k, was, v):
		case at >= 0:
			out.Content[at], out.Content[at+1] = k, v
		default:
			out.Content = append(out.Content, k, v)
		}
	}
	return out
}

// linkOverrides sees to it that each override is of a rule that there is.
func (p *parser) linkOverrides() {
	for name, all := range p.overrides { // problems are sorted
		for _, o := range all {
			switch {
			case o.used:
			case p.alerts[name]:
				o.errorf("there is no rule %s in a group %s", strictyaml.Clip(name), strictyaml.Clip(o.group))
			default:
				o.errorf("there is no rule %s%s", strictyaml.Clip(name), strictyaml.Nearest(name, slices.Sorted(maps.Keys(p.alerts))))
			}
		}
	}
}

// oneLine is a value as one would write it on one line.
func oneLine(n *yaml.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind == yaml.AliasNode:
		return oneLine(n.Alias)
	case n.Kind == yaml.ScalarNode:
		return strings.Join(strings.Fields(n.Value), " ")
	}
	flat := *n
	flat.Style, flat.Anchor = yaml.FlowStyle, ""
	text, err := yaml.Marshal(&flat)
	if err != nil {
		return "…"
	}
	return strings.Join(strings.Fields(string(text)), " ")
}
