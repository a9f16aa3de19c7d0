package rules

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// link finds what names refer to, in whatever file it stands.
func (p *parser) link() {
	gates := byName(p.gates, func(g *parsedGate) string { return g.Name })
	for _, m := range p.mitigations {
		switch g := gates[m.Target]; {
		case m.Target == "":
		case g != nil:
			g.used = true
		default:
			m.target.errorf("there is no gate %s%s", strictyaml.Clip(m.Target), strictyaml.Nearest(m.Target, names(p.gates, func(g *parsedGate) string { return g.Name })))
		}
	}
	p.linkOverrides()
	p.linkEvents()
	for _, r := range p.rules {
		if r.Body != nil {
			p.respell(r)
			p.relist(r)
			p.linkMoney(r)
		}
	}
	mitigations := byName(p.mitigations, func(m *parsedMitigation) string { return m.Name })
	for _, r := range p.rules {
		r.Mitigate = p.resolve(r.uses, mitigations)
		p.unnamed(r, mitigations)
	}
	for _, m := range p.metrics {
		if uses := p.resolve(m.uses, mitigations); m.rule != nil {
			m.rule.Mitigate = uses
		}
	}
	p.twins(func(m, other *parsedMetric) {
		if len(m.uses)+len(other.uses) > 0 {
			m.errorf("the rule %s stands twice, first on line %d: with `mitigate` it must stand once", strictyaml.Clip(m.Alert), other.at.Line)
		}
	})
}

// byName finds things by their names; of two of one name, the first.
func byName[T any](list []*T, name func(*T) string) map[string]*T {
	out := make(map[string]*T, len(list))
	for _, v := range slices.Backward(list) {
		out[name(v)] = v
	}
	return out
}

// resolve finds the mitigations that a rule names.
func (p *parser) resolve(uses []parsedUse, known map[string]*parsedMitigation) (out []Use) {
	for _, use := range uses {
		m := known[use.name]
		if m == nil {
			use.errorf("there is no mitigation %s%s", strictyaml.Clip(use.name), strictyaml.Nearest(use.name, names(p.mitigations, func(m *parsedMitigation) string { return m.Name })))
			continue
		}
		m.used = true
		out = append(out, Use{&m.Mitigation, use.mode})
	}
	return out
}

// twins goes through rules of PromQL whose alerts cannot be told apart from
// those of another one. Prometheus takes them; but what is done about an alert
// must not depend on which is meant.
func (p *parser) twins(do func(m, other *parsedMetric)) {
	first := map[[16]byte]*parsedMetric{}
	for _, m := range p.metrics {
		switch {
		case m.rule == nil:
		case first[m.rule.ID] == nil:
			first[m.rule.ID] = m
		default:
			do(m, first[m.rule.ID])
		}
	}
}

// findings are what is probably not meant in a set without errors.
func (p *parser) findings(set *Set) {
	unguarded := map[string]bool{}
	for _, gate := range set.Unguarded() {
		unguarded[gate] = true
	}
	p.trusting()
	p.homeless()
	p.idleVars()
	p.idleLists()
	for _, r := range p.rules {
		p.strangers(r)
		for _, f := range r.findings {
			f.findingf("%s", f.text)
		}
	}
	p.twins(func(m, other *parsedMetric) {
		m.findingf("the rule %s stands twice, first on line %d: the alerts of both are the same ones", strictyaml.Clip(m.Alert), other.at.Line)
	})
	for _, m := range p.metrics {
		p.hasty(m, set)
	}
	for _, g := range p.gates {
		g.restless()
		switch {
		case !g.modeSaid:
			g.findingf("the gate %s is in shadow because it names no mode: it will stop nothing", g.Name)
		case g.ByPeople, g.Mode == Enforce && !unguarded[g.Name]:
		case !g.used:
			g.findingf("no mitigation names the gate %s: only people can close it; say `closed_by: people` if that is meant", g.Name)
		case g.Mode == Enforce:
			g.findingf("no rule closes the gate %s by itself, or holds payments at it: its mode is enforce, and so must be those of a rule's mitigation of it, of a parent or of all its children; say `closed_by: people` if that is meant", g.Name)
		}
	}
	for _, m := range p.mitigations {
		switch {
		case !m.modeSaid:
			m.findingf("the mitigation %s is in shadow because it names no mode: it will stop nothing", m.Name)
		case !m.used:
			m.findingf("no rule names the mitigation %s", m.Name)
		}
	}
	p.unasked()
	p.showing(set)
}

// hasty finds a rule that would close a gate about a single sample. It is quiet
// if the rule says `for: 0s`.
func (p *parser) hasty(m *parsedMetric, set *Set) {
	if m.rule == nil || strictyaml.ValueOf(m.said, "for") != nil {
		return
	}
	for i, use := range m.rule.Mitigate {
		if use.Mitigation.Action == GateClose && Effective(use.Mode, use.Mitigation.Mode, set.gates[use.Mitigation.Target].Mode) == Enforce {
			m.uses[i].findingf("the gate %s closes at the first evaluation that finds this true: give the rule a `for`, such as 1m, or `for: 0s` if that is meant", use.Mitigation.Target)
		}
	}
}

func names[T any](list []T, name func(T) string) (out []string) {
	for _, v := range list {
		out = append(out, name(v))
	}
	return out
}

// set is what was read, once it has no errors.
func (p *parser) set() *Set {
	s := &Set{Prometheus: p.prometheus, Overrides: p.changes}
	var sources [][]match.Source
	for _, r := range p.rules {
		s.Rules = append(s.Rules, r.Rule)
		sources = append(sources, p.sources(r))
	}
	s.index = match.NewIndex(sources)
	for _, t := range p.types {
		if len(t.Sources) > 0 {
			s.index.Admit(t.Name, t.Sources)
		}
	}
	for _, m := range p.metrics {
		if m.rule != nil {
			s.Metrics = append(s.Metrics, m.rule)
		} else {
			s.Recording = append(s.Recording, m.record)
		}
	}
	for _, g := range p.gates {
		s.Gates = append(s.Gates, &g.Gate)
	}
	s.gates = byName(s.Gates, func(g *Gate) string { return g.Name })
	for _, m := range p.mitigations {
		s.Mitigations = append(s.Mitigations, &m.Mitigation)
	}
	for _, t := range p.types {
		s.Events = append(s.Events, &t.EventType)
	}
	return s
}
