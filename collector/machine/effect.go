package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// mitigate plans the effects that the rule's author wrote for this alert, and
// carries out those that may happen by themselves. An effect that stands is not
// repeated.
func (m *Machine) mitigate(a *Alert, rule string, uses []rules.Use) {
	for _, use := range uses {
		if !m.wanted(a, use) {
			continue
		}
		if e := m.collector(a, use); e != nil {
			m.collect(a, e)
			continue
		}
		action := m.action(use.Mitigation.Action)
		match, _ := a.names(use.Mitigation)
		e := &Effect{
			ID:         next("e", &m.Last.Effect),
			Mitigation: use.Mitigation.Name, Action: use.Mitigation.Action, Target: use.Mitigation.Target, Match: match,
			Mode: m.mode(a, use), State: Planned, Alert: a.ID, Planned: m.Time,
		}
		if e.Mode == rules.Approve {
			e.Result = m.whyWaits(a, use) // before it is counted
		}
		m.supersede(a, e)
		m.Effects = append(m.Effects, e)
		m.effects[e.ID] = e
		a.Effects = append(a.Effects, e.ID)
		m.askers[e.ID]++
		m.tally(e, 1)
		m.forgetEffects()
		switch e.Mode {
		case rules.Enforce:
			action.carryOut(e, rule)
		case rules.Approve:
		default:
			e.Result = action.shadowed(e)
		}
		m.addToIncident(e)
		m.tellNotHeld(e)
	}
}

// wanting tells whether any of the mitigations is wanted for this alert.
func (m *Machine) wanting(a *Alert, uses []rules.Use) bool {
	return slices.ContainsFunc(uses, func(use rules.Use) bool { return m.wanted(a, use) })
}

// wanted tells whether a mitigation is neither in force for the alert nor
// waits in as strong a mode as it has now.
func (m *Machine) wanted(a *Alert, use rules.Use) bool {
	if !m.action(use.Mitigation.Action).has(use.Mitigation.Target) {
		return false
	}
	key := a.wants(use.Mitigation)
	return !slices.ContainsFunc(a.Effects, func(id string) bool {
		e := m.effects[id]
		switch {
		case e == nil || e.State.ended():
			return false
		case e.State != Planned:
			return e.key() == key || e.key() == key.forAll()
		}
		return e.key() == key && e.Mode >= m.mode(a, use)
	})
}

