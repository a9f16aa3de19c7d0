package machine

import (
	"encoding/hex"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// What rules remember has a bound. Beyond it the leader has them forget keys: those
// first that can close nothing, and of each those that were last added to longest ago.
// What an event may count with among them is owed to it, and comes back from the tape.

// leastShed is the least part of a rule's keys that is shed at once, in thousandths:
// going through all of them costs the same.
const leastShed = 125

// ToShed is the next step by which rules come to hold no more bytes than a bound; its
// rule is empty if there is none. What brought nothing is skipped. It tells how much
// they hold.
func (m *Machine) ToShed(bound int, skip func(entry.Shed) bool) (step entry.Shed, held int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil || m.Behavior < form.LateCounts {
		return step, 0
	}
	sizes := make([]int, len(m.live.states))
	for i, s := range m.live.states {
		sizes[i] = s.Bytes()
		held += sizes[i]
		if sh, ok := s.(form.Shedder); ok && sh.Shedding() && step.Rule == "" {
			step = m.shedStep(i, 0, false)
		}
	}
	if step.Rule != "" || held <= bound {
		return step, held
	}
	for _, last := range [2]bool{false, true} {
		if i := m.toShed(sizes, last, skip); i >= 0 {
			return m.shedStep(i, min(max(leastShed, (held-bound/8*7)*1000/sizes[i]), 1000), last), held
		}
	}
	return step, held
}

// toShed is the largest of the least dangerous rules that may have something to shed; -1
// if there is none.
func (m *Machine) toShed(sizes []int, last bool, skip func(entry.Shed) bool) int {
	best, danger := -1, rules.Enforce+1
	for i, s := range m.live.states {
		if _, ok := s.(form.Shedder); !ok || s.Keys() == 0 || skip(m.shedStep(i, 0, last)) {
			continue
		}
		if d := m.live.set.Strongest(m.live.set.Rules[i].Mitigate); d < danger || d == danger && sizes[i] > sizes[best] {
			best, danger = i, d
		}
	}
	return best
}

func (m *Machine) shedStep(rule, part int, last bool) entry.Shed {
	id := m.live.set.Rules[rule].ID
	return entry.Shed{Rule: hex.EncodeToString(id[:]), Part: part, Last: last}
}

// A ShedOutcome says how many keys a rule forgot, and whether it has yet to go on.
type ShedOutcome struct {
	Keys int
	More bool
}

// shed has a rule forget keys, and tells of it.
func (m *Machine) shed(s entry.Shed) any {
	place, recounter := m.recounted(s.Rule)
	state, ok := recounter.(form.Shedder)
	if !ok {
		return ShedOutcome{} // it is gone
	}
	rule := m.live.set.Rules[place]
	n := state.Shed(m.Time, min(max(s.Part, 0), 1000), s.Last, m.kept(rule, s.Last))
	if n > 0 {
		m.tellShed(place, n)
	}
	return ShedOutcome{n, state.Shedding()}
}

// kept tells which keys of a rule must not be shed: those that wait for what was forgotten
// before, and unless nothing else is left those of which an alert stands or forms.
func (m *Machine) kept(rule *rules.Rule, last bool) func(window.Key) bool {
	kept := map[window.Key]bool{}
	if rc := m.Recounts[hex.EncodeToString(rule.ID[:])]; rc != nil {
		for _, w := range rc.Keys {
			kept[w.Key] = true
		}
	}
	for _, uncertain := range [2]bool{false, true} {
		if a := m.alertOf[alertKey{rule.ID, m.overLimit(uncertain)}]; a != nil && !last {
			for _, k := range a.Keys {
				kept[k] = true
			}
		}
	}
	if !last {
		last = m.stands[rule.ID] == 0 && len(m.formingOf(rule.ID)) == 0 // then there is nothing to look up
	}
	return func(k window.Key) bool {
		of := alertKey{rule.ID, k}
		return kept[k] || !last && (m.alertOf[of] != nil || m.forming.of[of] != nil)
	}
}

// tellShed raises RuleErrors about a rule that has forgotten keys for want of memory.
func (m *Machine) tellShed(place, n int) {
	rule, stats := m.live.set.Rules[place], m.live.stats[place]
	stats.Shed += uint64(n)
	m.Events.Shed += uint64(n)
	a := m.regraded(ruleErrors, m.gravity(place), []Label{{Name: "rule", Value: clip(rule.Name)}, {Name: "error", Value: "memory"}})
	a.Total += n
	a.Value, a.Updated = decimalOf(a.Total), m.Time
	a.About = record.New(record.AboutShed, rule.Name, a.Value)
	m.wake(a, m.Time+int64(builtInQuiet))
}
