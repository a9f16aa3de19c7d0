package rules

import (
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/rules/form"
)

// Reads is the same for rules that read the same of the same events, whatever
// they count of them.
func (r *Rule) Reads() [16]byte {
	var d form.Digest
	for _, s := range r.Body.Sources() {
		d.Add(s.Event, s.Where.String())
		d.By(s.By)
		for _, v := range s.Values {
			d.Add(string(v.Kind))
			for _, f := range v.Fields {
				d.Add(f.String())
			}
		}
	}
	return d.Sum()
}

// Closes are the gates that a rule with these mitigations closes by itself: all
// that is named enforces.
func (s *Set) Closes(uses []Use) (gates []string) {
	for _, u := range uses {
		m := u.Mitigation
		g := s.gate(m.Target)
		if m.Action == GateClose && g != nil && Effective(u.Mode, m.Mode, g.Mode) == Enforce && !slices.Contains(gates, g.Name) {
			gates = append(gates, g.Name)
		}
	}
	return gates
}

func (s *Set) gate(name string) *Gate {
	i := slices.IndexFunc(s.Gates, func(g *Gate) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return s.Gates[i]
}

// A Guard is a rule that closes a gate.
type Guard struct{ Rule, Gate string }

// Guards are all of them, in the order of the files.
func (s *Set) Guards() (out []Guard) {
	if s == nil {
		return nil
	}
	add := func(rule string, uses []Use) {
		for _, gate := range s.Closes(uses) {
			if g := (Guard{rule, gate}); !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	for _, r := range s.Rules {
		add(r.Name, r.Mitigate)
	}
	for _, r := range s.Metrics {
		add(r.Name, r.Mitigate)
	}
	return out
}

// Disarmed are the guards that are none any more after a change: their rule, its
// mitigation or the gate is gone or enforces no more.
func Disarmed(before, after *Set) []Guard {
	now := after.Guards()
	return slices.DeleteFunc(before.Guards(), func(g Guard) bool { return slices.Contains(now, g) })
}

// Unguarded are the gates in enforce that no rule can close, on them, on a parent
// or on all their children, and that are not left to people.
func (s *Set) Unguarded() (gates []string) {
	closed := map[string]bool{}
	for _, g := range s.Guards() {
		closed[g.Gate] = true
	}
	for _, g := range s.Gates {
		if g.Mode == Enforce && !g.ByPeople && !s.closedAbove(g.Name, closed) && !s.closedBelow(g.Name, closed) {
			gates = append(gates, g.Name)
		}
	}
	return gates
}

func (s *Set) closedAbove(gate string, closed map[string]bool) bool {
	for name := range closed {
		if strings.HasPrefix(gate, name+"/") {
			return true
		}
	}
	return false
}

// closedBelow tells whether the gate is closed, or all that is below it.
func (s *Set) closedBelow(gate string, closed map[string]bool) bool {
	if closed[gate] {
		return true
	}
	children := 0
	for _, g := range s.Gates {
		if s.parent(g.Name) != gate {
			continue
		}
		if children++; !s.closedBelow(g.Name, closed) {
			return false
		}
	}
	return children > 0
}

// parent is the nearest gate above; empty if there is none.
func (s *Set) parent(gate string) string {
	for i := strings.LastIndexByte(gate, '/'); i > 0; i = strings.LastIndexByte(gate[:i], '/') {
		if s.gate(gate[:i]) != nil {
			return gate[:i]
		}
	}
	return ""
}
