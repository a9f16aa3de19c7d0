package machine

import (
	"slices"
	"strconv"
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
		m.byGate[g] = newer(m.byGate[g], in)
	}
	if a != nil && a.Incident == "" {
		a.Incident = in.ID
		in.Alerts = append(in.Alerts, a.ID)
		key := alertKey{a.RuleID, a.Key}
		m.byKey[key] = newer(m.byKey[key], in)
		if a.Ended == 0 {
			in.Standing++
		}
		m.note(in.ID, "", "alert "+a.ID+" "+a.Rule)
	}
	if h != nil {
		h.Incident = in.ID
		in.Holds = append(in.Holds, h.ID)
		in.Standing++
		if in.Verdict != "" {
			m.note(in.ID, "", "the verdict "+in.Verdict+" was given before hold "+h.ID+": another is needed")
			in.Verdict = ""
		}
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

// letGo keeps at most maxMembers alerts in an incident, if enough have ended:
// the oldest go first, and none because of which a hold stands.
func (m *Machine) letGo(in *Incident) {
	drop := len(in.Alerts) - maxMembers
	if drop <= 0 {
		return
	}
	held := map[string]bool{}
	for _, h := range m.Holds {
		held[h.Alert] = true
	}
	before := len(in.Alerts)
	in.Alerts = slices.DeleteFunc(in.Alerts, func(id string) bool {
		a := m.byID[id]
		if drop == 0 || a != nil && (a.Ended == 0 || held[id]) {
			return false
		}
		if a != nil {
			a.Incident = ""
		}
		drop--
		return true
	})
	if gone := before - len(in.Alerts); gone > 0 {
		in.Released += gone
		m.reindexIncidents()
	}
}

func (m *Machine) openIncident() *Incident {
	in := &Incident{ID: next("i", &m.Last.Incident), Since: m.Time, Opened: m.Time}
	m.Incidents = append(m.Incidents, in)
	m.open[in.ID] = in
	if len(m.Incidents) > maxIncidents {
		m.forgetIncident()
	}
	return in
}

// forgetIncident drops the oldest incident that has ended, else the oldest of
// which nothing stands any more, and lets go of its alerts.
func (m *Machine) forgetIncident() {
	i := slices.IndexFunc(m.Incidents, func(in *Incident) bool { return in.Ended != 0 })
	if i < 0 {
		i = slices.IndexFunc(m.Incidents, func(in *Incident) bool { return in.Standing == 0 && len(in.Alerts)+len(in.Holds) > 0 })
	}
	if i < 0 {
		return
	}
	in := m.Incidents[i]
	for _, id := range in.Alerts {
		if a := m.byID[id]; a != nil {
			a.Incident = ""
		}
	}
	m.Incidents = slices.Delete(m.Incidents, i, i+1)
	m.reindexIncidents()
}

// reindexIncidents makes what finds incidents quickly. It depends on nothing
// but the incidents that are kept, so that a restored machine finds the same.
func (m *Machine) reindexIncidents() {
	m.open = map[string]*Incident{}
	m.byGate, m.byKey = map[string]*Incident{}, map[alertKey]*Incident{}
	for _, in := range m.Incidents { // oldest first: the newest stays
		m.open[in.ID] = in
		for _, gate := range in.Gates {
			m.byGate[gate] = in
		}
		for _, id := range in.Alerts {
			if a := m.byID[id]; a != nil {
				m.byKey[alertKey{a.RuleID, a.Key}] = in
			}
		}
	}
}

// newer is the one that was opened later.
func newer(a, b *Incident) *Incident {
	if a == nil || number(b) > number(a) {
		return b
	}
	return a
}

// number is the count in an incident's id.
func number(in *Incident) uint64 {
	n, err := strconv.ParseUint(in.ID[1:], 10, 64)
	if err != nil {
		return 0 // ids are made by next
	}
	return n
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
// to, nil if there is none.
func (m *Machine) sharing(a *Alert, gates []string) *Incident {
	var best *Incident
	for _, g := range gates {
		if in := m.newestOpen(m.byGate[g], func(in *Incident) bool { return slices.Contains(in.Gates, g) }); in != nil {
			best = newer(best, in)
		}
	}
	if best != nil || a == nil {
		return best
	}
	return m.newestOpen(m.byKey[alertKey{a.RuleID, a.Key}], func(in *Incident) bool {
		return slices.ContainsFunc(in.Alerts, func(id string) bool {
			b := m.byID[id]
			return b != nil && b.RuleID == a.RuleID && b.Key == a.Key
		})
	})
}

// newestOpen is the newest incident that shares something, if it is open, or
// else the newest open one that shares it too.
func (m *Machine) newestOpen(newest *Incident, shares func(*Incident) bool) *Incident {
	if newest == nil || newest.Ended == 0 {
		return newest
	}
	for _, in := range slices.Backward(m.Incidents) {
		if in.Ended == 0 && shares(in) {
			return in
		}
	}
	return nil
}

func (m *Machine) incident(id string) *Incident { return m.open[id] }

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

// note adds a line to an incident's timeline. When it is full the oldest line
// about the machine gives way; what people did always stays.
func (m *Machine) note(id, actor, text string) {
	in := m.incident(id)
	if in == nil {
		return
	}
	if len(in.Log) >= maxSteps {
		i := slices.IndexFunc(in.Log, func(s Step) bool { return s.Actor == "" })
		switch {
		case i >= 0:
			in.Log = slices.Delete(in.Log, i, i+1)
		case actor == "":
			return
		}
	}
	in.Log = append(in.Log, Step{m.Time, actor, text})
}
