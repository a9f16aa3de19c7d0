package machine

import (
	"slices"
)

// join puts an alert or a hold into the newest open incident that shares its
// gate, else its rule and key, else into a new one.
func (m *Machine) join(a *Alert, h *Hold) {
	if h != nil && h.Alert != "" {
		a = m.byID[h.Alert]
	}
	var gates []string
	if h != nil {
		gates = []string{h.Gate}
	} else {
		gates = m.gatesOf(a)
	}
	in := m.sharing(a, gates)
	if a != nil && a.Incident != "" {
		in = m.incident(a.Incident)
	}
	if in == nil {
		in = m.openIncident()
	}
	for _, g := range gates {
		if !slices.Contains(in.Gates, g) {
			in.Gates = append(in.Gates, g)
		}
	}
	if a != nil && a.Incident == "" {
		a.Incident = in.ID
		in.Alerts = append(in.Alerts, a.ID)
		if a.Ended == 0 {
			in.Standing++
		}
		m.note(in.ID, "", "alert "+a.ID+" "+a.Rule)
	}
	if h != nil {
		h.Incident = in.ID
		in.Holds = append(in.Holds, h.ID)
		in.Standing++
		who := h.By
		if h.Reason != "" {
			who += ": " + h.Reason
		}
		m.note(in.ID, h.actor(), "gate "+h.Gate+" closed, hold "+h.ID+" by "+who)
	}
}

func (h *Hold) actor() string {
	if h.Cause == ByPerson || h.Cause == ByRestore {
		return h.By
	}
	return ""
}

func (m *Machine) openIncident() *Incident {
	in := &Incident{ID: next("i", &m.Last.Incident), Since: m.Time, Opened: m.Time}
	m.Incidents = append(m.Incidents, in)
	if len(m.Incidents) > maxIncidents {
		m.forgetIncident()
	}
	return in
}

// forgetIncident drops the oldest incident that has ended, and lets go of its
// alerts.
func (m *Machine) forgetIncident() {
	i := slices.IndexFunc(m.Incidents, func(in *Incident) bool { return in.Ended != 0 })
	if i < 0 {
		return
	}
	for _, id := range m.Incidents[i].Alerts {
		if a := m.byID[id]; a != nil {
			a.Incident = ""
		}
	}
	m.Incidents = slices.Delete(m.Incidents, i, i+1)
}

// gatesOf are the gates that the alert's rule may close.
func (m *Machine) gatesOf(a *Alert) (out []string) {
	if r := m.ruleOf(a); r != nil {
		for _, use := range r.Mitigate {
			out = append(out, use.Mitigation.Target)
		}
	}
	return out
}

// sharing is the newest open incident that an alert with these gates belongs
// to.
func (m *Machine) sharing(a *Alert, gates []string) *Incident {
	for _, in := range slices.Backward(m.Incidents) {
		if in.Ended == 0 && slices.ContainsFunc(gates, func(g string) bool { return slices.Contains(in.Gates, g) }) {
			return in
		}
	}
	if a == nil {
		return nil
	}
	for _, in := range slices.Backward(m.Incidents) {
		if in.Ended == 0 && slices.ContainsFunc(in.Alerts, func(id string) bool {
			b := m.byID[id]
			return b != nil && b.RuleID == a.RuleID && b.Key == a.Key
		}) {
			return in
		}
	}
	return nil
}

func (m *Machine) incident(id string) *Incident {
	for _, in := range slices.Backward(m.Incidents) {
		if in.ID == id {
			return in
		}
	}
	return nil
}

func (m *Machine) addToIncident(e *Effect) {
	if e.Incident == "" {
		if a := m.byID[e.Alert]; a != nil {
			e.Incident = a.Incident
		}
	}
	if in := m.incident(e.Incident); in != nil {
		in.Effects = append(in.Effects, e.ID)
		m.note(in.ID, "", "effect "+e.ID+" "+e.Mitigation+" ("+e.Mode.String()+"): "+e.Result)
	}
}

// settle counts what has stopped standing, and ends the incident when nothing
// does and a person has said what it was.
func (m *Machine) settle(id string, change int, text string) {
	in := m.incident(id)
	if in == nil {
		return
	}
	in.Standing += change
	if text != "" {
		m.note(id, "", text)
	}
	if in.Standing == 0 && in.Verdict != "" && in.Ended == 0 {
		in.Ended = m.Time
		m.note(id, "", "incident ended: "+in.Verdict)
	}
}

// note adds a line to an incident's timeline.
func (m *Machine) note(id, actor, text string) {
	in := m.incident(id)
	if in == nil || len(in.Log) >= maxSteps {
		return
	}
	in.Log = append(in.Log, Step{m.Time, actor, text})
}
