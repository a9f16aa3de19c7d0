package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
)

// mitigate plans the effects that the rule's author wrote for this alert, and
// carries out those that close a gate. An effect that stands is not repeated.
func (m *Machine) mitigate(a *Alert, rule string, uses []rules.Use) {
	for _, use := range uses {
		if !m.wanted(a, use) {
			continue
		}
		e := &Effect{
			ID:         next("e", &m.Last.Effect),
			Mitigation: use.Mitigation.Name, Target: use.Mitigation.Target,
			Mode: m.mode(use), State: Planned, Alert: a.ID, Planned: m.Time,
		}
		m.supersede(a, e)
		m.Effects = append(m.Effects, e)
		m.effects[e.ID] = e
		a.Effects = append(a.Effects, e.ID)
		m.tally(e, 1)
		m.forgetEffects()
		switch e.Mode {
		case rules.Enforce:
			m.carryOut(e, rule)
		case rules.Approve:
			e.Result = m.whyWaits(use)
		default:
			e.Result = "shadow: would have closed the gate"
			m.turn(e.Target) // would_be has changed
		}
		m.addToIncident(e)
	}
}

// wanting tells whether any of the mitigations is wanted for this alert.
func (m *Machine) wanting(a *Alert, uses []rules.Use) bool {
	return slices.ContainsFunc(uses, func(use rules.Use) bool { return m.wanted(a, use) })
}

// wanted tells whether a mitigation is neither in force for the alert nor
// waits in as strong a mode as it has now.
func (m *Machine) wanted(a *Alert, use rules.Use) bool {
	if m.Gates[use.Mitigation.Target] == nil {
		return false
	}
	return !slices.ContainsFunc(a.Effects, func(id string) bool {
		e := m.effects[id]
		return e != nil && e.same(use.Mitigation.Name, use.Mitigation.Target) &&
			e.State != Undone && (e.State != Planned || e.Mode >= m.mode(use))
	})
}

func (e *Effect) same(mitigation, target string) bool {
	return e.Mitigation == mitigation && e.Target == target
}

// supersede ends the planned effects that a stronger one replaces.
func (m *Machine) supersede(a *Alert, by *Effect) {
	for _, id := range a.Effects {
		if e := m.effects[id]; e != nil && e.State == Planned && e.same(by.Mitigation, by.Target) {
			m.tally(e, -1)
			e.State, e.Result = Undone, "superseded by "+by.ID+" in mode "+by.Mode.String()
			m.tally(e, 1)
		}
	}
}

// carryOut closes the gate in the same entry that raised the alert.
func (m *Machine) carryOut(e *Effect, by string) {
	h := m.hold(&Hold{Gate: e.Target, By: by, Cause: ByRule, Alert: e.Alert, Effect: e.ID})
	e.State, e.Hold, e.Epoch, e.Incident = Applied, h.ID, m.Epoch, h.Incident
	e.Result = "gate closed"
}

// forgetEffects drops the oldest effects that are over, many at once.
func (m *Machine) forgetEffects() {
	if len(m.Effects) <= maxEffects || m.idle < maxEffects/10 {
		return
	}
	drop := len(m.Effects) - maxEffects*9/10
	m.Effects = slices.DeleteFunc(m.Effects, func(e *Effect) bool {
		if drop == 0 || !m.isIdle(e) {
			return false
		}
		drop--
		m.idle--
		delete(m.effects, e.ID)
		return true
	})
}

// over tells whether the alert of an effect has ended.
func (m *Machine) over(e *Effect) bool {
	a := m.byID[e.Alert]
	return a == nil || a.Ended != 0
}

// wouldBe tells whether the gate would be closed if everything were enforced.
func (m *Machine) wouldBe(gate string) bool {
	return m.shadow[gate] > 0
}

// result takes in what became of an effect.
func (m *Machine) result(r entry.Result) any {
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
