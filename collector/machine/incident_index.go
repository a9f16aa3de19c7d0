package machine

import "slices"

// incidentIndex finds the newest open incident that has something: a gate, or what
// its alerts are joined by.
type incidentIndex[K comparable] map[K][]share

// A share is an open incident and how often it has something.
type share struct {
	in    *Incident
	times int
}

func (s incidentIndex[K]) add(k K, in *Incident) {
	all := s[k]
	i := len(all)
	for i > 0 && number(all[i-1].in.ID) > number(in.ID) {
		i--
	}
	if i > 0 && all[i-1].in == in {
		all[i-1].times++
		return
	}
	s[k] = slices.Insert(all, i, share{in, 1})
}

func (s incidentIndex[K]) drop(k K, in *Incident) {
	all := s[k]
	i := slices.IndexFunc(all, func(h share) bool { return h.in == in })
	if i < 0 {
		return
	}
	if all[i].times--; all[i].times > 0 {
		return
	}
	if len(all) == 1 {
		delete(s, k)
		return
	}
	s[k] = slices.Delete(all, i, i+1)
}

// newest is nil if no open incident has it.
func (s incidentIndex[K]) newest(k K) *Incident {
	all := s[k]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1].in
}

// joinKey is what brings alerts into one incident where they share no gate: for
// an event rule the rule and its key, for a metric rule the rule alone. That rules
// are blind is one incident: thirty hosts got the same bad release.
func (a *Alert) joinKey() alertKey {
	if a.builtIn() && a.Rule == ruleBlind {
		return alertKey{rule: RuleID{'b', 'l', 'i', 'n', 'd'}}
	}
	if a.Metric {
		return alertKey{rule: a.RuleID}
	}
	return alertKey{a.RuleID, a.Key}
}

// share makes an open incident and what it has known.
func (m *Machine) share(in *Incident) {
	for _, g := range in.Gates {
		m.byGate.add(g, in)
	}
	for _, id := range in.Alerts {
		if a := m.byID[id]; a != nil {
			m.byKey.add(a.joinKey(), in)
		}
	}
}

// unshare is for an incident that is no longer open.
func (m *Machine) unshare(in *Incident) {
	for _, g := range in.Gates {
		m.byGate.drop(g, in)
	}
	for _, id := range in.Alerts {
		if a := m.byID[id]; a != nil {
			m.byKey.drop(a.joinKey(), in)
		}
	}
}
