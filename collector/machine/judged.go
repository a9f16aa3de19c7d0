package machine

import (
	"math"
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A verdict is about what its person read. What entered the ledger later is
// judged in the entry that opens, and may close again.

// keysOf are the keys that an alert stands for.
func keysOf(a *Alert) []window.Key {
	if a.Keys != nil {
		return a.Keys
	}
	return []window.Key{a.Key}
}

// accept marks the evidence of alerts, of entries up to the given one, as no
// reason to close again.
func (m *Machine) accept(alerts []*Alert, upTo uint64) {
	for _, a := range alerts {
		state := m.states[a.RuleID]
		if state == nil {
			continue
		}
		for _, key := range keysOf(a) {
			state.Accept(key, upTo)
		}
	}
}

// readUpTo is what a person read who opens a gate: the index that the decision
// names, else that at which the named epoch, else the newest, was reached.
func (m *Machine) readUpTo(d entry.Decision, holds []*Hold) uint64 {
	switch {
	case m.Behavior < 3:
		return math.MaxUint64
	case d.AsOf != 0:
		return d.AsOf
	}
	if g := m.Gates[d.Gate]; d.Epoch == nil || *d.Epoch == g.Epoch {
		return g.Reached
	}
	// The epoch is one of before, and none of the holds is newer.
	newest := uint64(0)
	for _, h := range holds {
		newest = max(newest, h.Index)
	}
	return newest
}

// endJudged ends the alerts that a verdict is about. One that a hold still stands
// for waits for the opening; one that is real and whose effect waits for a person
// still asks for it; a metric alert is over when its expression is.
func (m *Machine) endJudged(alerts []*Alert, d entry.Decision) {
	for _, a := range alerts {
		if a.Ended == 0 && m.ruleOf(a) != nil && !m.holdsFast(a) && (d.Verdict != VerdictReal || !m.asksFor(a)) {
			m.end(a, record.New(record.Judged, clip(d.Actor), d.Verdict))
		}
	}
}

// asksFor tells whether an effect of the alert waits for a person's approval.
func (m *Machine) asksFor(a *Alert) bool {
	return slices.ContainsFunc(a.Effects, func(id string) bool {
		e := m.effects[id]
		return e != nil && e.State == Planned && e.Mode == rules.Approve
	})
}

// judgeLater closes again what the alerts close because of entries after the given
// one.
func (m *Machine) judgeLater(alerts []*Alert, after uint64) {
	for _, a := range alerts {
		rule := m.ruleOf(a)
		if rule == nil {
			continue
		}
		for _, key := range keysOf(a) {
			m.say.Reset()
			m.states[rule.ID].Since(m.Time, key, after, &m.say)
			if m.say.Answer == form.True {
				m.say.Key = key
				m.closeAgain(a, rule)
				break
			}
		}
	}
}

// closeAgain acts on what is true of an alert's key, as if the alert had just been
// raised.
func (m *Machine) closeAgain(a *Alert, rule *rules.Rule) {
	if was := a; a.Ended != 0 {
		if a = m.alertOf[alertKey{rule.ID, was.Key}]; a == nil {
			a = m.newAlert(rule, was.Key, slices.Clone(was.Labels))
			a.Keys, a.More = was.Keys, was.More
		}
	}
	if a.Keys == nil {
		m.fire(rule, &m.say)
	}
	m.mitigate(a, rule.Name, rule.Mitigate)
}

// members are the alerts of an incident that are kept, those that it does not list
// too.
func (m *Machine) members(in *Incident) (out []*Alert) {
	for _, a := range m.Alerts {
		if a.Incident == in.ID {
			out = append(out, a)
		}
	}
	return out
}
