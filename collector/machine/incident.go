package machine

import (
	"slices"
	"strconv"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
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
	switch {
	case a != nil && a.Incident != "":
		in = m.incident(a.Incident)
	case h == nil && a.gate() != "":
		if of := m.incidentAt(a.gate()); of != nil {
			in = of
		}
	}
	if in == nil {
		in = m.openIncident()
	}
	for _, g := range gates {
		if !slices.Contains(in.Gates, g) {
			in.Gates = append(in.Gates, g)
			m.byGate.add(g, in)
		}
	}
	if a != nil && a.Incident == "" {
		a.Incident = in.ID
		m.touch(a)
		if a.Beyond = m.Behavior >= 3 && len(in.Alerts)-m.loose[in] >= maxMembers; a.Beyond {
			in.Released++
		} else {
			in.Alerts = append(in.Alerts, a.ID)
			m.byKey.add(a.joinKey(), in)
		}
		if a.Ended == 0 {
			in.Standing++
		}
		m.appendStep(in.ID, "", record.New(record.AlertBegan, a.ID, a.Rule))
	}
	if h != nil {
		h.Incident = in.ID
		in.Holds, in.PastHolds = m.listed(in.Holds, in.PastHolds, h.ID)
		in.Standing++
		m.reopen(in, record.VerdictHold, h.ID)
		said := record.New(record.GateClosed, h.Gate, h.ID, h.Cause, h.By, h.Reason)
		if h.Match != nil && m.Behavior >= 3 {
			said = record.New(record.HoldPlaced, h.Gate, h.ID, matchText(h.Match), h.Cause, h.By, h.Reason)
		}
		m.appendStep(in.ID, h.actor(), said.After(h.Because))
	}
}

// reopen takes back a verdict that was given before what came now.
func (m *Machine) reopen(in *Incident, kind record.Kind, came string) {
	if in.Verdict != "" {
		m.appendStep(in.ID, "", record.New(kind, in.Verdict, came))
		in.Verdict = ""
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
	m.open[in.ID] = in
	if len(m.Incidents) > maxIncidents {
		m.forgetIncident()
	}
	return in
}

// gatesOf are the gates that the alert's rule may close, or that a built-in one
// is about.
func (m *Machine) gatesOf(a *Alert) (out []string) {
	if gate := a.gate(); gate != "" {
		return []string{gate}
	}
	if m.live == nil {
		return nil
	}
	for _, use := range m.live.uses[a.RuleID] {
		out = append(out, m.action(use.Mitigation.Action).gates(use.Mitigation.Target)...)
	}
	return out
}

// sharing is the newest open incident that an alert with these gates belongs
// to, nil if there is none.
func (m *Machine) sharing(a *Alert, gates []string) *Incident {
	var best *Incident
	for _, g := range gates {
		if in := m.byGate.newest(g); in != nil && (best == nil || number(in.ID) > number(best.ID)) {
			best = in
		}
	}
	if best == nil && a != nil {
		best = m.byKey.newest(a.joinKey())
	}
	return best
}

func (m *Machine) incident(id string) *Incident { return m.open[id] }

func (m *Machine) addToIncident(e *Effect) {
	if e.Incident == "" {
		if a := m.byID[e.Alert]; a != nil {
			e.Incident = a.Incident
		}
	}
	if in := m.incident(e.Incident); in != nil {
		in.Effects, in.PastEffects = m.listed(in.Effects, in.PastEffects, e.ID)
		if e.State == Planned && e.Mode == rules.Approve {
			m.reopen(in, record.VerdictEffect, e.ID)
		}
		m.appendStep(in.ID, "", record.New(record.EffectPlanned, e.ID, e.Mitigation, e.Mode.String(), e.Target).After(e.Result))
	}
}

// listed adds to what an incident lists. The oldest give way, several at once, and
// are counted.
func (m *Machine) listed(ids []string, past int, id string) ([]string, int) {
	if drop := len(ids) - maxMembers; m.Behavior >= 3 && drop >= maxMembers/10 {
		ids, past = slices.Delete(ids, 0, drop), past+drop
	}
	return append(ids, id), past
}

// settle counts what has stopped standing, and ends the incident when nothing
// does and a person has said what it was.
func (m *Machine) settle(id string, change int, said record.Note) {
	in := m.incident(id)
	if in == nil {
		return
	}
	in.Standing += change
	if !said.IsZero() {
		m.appendStep(id, "", said)
	}
	if in.Standing == 0 && in.Verdict != "" && in.Ended == 0 {
		in.Ended = m.Time
		m.unshare(in)
		m.appendStep(id, "", record.New(record.IncidentEnded, in.Verdict))
	}
}

// appendStep adds a step to an incident's timeline. When it is full the oldest lines
// about the machine give way, several at once; what people did always stays.
func (m *Machine) appendStep(id, actor string, said record.Note) {
	in := m.incident(id)
	if in == nil {
		return
	}
	m.versions.Incidents++
	if len(in.Log) >= maxSteps+maxSteps/10 {
		drop := len(in.Log) - maxSteps
		in.Log = slices.DeleteFunc(in.Log, func(s Step) bool {
			if drop == 0 || s.Actor != "" {
				return false
			}
			drop--
			return true
		})
		if actor == "" && drop > 0 {
			return
		}
	}
	in.Log = append(in.Log, Step{m.Time, actor, said})
}

// number is the count in an id that next made.
func number(id string) uint64 {
	if id == "" {
		return 0
	}
	n, err := strconv.ParseUint(id[1:], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
