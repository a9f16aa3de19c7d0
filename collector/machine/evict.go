package machine

import (
	"cmp"
	"slices"
)

// loosen notes that an alert of an incident has ended, or that the last hold
// because of it was taken away after it had.
func (m *Machine) loosen(in *Incident, a *Alert) {
	if a.Ended == 0 || a.Beyond || m.holdsFast(a) {
		return
	}
	m.loose[in]++
	if m.loose[in] > maxMembers+maxMembers/10 {
		m.crowded = append(m.crowded, in)
	}
}

// tighten is for a hold that is put because of alerts of which some have ended: those
// are kept like others that are held.
func (m *Machine) tighten(h *Hold) {
	for _, a := range m.heldBy([]*Hold{h}) {
		if in := m.incident(a.Incident); in != nil && a.Ended != 0 && !a.Beyond && !m.holdsFast(a) {
			m.loose[in]--
		}
	}
}

// evict forgets what nothing refers to any more after this entry.
func (m *Machine) evict() {
	for _, in := range m.crowded {
		m.evictMembers(in)
	}
	for id := range m.thinned { // the order does not show
		m.ofMetric[id] = slices.DeleteFunc(m.ofMetric[id], func(a *Alert) bool { return a.Ended != 0 })
		if len(m.ofMetric[id]) == 0 {
			delete(m.ofMetric, id)
		}
	}
	m.evictAlerts()
	m.forgetGone()
	clear(m.thinned)
	m.crowded, m.dead = nil, nil
}

// evictAlerts forgets the alerts that have ended and are in no incident.
func (m *Machine) evictAlerts() {
	if len(m.dead) == 0 {
		return
	}
	var places []int
	for _, a := range m.dead {
		delete(m.byID, a.ID)
		if i, ok := slices.BinarySearchFunc(m.Alerts, a, compareAlerts); ok {
			places = append(places, i)
		}
	}
	first := len(m.Alerts)
	for _, i := range places {
		m.Alerts[i], first = nil, min(first, i)
	}
	kept := slices.DeleteFunc(m.Alerts[first:], func(a *Alert) bool { return a == nil })
	m.Alerts = m.Alerts[:first+len(kept)]
}

func compareAlerts(a, b *Alert) int { return cmp.Compare(number(a.ID), number(b.ID)) }

// evictMembers lets go of the oldest alerts of an incident that have ended, and because
// of which no hold stands, until it has as many of them as are kept.
func (m *Machine) evictMembers(in *Incident) {
	drop := m.loose[in] - maxMembers
	in.Alerts = slices.DeleteFunc(in.Alerts, func(id string) bool {
		a := m.byID[id]
		if drop <= 0 || a == nil || a.Ended == 0 || m.holdsFast(a) {
			return false
		}
		drop--
		m.loose[in]--
		in.Released++
		if in.Ended == 0 {
			m.byKey.drop(a.joinKey(), in)
		}
		m.leave(a)
		return true
	})
}

// leave takes an ended alert out of its incident.
func (m *Machine) leave(a *Alert) {
	a.Incident = ""
	m.dead = append(m.dead, a)
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
	if in.Ended == 0 {
		m.unshare(in)
	}
	for _, id := range in.Alerts {
		if a := m.byID[id]; a != nil {
			m.leave(a)
		}
	}
	delete(m.open, in.ID)
	delete(m.loose, in)
	m.Incidents = slices.Delete(m.Incidents, i, i+1)
}
