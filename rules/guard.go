package rules

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Reads is the same for rules that read the same of the same events, whatever
// they count of them.
func (r *Rule) Reads() [16]byte {
	var d form.Digest
	sides := r.Sides()
	for i, s := range r.Body.Sources() {
		d.Add(s.Event, s.Where.String())
		if sides[i] != "" {
			d.Add("side", sides[i])
		}
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

// Sides tell sources of the rule apart that are about one type, each by its name, else
// by its number; that of others is empty.
func (r *Rule) Sides() []string {
	sources := r.Body.Sources()
	sides := make([]string, len(sources))
	for i, s := range sources {
		for j, other := range sources {
			if i != j && s.Event == other.Event {
				sides[i] = cmp.Or(s.Name, strconv.Itoa(i+1))
			}
		}
	}
	return sides
}

// Guarded are the gates that a rule with these mitigations guards: it closes them by
// itself, or holds what is wrong at them, and all that is named enforces. A hold counts
// as a close does, because the payment that the rule is about does not pass.
func (s *Set) Guarded(uses []Use) (gates []string) {
	for _, u := range uses {
		if s.enforces(u) && !slices.Contains(gates, u.Mitigation.Target) {
			gates = append(gates, u.Mitigation.Target)
		}
	}
	return gates
}

// enforces tells whether a mitigation of a gate is done by itself.
func (s *Set) enforces(u Use) bool {
	m := u.Mitigation
	g := s.gates[m.Target]
	return g != nil && (m.Action == GateClose || m.Action == GateHold) && Effective(u.Mode, m.Mode, g.Mode) == Enforce
}

// idle tells whether no event can be one of the rule: all would have to be in lists that
// are empty.
func (r *Rule) idle() bool {
	return !slices.ContainsFunc(r.Body.Sources(), func(s match.Source) bool { return !s.Where.Never() })
}

// Strongest is how far a rule with these mitigations may go by itself; 0 if it has none.
func (s *Set) Strongest(uses []Use) (mode Mode) {
	for _, u := range uses {
		if g := s.gates[u.Mitigation.Target]; g != nil {
			mode = max(mode, Effective(u.Mode, u.Mitigation.Mode, g.Mode))
		}
	}
	return mode
}

// A Guard is a rule that closes a gate, or only holds what is wrong at it.
type Guard struct {
	Rule, Gate string
	Holds      bool `json:",omitempty"`
}

// Guards are all of them, in the order of the files.
func (s *Set) Guards() (out []Guard) {
	if s == nil {
		return nil
	}
	known := map[Guard]bool{} // rules may have one name
	add := func(rule string, uses []Use) {
		for _, u := range uses {
			g := Guard{rule, u.Mitigation.Target, u.Mitigation.Action == GateHold}
			if s.enforces(u) && !known[g] {
				known[g] = true
				out = append(out, g)
			}
		}
	}
	for _, r := range s.Rules {
		if !r.idle() {
			add(r.Name, r.Mitigate)
		}
	}
	for _, r := range s.Metrics {
		add(r.Name, r.Mitigate)
	}
	return out
}

// Disarmed are the guards that are none any more after a change: their rule, its
// mitigation or the gate is gone or enforces no more, or what closed only holds.
func Disarmed(before, after *Set) []Guard {
	now := map[Guard]bool{}
	for _, g := range after.Guards() {
		now[g] = true
	}
	return slices.DeleteFunc(before.Guards(), func(g Guard) bool {
		return now[g] || g.Holds && now[Guard{g.Rule, g.Gate, false}] // it goes further now
	})
}

// Unguarded are the gates in enforce that no rule guards, on them, on a parent or on
// all their children, and that are not left to people.
func (s *Set) Unguarded() (gates []string) {
	closed, below := map[string]bool{}, map[string][]string{}
	for _, g := range s.Guards() {
		closed[g.Gate] = true
	}
	for _, g := range s.Gates {
		if parent := s.parent(g.Name); parent != "" {
			below[parent] = append(below[parent], g.Name)
		}
	}
	whole := map[string]bool{}
	for _, g := range s.Gates {
		if g.Mode == Enforce && !g.ByPeople && !closedAbove(g.Name, closed) && !closedBelow(g.Name, closed, below, whole) {
			gates = append(gates, g.Name)
		}
	}
	return gates
}

// above are the names above a gate's, the nearest first, whether they are gates or
// not.
func above(gate string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(gate, '/'); i > 0 && yield(gate[:i]); i = strings.LastIndexByte(gate[:i], '/') {
		}
	}
}

func closedAbove(gate string, closed map[string]bool) bool {
	for name := range above(gate) {
		if closed[name] {
			return true
		}
	}
	return false
}

// closedBelow tells whether the gate is closed, or all that is below it; whole
// remembers the answers.
func closedBelow(gate string, closed map[string]bool, below map[string][]string, whole map[string]bool) bool {
	is, known := whole[gate]
	if !known {
		is = closed[gate] || len(below[gate]) > 0 && !slices.ContainsFunc(below[gate], func(child string) bool {
			return !closedBelow(child, closed, below, whole)
		})
		whole[gate] = is
	}
	return is
}

// parent is the nearest gate above; empty if there is none.
func (s *Set) parent(gate string) string {
	for name := range above(gate) {
		if s.gates[name] != nil {
			return name
		}
	}
	return ""
}
