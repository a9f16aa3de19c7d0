package rules

import (
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// parsedGroup is a group while its keys are read.
type parsedGroup struct {
	promGroup
	labels []strictyaml.Member // as they stand there

	name, label, list, limit, offset *yaml.Node // nil if not there
}

// parsedItem is one rule of a group.
type parsedItem struct {
	at   *yaml.Node
	said []strictyaml.Member
}

// group reads one group. Rules on events and rules of PromQL may stand in it
// side by side; what the group says is held to the rules of both.
func (p *parser) group(n *yaml.Node) {
	if strictyaml.IsNull(n) {
		return // Go's YAML leaves it out of a list
	}
	g, before := &parsedGroup{}, p.Noted()
	said, ok := p.Members(n, "a group")
	if !ok {
		return
	}
	p.Known(said, "a group", []strictyaml.Key{
		{Name: "name", Null: true, Read: func(v *yaml.Node) { g.name = v; g.Name = p.title(v, "the group's name") }},
		{Name: "interval", Null: true, Read: func(v *yaml.Node) { g.Interval = p.metricDuration(v, "interval") }},
		{Name: "query_offset", Null: true, Read: func(v *yaml.Node) { g.offset = v; g.QueryOffset = p.metricDuration(v, "query_offset") }},
		{Name: "limit", Null: true, Read: func(v *yaml.Node) { g.limit = v; g.Limit = p.groupLimit(v) }},
		{Name: "labels", Null: true, Read: func(v *yaml.Node) { g.label = v }},
		{Name: "rules", Null: true, Read: func(v *yaml.Node) { g.list = v }},
	})
	if g.Name == "" {
		p.lacks(n, before, "the group has no name")
		return
	}
	p.unique(n, "group", p.File.Name+"\x00"+g.Name, strictyaml.Clip(g.Name))
	events, metrics := p.items(g)
	if len(metrics) > 0 || len(events) == 0 {
		p.metricRules(g, metrics)
		p.theirs.groups = append(p.theirs.groups, g)
	}
	if len(events) > 0 {
		p.eventRules(g, events, len(metrics) > 0)
	}
}

// items sorts the rules of a group by whose they are.
func (p *parser) items(g *parsedGroup) (events, metrics []parsedItem) {
	if g.list == nil {
		return nil, nil
	}
	p.Each(g.list, "rules", func(n *yaml.Node) {
		if strictyaml.IsNull(n) {
			return
		}
		said, ok := p.Members(n, "a rule")
		if !ok {
			return
		}
		counts, other := p.countsEvents(said)
		said, enabled := p.overridden(g.Name, said)
		item := parsedItem{n, said}
		switch {
		case other != nil:
			p.ErrorAt(other, "a rule has `expr` or `%s`, not both", other.Value)
		case !enabled:
		case counts:
			events = append(events, item)
		default:
			metrics = append(metrics, item)
		}
	})
	return events, metrics
}

// countsEvents tells by its keys whose a rule is. other is a key that makes one
// of PromQL a rule on events too.
func (p *parser) countsEvents(said []strictyaml.Member) (yes bool, other *yaml.Node) {
	promQL := strictyaml.ValueOf(said, "expr") != nil || strictyaml.ValueOf(said, "record") != nil && strictyaml.ValueOf(said, "event") == nil
	for _, m := range said {
		switch ours, whole := p.ofEvents(m.Key.Value); {
		case ours && !promQL:
			yes = true
		case whole:
			other = m.Key
		}
	}
	return yes, other
}

// eventRules reads the rules on events. If the group is shared, limit and
// query_offset are of its rules of PromQL.
func (p *parser) eventRules(g *parsedGroup, list []parsedItem, shared bool) {
	p.Ours = true
	p.name(g.name, "the group's name")
	if g.limit != nil && !shared {
		p.ErrorAt(g.limit, "not in this version: limit would bound the alerts of a whole group; give the rule a limit")
	}
	if g.offset != nil && !shared {
		p.ErrorAt(g.offset, "query_offset shifts the time of rules with `expr`, and this group has none")
	}
	var common []Pair
	if g.label != nil {
		common = p.labels(g.label)
	}
	for _, item := range list {
		p.rule(item, g.Name, common)
	}
}

// groupLimit reads a limit as Prometheus does, for which 0 is none.
func (p *parser) groupLimit(n *yaml.Node) (limit int) {
	if err := n.Decode(&limit); n.Kind != yaml.ScalarNode || err != nil {
		p.ErrorAt(n, "limit is a whole number, not %s", strictyaml.Clip(n.Value))
	}
	return limit
}

// title reads the name of a group, or of a rule of PromQL, for which
// Prometheus takes any text.
func (p *parser) title(n *yaml.Node, what string) string {
	s, ok := p.metricText(n, what)
	if ok && s == "" {
		p.ErrorAt(n, "%s is empty", what)
	}
	return s
}