// supersede ends the planned effects that a stronger one replaces: of the alert,
// and where effects are one for many alerts, of all that want the same.
func (m *Machine) supersede(a *Alert, by *Effect) {
	var weaker []*Effect
	for _, id := range a.Effects {
		if e := m.effects[id]; e != nil && e.key() == by.key() {
			weaker = append(weaker, e)
		}
	}
	if m.Behavior >= 3 {
		weaker = append(weaker, m.standing[by.key()]...)
	}
	for _, e := range weaker {
		if e.State == Planned && e.Mode < by.Mode {
			m.must(m.move(e, Undone, record.New(record.ResultSuperseded, by.ID, by.Mode.String())))
		}
	}
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

// over tells whether no alert that wants an effect stands.
func (m *Machine) over(e *Effect) bool { return m.askers[e.ID] == 0 }

// wouldBe tells whether the gate would be closed if everything were enforced.
func (m *Machine) wouldBe(gate string) bool {
	return m.shadow[gate] > 0
}

// approveEffect lets an effect happen that waits for a person.
func (m *Machine) approveEffect(d entry.Decision) *Refusal {
	e, refusal := m.waiting(d.Effect)
	switch {
	case refusal != nil:
		return refusal
	case m.over(e):
		return conflict(record.AlertOver, e.ID, e.Alert)
	}
	asker := m.asker(e)
	e.Alert = asker.ID
	if m.Behavior >= 2 && e.Incident == "" {
		// The first version left it out of the incident that its hold opens.
		m.join(asker, nil)
		m.addToIncident(e)
	}
	e.Actor = d.Actor
	m.appendStep(e.Incident, d.Actor, record.New(record.EffectApproved, e.ID, d.Reason))
	m.must(m.move(e, Approved, record.Note{}))
	m.action(e.Action).carryOut(e, asker.Rule)
	return nil
}

// declineEffect ends an effect that waits for a person. What makes its alert true
// again plans another.
func (m *Machine) declineEffect(d entry.Decision) *Refusal {
	e, refusal := m.waiting(d.Effect)
	switch {
	case refusal != nil:
		return refusal
	case blank(d.Reason):
		return invalid("reason", record.WantReasonNo)
	case m.asker(e) == nil:
		return conflict(record.AlertOver, e.ID, e.Alert)
	}
	if e.Incident == "" && m.Behavior >= 2 {
		m.join(m.asker(e), nil)
		m.addToIncident(e)
	}
	e.Actor = d.Actor
	m.must(m.move(e, Declined, record.New(record.ResultDeclined, d.Actor, d.Reason)))
	m.appendStep(e.Incident, d.Actor, record.New(record.EffectDeclined, e.ID, d.Reason))
	return nil
}

// waiting is an effect that a person can approve or decline.
func (m *Machine) waiting(id string) (*Effect, *Refusal) {
	e := m.effects[id]
	switch {
	case e == nil:
		return nil, notFound(record.NoEffect, id)
	case e.State != Planned || e.Mode != rules.Approve:
		return nil, conflict(record.NotWaiting, e.ID, e.Mode.String(), string(e.State))
	}
	return e, nil
}

// undo takes back an effect.
func (m *Machine) undo(d entry.Decision) any {
	e := m.effects[d.Effect]
	switch {
	case e == nil:
		return notFound(record.NoEffect, d.Effect)
	case e.State.ended():
		return conflict(record.NothingToUndo, e.ID, string(e.State))
	}
	return m.action(e.Action).undo(e, d)
}

// effectSteps are how a timeline names the states that the edge reports.
var effectSteps = map[EffectState]record.Kind{
	Attempting: record.EffectAttempting, Applied: record.EffectApplied, Refused: record.EffectRefused, Unknown: record.EffectUnknown,
	Observed: record.EffectObserved, Verified: record.EffectVerified, Undone: record.EffectUndone,
}

// result takes in what the edge has seen of an effect, or is about to try.
func (m *Machine) result(r entry.Result) any {
	e, to := m.effects[r.Effect], EffectState(r.State)
	if e == nil {
		return notFound(record.NoEffect, r.Effect)
	}
	if refusal := m.admits(e, to, r); refusal != nil {
		return refusal
	}
	if refusal := m.move(e, to, r.Said); refusal != nil {
		return refusal
	}
	step := record.New(effectSteps[to], e.ID)
	if to == Attempting {
		e.Attempt, e.Deadline = r.Attempt, r.Deadline
		step = record.New(record.EffectAttempting, e.ID, decimalOf(r.Attempt), decimalOf(r.Deadline))
	}
	m.appendStep(e.Incident, "", step.After(r.Said))
	return nil
}

// admits tells why a result cannot be taken: it is of another attempt, begins one
// that nobody wants, or looks before the attempt can no longer arrive.
func (m *Machine) admits(e *Effect, to EffectState, r entry.Result) *Refusal {
	wrong := conflict(record.WrongState, e.ID, string(e.State), string(to))
	switch {
	case !m.action(e.Action).takes(to):
		return wrong
	case to == Attempting && (r.Attempt != e.Attempt+1 || r.Deadline <= m.Time || e.State == Planned && e.Mode != rules.Enforce):
		return wrong
	case to != Attempting && r.Attempt != e.Attempt:
		return wrong
	case to == Observed && m.Time < e.Deadline:
		return wrong
	case (e.State == Planned || e.State == Approved) && to != Attempting:
		return wrong
	case to == Attempting && (e.TakeBack || e.State == Planned && (m.Automatic.Off || m.over(e))):
		return wrong
	}
	return nil
}

// interrupt makes every attempt unknown that was open when a collector began to
// lead: nobody knows what became of it.
func (m *Machine) interrupt() {
	for _, e := range m.Effects {
		if e.State == Attempting || e.State == Undoing {
			m.must(m.move(e, Unknown, record.New(record.ResultInterrupted)))
			m.appendStep(e.Incident, "", record.New(record.EffectUnknown, e.ID).After(e.Result))
		}
	}
}
