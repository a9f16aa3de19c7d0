package rules

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// parsedMetric is a rule of PromQL while it is read, recording ones included.
type parsedMetric struct {
	promRule
	place
	group *parsedGroup
	said  []strictyaml.Member // its keys
	uses  []parsedUse

	labels, annotations []strictyaml.Member // as they stand there

	broken bool           // an error was noted in it
	rule   *MetricRule    // nil if it records
	record *RecordingRule // nil if it alerts
}

func (p *parser) metricRules(g *parsedGroup, list []parsedItem) {
	before := p.Noted()
	if g.label != nil {
		g.Labels, g.labels = p.textMap(g.label, "labels")
	}
	if p.Noted() > before {
		g.label = nil // once is enough
	}
	for _, item := range list {
		if p.Exhausted() {
			return
		}
		m := &parsedMetric{place: p.here(item.at), group: g, said: item.said}
		noted := p.Noted()
		sound := p.metricRule(m)
		m.broken = !sound || p.Noted() > noted
		p.metrics = append(p.metrics, m)
		p.theirs.rules = append(p.theirs.rules, m) // what is not sound may have more errors
		if sound {
			g.Rules = append(g.Rules, m.promRule)
		}
	}
}

// metricRule reads a rule that Prometheus evaluates, and reports whether it is
// one.
func (p *parser) metricRule(m *parsedMetric) bool {
	before := p.Noted()
	p.Known(p.withoutEvents(m.said), "a rule with `expr`", p.metricKeys(m))
	if p.Exhausted() {
		return false
	}
	p.complete(m)
	labels := len(m.group.Labels) + len(m.promRule.Labels) + len(m.promRule.Annotations)
	if p.Noted() > before || !p.spend(m.at, ruleSize+labels*pairSize) {
		return false
	}
	if m.Record != "" {
		m.record = &RecordingRule{File: p.File.Name, Group: m.group.Name, Name: m.Record, Expr: m.Expr}
	} else {
		m.rule = m.alerting(p.File.Name)
	}
	return true
}

// withoutEvents notes keys that belong to rules on events, and is the others.
func (p *parser) withoutEvents(said []strictyaml.Member) []strictyaml.Member {
	theirs := func(m strictyaml.Member) bool {
		yes, _ := p.ofEvents(m.Key.Value)
		return yes
	}
	if !slices.ContainsFunc(said, theirs) {
		return said
	}
	for _, m := range said {
		if theirs(m) {
			p.ErrorAt(m.Key, "`%s` belongs to rules on events, and this rule has `expr`", m.Key.Value)
		}
	}
	return slices.DeleteFunc(slices.Clone(said), theirs)
}

// complete notes what a rule lacks, or has too much of.
func (p *parser) complete(m *parsedMetric) {
	expr, record, mitigate := strictyaml.ValueOf(m.said, "expr"), strictyaml.ValueOf(m.said, "record"), strictyaml.ValueOf(m.said, "mitigate")
	switch {
	case expr == nil && record == nil:
		p.Lacks(m.at, m.said, "expr", "the rule has neither `expr` (PromQL) nor `event`")
	case m.Expr == "":
		p.Lacks(m.at, m.said, "expr", "the rule has no `expr`: write what PromQL shall evaluate, as in `expr: up == 0`")
	}
	switch {
	case m.Record == "" && m.Alert == "" && record != nil:
		p.Lacks(m.at, m.said, "record", "the rule has no name: write `record: name`")
	case m.Record == "" && m.Alert == "":
		p.Lacks(m.at, m.said, "alert", "the rule has no name: write `alert: Name`, or `record: name` if it records")
	case m.Record != "" && m.Alert != "":
		p.ErrorAt(record, "a rule has `alert` or `record`, not both")
	case m.Record != "" && mitigate != nil:
		p.ErrorAt(mitigate, "a rule that records raises no alert: `mitigate` belongs to rules with `alert`")
	}
}

// alerting is the rule as others see it, with the labels of its group, over
// which its own win.
func (m *parsedMetric) alerting(file string) *MetricRule {
	labels := map[string]string{}
	maps.Copy(labels, m.group.Labels)
	maps.Copy(labels, m.promRule.Labels)
	r := &MetricRule{
		File: file, Group: m.group.Name, Name: m.Alert, Expr: m.Expr,
		For: lengthOfText(m.For), KeepFiring: lengthOfText(m.KeepFiringFor),
		Labels: sorted(labels), Annotations: sorted(m.promRule.Annotations),
	}
	r.ID = r.identity()
	return r
}

// lengthOfText is the length of a duration that was found to be one, or none.
func lengthOfText(s string) time.Duration {
	d, _ := strictyaml.ParseDuration(s)
	return d
}

func (p *parser) metricKeys(m *parsedMetric) []strictyaml.Key {
	r := &m.promRule
	return []strictyaml.Key{
		{Name: "alert", Null: true, Read: func(v *yaml.Node) { r.Alert, _ = p.metricText(v, "the rule's name") }},
		{Name: "record", Null: true, Read: func(v *yaml.Node) { r.Record, _ = p.metricText(v, "record") }},
		{Name: "expr", Null: true, Read: func(v *yaml.Node) { r.Expr, _ = p.metricText(v, "expr") }},
		{Name: "for", Null: true, Read: func(v *yaml.Node) { r.For = p.metricDuration(v, "for") }},
		{Name: "keep_firing_for", Null: true, Read: func(v *yaml.Node) { r.KeepFiringFor = p.metricDuration(v, "keep_firing_for") }},
		{Name: "labels", Null: true, Read: func(v *yaml.Node) { r.Labels, m.labels = p.textMap(v, "labels") }},
		{Name: "annotations", Null: true, Read: func(v *yaml.Node) { r.Annotations, m.annotations = p.textMap(v, "annotations") }},
		{Name: "mitigate", Read: func(v *yaml.Node) {
			p.Ours = true
			p.Each(v, "mitigate", func(n *yaml.Node) { m.uses = p.use(n, m.uses) })
		}},
	}
}
