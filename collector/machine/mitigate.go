package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules"
)

// mitigate plans the effects that the rule's author wrote for this alert, and
// carries out those that close a gate. An effect that stands is not repeated.
func (m *Machine) mitigate(a *Alert, rule *rules.Rule) {
	for _, use := range rule.Mitigate {
		mitigation := use.Mitigation
		gate := m.Gates[mitigation.Target]
		if gate == nil || m.pending(a, mitigation.Name) {
			continue
		}
		e := &Effect{
			ID:         next("e", &m.Last.Effect),
			Mitigation: mitigation.Name, Target: mitigation.Target,
			Mode:  rules.Effective(use.Mode, mitigation.Mode, gate.Mode),
			State: Planned, Alert: a.ID, Planned: m.Time,
		}
		m.Effects = append(m.Effects, e)
		m.effects[e.ID] = e
		a.Effects = append(a.Effects, e.ID)
		m.forgetEffects()
		switch e.Mode {
		case rules.Enforce:
			m.carryOut(e, rule.Name)
		case rules.Approve:
			e.Result = "waits for a person's approval"
		default:
			e.Result = "shadow: would have closed the gate"
			m.turn(gate.Name) // would_be has changed
		}
		m.addToIncident(e)
	}
}

// wanting tells whether any mitigation of the rule is neither in force nor
// waiting for this alert.
func (m *Machine) wanting(a *Alert, rule *rules.Rule) bool {
	return slices.ContainsFunc(rule.Mitigate, func(use rules.Use) bool { return !m.pending(a, use.Mitigation.Name) })
}

// pending tells whether an effect of this mitigation for the alert is still in
// force or waits.
func (m *Machine) pending(a *Alert, mitigation string) bool {
	return slices.ContainsFunc(a.Effects, func(id string) bool {
		e := m.effects[id]
		return e != nil && e.Mitigation == mitigation && e.State != Undone
	})
}

// carryOut closes the gate in the same entry that raised the alert.
func (m *Machine) carryOut(e *Effect, by string) {
	h := m.hold(&Hold{Gate: e.Target, By: by, Cause: ByRule, Alert: e.Alert, Effect: e.ID})
	e.State, e.Hold, e.Epoch, e.Incident = Applied, h.ID, m.Epoch, h.Incident
	e.Result = "gate closed"
}

// forgetEffects drops the oldest effects that are over.
func (m *Machine) forgetEffects() {
	if len(m.Effects) <= maxEffects {
		return
	}
	for i, e := range m.Effects {
		if e.State == Undone || e.State == Planned && m.over(e) {
			delete(m.effects, e.ID)
			m.Effects = slices.Delete(m.Effects, i, i+1)
			return
		}
	}
}

// over tells whether the alert of an effect has ended.
func (m *Machine) over(e *Effect) bool {
	a := m.byID[e.Alert]
	return a == nil || a.Ended != 0
}

// wouldBe tells whether the gate would be closed if everything were enforced.
func (m *Machine) wouldBe(gate string) bool {
	return slices.ContainsFunc(m.Effects, func(e *Effect) bool {
		return e.Target == gate && e.State == Planned && e.Mode == rules.Shadow && !m.over(e)
	})
}

// result takes in what became of an effect.
func (m *Machine) result(r Result) any {
	e := m.effects[r.Effect]
	if e == nil {
		return notFound("no effect %s", r.Effect)
	}
	if r.State != Verified || e.State != Applied {
		return conflict("effect %s is %s", e.ID, e.State)
	}
	e.State, e.Result = r.State, r.Text
	m.note(e.Incident, "", "effect "+e.ID+" verified: "+r.Text)
	return nil
}
