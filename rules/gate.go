package rules

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

type parsedGate struct {
	Gate
	place
	modeSaid, used bool
	broken         bool // an error was noted in it
}

type parsedMitigation struct {
	Mitigation
	place
	target         place
	match          *yaml.Node // nil if it has none
	modeSaid, used bool
	broken         bool // an error was noted in it
}

const (
	defaultLease = 30 * time.Second
	maxGates     = 10_000 // of a set: the list of them is read whole by every agent
)

func (p *parser) gate(n *yaml.Node) {
	g := &parsedGate{place: p.here(n)}
	g.Mode, g.Lease, g.Opening = Shadow, defaultLease, Opening{Approvals: 1}
	before := p.Noted()
	ok := p.Mapping(n, "a gate", []strictyaml.Key{
		{Name: "name", Read: func(v *yaml.Node) {
			if g.Name = p.name(v, "the gate's name"); g.Name != "" && !gateName(g.Name) {
				p.ErrorAt(v, "%s is not a gate name: segments of a-z 0-9 . _ - joined by /, at most 128 bytes, none of them ., .., open, close or check", strictyaml.Clip(g.Name))
			}
		}},
		{Name: "mode", Read: func(v *yaml.Node) { g.Mode, g.modeSaid = p.mode(v), true }},
		{Name: "if_unreachable", Read: func(v *yaml.Node) {
			switch s, ok := p.Text(v, "if_unreachable"); {
			case ok && s == "keep":
				g.IfUnreachable = Keep
			case ok && s != "close":
				p.ErrorAt(v, "if_unreachable is close or keep, not %s", strictyaml.Clip(s))
			}
		}},
		{Name: "lease", Read: func(v *yaml.Node) {
			if g.Lease = p.duration(v, "lease", true); g.Lease > 0 && (g.Lease < time.Second || g.Lease > time.Hour) {
				p.ErrorAt(v, "a lease is between 1s and 1h")
			}
		}},
		{Name: "open", Read: func(v *yaml.Node) { g.Opening = p.opening(v) }},
		{Name: "asks", Read: func(v *yaml.Node) {
			p.Each(v, "asks", func(n *yaml.Node) { g.asks(p, n) })
		}},
		{Name: "closed_by", Read: func(v *yaml.Node) {
			if s, ok := p.Text(v, "closed_by"); ok && s != "people" {
				p.ErrorAt(v, "closed_by is people, who close this gate by hand, not %s; rules close it by a mitigation that names it", strictyaml.Clip(s))
			}
			g.ByPeople = true
		}},
		{Name: "claims", Not: "would say how long a claim on this gate lasts"},
	})
	if !ok {
		return
	}
	if g.Name == "" {
		p.lacks(n, before, "the gate has no name")
		return
	}
	p.unique(n, "gate", g.Name, strictyaml.Clip(g.Name))
	if len(p.gates) == maxGates {
		p.ErrorAt(n, "more than %d gates: agents could not be told of all", maxGates)
	}
	g.broken = p.Noted() > before
	p.gates = append(p.gates, g)
}

// asks reads one field that an ask must name.
func (g *parsedGate) asks(p *parser, n *yaml.Node) {
	switch s, ok := p.Text(n, "asks"); {
	case !ok:
	case !slices.Contains(report.Matchable, s):
		p.ErrorAt(n, "an ask names %s, not %s", strings.Join(report.Matchable, ", "), strictyaml.Clip(s))
	case !slices.Contains(g.Asks, s):
		g.Asks = append(g.Asks, s)
	}
}

// gateName tells whether s can name a gate.
func gateName(s string) bool {
	if len(s) > 128 {
		return false
	}
	for segment := range strings.SplitSeq(s, "/") {
		switch segment {
		case "", ".", "..", "open", "close", "check":
			return false
		}
		if strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			return false
		}
	}
	return true
}

// mode reads a mode. A wrong one is noted and taken as the weakest.
func (p *parser) mode(n *yaml.Node) Mode {
	s, ok := p.Text(n, "mode")
	if !ok {
		return Shadow
	}
	var m Mode
	if err := m.UnmarshalText([]byte(s)); err != nil || m == 0 {
		p.ErrorAt(n, "mode is shadow, approve or enforce, not %s%s", strictyaml.Clip(s), strictyaml.Nearest(s, modeNames[1:]))
		return Shadow
	}
	return m
}

func (p *parser) mitigation(n *yaml.Node) {
	m := &parsedMitigation{place: p.here(n), target: p.here(n)}
	m.Mode = Shadow
	before := p.Noted()
	ok := p.Mapping(n, "a mitigation", []strictyaml.Key{
		{Name: "name", Read: func(v *yaml.Node) { m.Name = p.name(v, "the mitigation's name") }},
		{Name: "action", Read: func(v *yaml.Node) { m.Action = p.action(v) }},
		{Name: "target", Read: func(v *yaml.Node) { m.Target, m.target = p.name(v, "the mitigation's target"), p.here(v) }},
		{Name: "mode", Read: func(v *yaml.Node) { m.Mode, m.modeSaid = p.mode(v), true }},
		{Name: "match", Read: func(v *yaml.Node) { m.Match, m.match = p.match(v), v }},
		{Name: "args", Not: "would be given to a plugin"},
		{Name: "limits", Not: "would bound how often a mitigation is carried out"},
		{Name: "verify", Not: "would say how an effect is verified; a closed gate is verified by its agents"},
		{Name: "undo", Not: "would say who undoes an effect; people open gates"},
		{Name: "on_failure", Not: "would say what happens when an effect fails"},
	})
	switch {
	case !ok:
		return
	case m.Name == "":
		p.lacks(n, before, "the mitigation has no name")
		return
	case m.Action == "":
		p.lacks(n, before, "the mitigation has no action; those of this version are %s and %s", GateClose, GateHold)
	case m.Target == "":
		p.lacks(n, before, "the mitigation has no target")
	case m.Action == GateHold && m.match == nil:
		p.lacks(n, before, "the mitigation does not say what to hold; write match, as in {request: '{{ $labels.request }}'}, or the action %s", GateClose)
	case m.Action == GateClose && m.match != nil:
		p.ErrorAt(m.match, "%s closes the gate for all; with match the action is %s", GateClose, GateHold)
	}
	p.unique(n, "mitigation", m.Name, strictyaml.Clip(m.Name))
	m.broken = p.Noted() > before
	p.mitigations = append(p.mitigations, m)
}

func (p *parser) action(n *yaml.Node) string {
	s, ok := p.Text(n, "action")
	switch {
	case !ok || s == GateClose || s == GateHold:
	case strings.Contains(s, "."):
		p.ErrorAt(n, "not in this version: %s would need a plugin; the actions of this version are %s and %s", strictyaml.Clip(s), GateClose, GateHold)
	default:
		p.ErrorAt(n, "%s is not an action; those of this version are %s and %s", strictyaml.Clip(s), GateClose, GateHold)
	}
	if s == "" {
		return "?" // it was noted
	}
	return s
}

// strictest makes a gate of which something could not be read stop what it can.
func (g *parsedGate) strictest() {
	if g.Mode == Shadow && g.modeSaid {
		g.Mode = Enforce
	}
	g.IfUnreachable, g.ByPeople = Close, false
	if g.Opening.Approvals == 0 {
		g.Opening.Approvals = 1
	}
}
