package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules"
)

// derived is made of the state, so that no entry costs by what stands.
type derived struct {
	alertOf map[alertKey]*Alert // standing alerts
	byID    map[string]*Alert
	effects map[string]*Effect
	gone    map[string]*Alert // those that ended lately, by id

	firing      int                 // standing alerts
	unwell      int                 // those that do not stand while all is well
	reusedStand int                 // those about ids that were used again
	stands      map[RuleID]int      // of a rule
	ofMetric    map[RuleID][]*Alert // of a metric rule, in the order they were raised
	conditions  []*Alert            // reported by the edge, in the order they were raised

	open   map[string]*Incident    // kept incidents, by id
	byGate incidentIndex[string]   // open incidents by gate,
	byKey  incidentIndex[alertKey] // and by what their alerts are joined by
	holds  map[string]*Hold        // by id
	loose  map[*Incident]int       // its alerts that have ended and because of which no hold stands

	below    map[string][]*Gate      // gates below one, or below a name that is none
	spoolsOf map[string][]*Spool     // by agent
	askers   map[string]int          // standing alerts that want an effect, by its id
	standing map[effectKey][]*Effect // effects on gates that are not over, the oldest first
	shadow   map[string]int          // effects of standing alerts planned in shadow that would close their gate, by gate
	lacked   lacked                  // what asks left out lately
	notHeld  map[effectKey]int       // effects of standing alerts that would hold, and are kept back, by mitigation and gate
	idle     int                     // effects that are over

	alertTimers *timers[*Alert]
	agentTimers *timers[*Agent]

	// Left to tidy up by this entry.
	heldBack []effectKey // of which one is no longer kept back
	dead     []*Alert
	thinned  map[RuleID]bool
	crowded  []*Incident
}

// reindex makes what is derived from the state.
func (m *Machine) reindex() {
	m.derived = derived{
		alertOf: map[alertKey]*Alert{}, byID: map[string]*Alert{}, effects: map[string]*Effect{}, gone: map[string]*Alert{},
		stands: map[RuleID]int{}, ofMetric: map[RuleID][]*Alert{},
		open: map[string]*Incident{}, byGate: incidentIndex[string]{}, byKey: incidentIndex[alertKey]{},
		holds: map[string]*Hold{}, loose: map[*Incident]int{}, shadow: map[string]int{},
		below: map[string][]*Gate{}, notHeld: map[effectKey]int{}, spoolsOf: map[string][]*Spool{}, askers: map[string]int{}, standing: map[effectKey][]*Effect{},
		alertTimers: newTimers[*Alert](), agentTimers: newTimers[*Agent](), thinned: map[RuleID]bool{},
	}
	for _, a := range m.Alerts {
		m.byID[a.ID] = a
		if a.Ended == 0 {
			m.index(a)
			m.wants(a, 1)
		}
	}
	for _, a := range m.Gone {
		m.gone[a.ID] = a
	}
	for _, e := range m.Effects {
		m.effects[e.ID] = e
		m.tally(e, 1)
	}
	for _, h := range m.Holds {
		m.holds[h.ID] = h
	}
	for _, in := range m.Incidents {
		m.open[in.ID] = in
		if in.Ended == 0 {
			m.share(in)
		}
		for _, id := range in.Alerts {
			if a := m.byID[id]; a != nil && a.Ended != 0 && !m.holdsFast(a) {
				m.loose[in]++
			}
		}
	}
	for _, name := range sortedKeys(m.Gates) {
		m.nest(m.Gates[name])
	}
	for _, name := range sortedKeys(m.Spools) {
		s := m.Spools[name]
		m.spoolsOf[s.Agent] = append(m.spoolsOf[s.Agent], s)
	}
	m.lacked = m.lackedByAll()
	for _, a := range m.Agents {
		if !a.Silent {
			m.agentTimers.set(a, m.silentAt(a))
		}
	}
}

// index makes a standing alert known.
func (m *Machine) index(a *Alert) {
	m.alertOf[alertKey{a.RuleID, a.Key}] = a
	m.firing++
	if a.builtIn() && !Expected(a.Rule) {
		m.unwell++
	}
	if a.builtIn() && a.Rule == eventIDReused {
		m.reusedStand++
	}
	m.stands[a.RuleID]++
	if a.Metric {
		m.ofMetric[a.RuleID] = append(m.ofMetric[a.RuleID], a)
	}
	if a.Condition {
		m.conditions = append(m.conditions, a)
	}
	if a.Due != 0 {
		m.alertTimers.set(a, a.Due)
	}
}

// unindex is for an alert that has ended.
func (m *Machine) unindex(a *Alert) {
	delete(m.alertOf, alertKey{a.RuleID, a.Key})
	m.firing--
	if a.builtIn() && !Expected(a.Rule) {
		m.unwell--
	}
	if a.builtIn() && a.Rule == eventIDReused {
		m.reusedStand--
	}
	if m.stands[a.RuleID]--; m.stands[a.RuleID] == 0 {
		delete(m.stands, a.RuleID)
	}
	if a.Metric {
		m.thinned[a.RuleID] = true
	}
	if a.Condition {
		m.conditions = slices.DeleteFunc(m.conditions, func(c *Alert) bool { return c == a })
	}
	m.alertTimers.drop(a)
}

// tally counts an effect in, or out with -1, as it is now.
func (m *Machine) tally(e *Effect, n int) {
	switch {
	case m.isIdle(e):
		m.idle += n
	case len(m.action(e.Action).gates(e.Target)) == 0:
	default:
		m.keepStanding(e, n)
		m.countNotHeld(e, n)
		if e.State == Planned && e.Mode == rules.Shadow && e.Action != rules.GateHold {
			m.shadow[e.Target] += n
		}
	}
}

// tallyOf counts the effects of an alert in or out.
func (m *Machine) tallyOf(a *Alert, n int) {
	for _, id := range a.Effects {
		if e := m.effects[id]; e != nil {
			m.tally(e, n)
		}
	}
}

// isIdle tells whether an effect is over: nothing will come of it any more.
func (m *Machine) isIdle(e *Effect) bool {
	return e.State.ended() || e.State == Planned && m.over(e)
}
