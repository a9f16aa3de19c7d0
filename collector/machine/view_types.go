package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A TypeView is a type of event that has come.
type TypeView struct {
	Name string
	TypeSeen
	Rules   int    // that read it
	Nearest string // where none does: the type that was probably meant; empty if there is none
}

// TypesView are the types that have come, those first that no rule reads, then by
// name; others is how many events were of types for which there was no room.
func (m *Machine) TypesView() (types []TypeView, others uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	readers := m.readers()
	known := sortedKeys(readers)
	for _, name := range sortedKeys(m.Types) {
		v := TypeView{Name: name, TypeSeen: *m.Types[name]}
		if n := readers[name]; n != nil {
			v.Rules = *n
		} else {
			v.Nearest = match.Near(name, known)
		}
		types = append(types, v)
	}
	slices.SortStableFunc(types, func(a, b TypeView) int { return min(a.Rules, 1) - min(b.Rules, 1) })
	return types, m.OtherTypes
}

// readers is how many rules read each type.
func (m *Machine) readers() map[string]*int {
	out := map[string]*int{}
	if m.live == nil {
		return out
	}
	for _, r := range m.live.set.Rules {
		for _, event := range typesOf(r) {
			if out[event] == nil {
				out[event] = new(int)
			}
			*out[event]++
		}
	}
	return out
}

// typesOf are the types of events that a rule reads, each once.
func typesOf(r *rules.Rule) (out []string) {
	for _, s := range r.Body.Sources() {
		if !slices.Contains(out, s.Event) {
			out = append(out, s.Event)
		}
	}
	return out
}

// unseen are the types that a rule reads and of which none has come.
func (m *Machine) unseen(r *rules.Rule, stats *RuleStats) []string {
	if m.Behavior < firstReading || stats.Matched+stats.Missing+stats.Errors > 0 {
		return nil // before types were noted
	}
	return slices.DeleteFunc(typesOf(r), func(event string) bool { return m.Types[event] != nil })
}

// blindRules are the rules that cannot read something, by group and name, with
// what was said of it first.
func (m *Machine) blindRules() map[string]record.Note {
	out := map[string]record.Note{}
	for _, a := range m.Alerts {
		name := a.Label("group") + "/" + a.Label("rule")
		if a.Ended == 0 && a.builtIn() && a.Rule == ruleBlind && out[name].IsZero() {
			out[name] = a.About
		}
	}
	return out
}

// DisarmedView are the rules that no longer close a gate since the set is live.
func (m *Machine) DisarmedView() []rules.Guard {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.Live == nil {
		return nil
	}
	return slices.Clone(m.Live.Disarmed)
}
