package rules

import "slices"

// link finds what names refer to, in whatever file it stands.
func (p *parser) link() {
	for _, m := range p.mitigations {
		i := slices.IndexFunc(p.gates, func(g *parsedGate) bool { return g.Name == m.Target })
		switch {
		case m.Target == "":
		case i >= 0:
			p.gates[i].used = true
		default:
			m.target.errorf("there is no gate %s%s", clip(m.Target), nearest(m.Target, names(p.gates, func(g *parsedGate) string { return g.Name })))
		}
	}
	for _, r := range p.rules {
		for i, use := range r.uses {
			m := slices.IndexFunc(p.mitigations, func(m *parsedMitigation) bool { return m.Name == use.name })
			if m < 0 {
				use.errorf("there is no mitigation %s%s", clip(use.name), nearest(use.name, names(p.mitigations, func(m *parsedMitigation) string { return m.Name })))
				continue
			}
			p.mitigations[m].used = true
			r.Mitigate[i].Mitigation = &p.mitigations[m].Mitigation
		}
	}
}

// findings are what is probably not meant in a set without errors.
func (p *parser) findings() {
	for _, r := range p.rules {
		for _, v := range r.Values {
			if v.Kind == Same {
				asset := v.Paths[0]
				r.threshold.findingf("amounts of different assets cannot be compared or added, and a window that holds some raises no alert and is an error of the rule: add %s to `by`, or name it in `where`, as in `%s == \"BTC\"` (or `!has(%s)` where there is none)", asset, asset, asset)
			}
		}
	}
	for _, g := range p.gates {
		switch {
		case !g.modeSaid:
			g.findingf("the gate %s is in shadow because it names no mode: it will stop nothing", g.Name)
		case !g.used:
			g.findingf("no mitigation names the gate %s: only people can close it", g.Name)
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
}

func names[T any](list []T, name func(T) string) (out []string) {
	for _, v := range list {
		out = append(out, name(v))
	}
	return out
}

// set is what was read, once it has no errors.
func (p *parser) set() *Set {
	s := &Set{}
	for _, r := range p.rules {
		s.Rules = append(s.Rules, r.Rule)
	}
	for _, g := range p.gates {
		s.Gates = append(s.Gates, &g.Gate)
	}
	for _, m := range p.mitigations {
		s.Mitigations = append(s.Mitigations, &m.Mitigation)
	}
	return s
}
