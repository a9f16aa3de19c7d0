package machine

import "slices"

// Counts are how many gates are closed, alerts stand and incidents are open, and
// how many alerts say that Tomeishi does not do its work.
// The Watchdog, which always stands, is not counted.
type Counts struct {
	Closed, Standing, Open, Unwell int
	Off                            bool // nothing is stopped by itself
}

// Counts costs little even while thousands of holds stand.
func (m *Machine) Counts() Counts {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := Counts{Standing: m.firing, Unwell: m.unwell, Off: m.Automatic.Off}
	if m.alertOf[m.aboutKey(watchdog, nil)] != nil {
		c.Standing--
	}
	for name := range m.Gates { // the order does not show
		if m.gate(name) != nil && m.isClosed(name) {
			c.Closed++
		}
	}
	for _, in := range m.Incidents {
		if in.Ended == 0 {
			c.Open++
		}
	}
	return c
}

// isClosed tells whether a hold without match stands on the gate or above it.
func (m *Machine) isClosed(gate string) bool {
	return slices.ContainsFunc(m.holdsOn(gate), func(h *Hold) bool { return h.Match == nil }) || len(m.holdsAbove(gate)) > 0
}

// An IncidentHead is an incident without its members and its timeline.
type IncidentHead struct {
	ID             string
	Since, Opened  int64
	Ended          int64
	Verdict        string
	Gates          []string
	Alerts         int // that belong to it, those that are no longer kept too
	Holds, Effects int
	Standing       int // alerts and holds that have not ended
}

// IncidentHeads are the incidents, newest first.
func (m *Machine) IncidentHeads() []IncidentHead {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]IncidentHead, 0, len(m.Incidents))
	for _, in := range slices.Backward(m.Incidents) {
		out = append(out, IncidentHead{
			ID: in.ID, Since: in.Since, Opened: in.Opened, Ended: in.Ended, Verdict: in.Verdict, Gates: slices.Clone(in.Gates),
			Alerts: len(in.Alerts) + in.Released, Holds: len(in.Holds), Effects: len(in.Effects), Standing: in.Standing,
		})
	}
	return out
}

// IncidentView is one incident.
func (m *Machine) IncidentView(id string) (Incident, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	in := m.incident(id)
	if in == nil {
		return Incident{}, false
	}
	return in.copy(), true
}

// AgentCount is how many agents are known.
func (m *Machine) AgentCount() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.Agents)
}

// LastBeat is the ledger time of the beat that keeps the Watchdog up; 0 if it
// does not stand.
func (m *Machine) LastBeat() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if a := m.alertOf[m.aboutKey(watchdog, nil)]; a != nil {
		return a.Due - int64(watchdogStands)
	}
	return 0
}
