package machine

import (
	"cmp"
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// One hold and one effect collect the alerts that want the same of a gate: a
// storm of them is one reason to be closed, or to hold what they name, however many
// there are.

// effectKey is what effects on a gate are one by.
type effectKey struct{ mitigation, target, match string }

func (e *Effect) key() effectKey { return effectKey{e.Mitigation, e.Target, matchKey(e.Match)} }

// forAll is the key of the effect that closes the gate where there is no room to hold
// by name.
func (k effectKey) forAll() effectKey {
	k.match = ""
	return k
}

// keepStanding adds an effect to those that are not over, or takes it out with -1.
func (m *Machine) keepStanding(e *Effect, n int) {
	all := m.standing[e.key()]
	i, known := slices.BinarySearchFunc(all, e, func(a, b *Effect) int { return cmp.Compare(number(a.ID), number(b.ID)) })
	switch {
	case n > 0 && !known:
		m.standing[e.key()] = slices.Insert(all, i, e)
	case n < 0 && known && len(all) == 1:
		delete(m.standing, e.key())
	case n < 0 && known:
		m.standing[e.key()] = slices.Delete(all, i, i+1)
	}
}

// wants counts a standing alert in at its effects, or out with -1.
func (m *Machine) wants(a *Alert, n int) {
	for _, id := range a.Effects {
		if m.askers[id] += n; m.askers[id] == 0 {
			delete(m.askers, id)
		}
	}
}

// collector is the effect on a gate that can take one more alert for a
// mitigation; nil if it needs one of its own. An alert whose rule is in shadow, by its
// file or because a person keeps it there, holds no gate closed, not even beside others.
func (m *Machine) collector(a *Alert, use rules.Use) *Effect {
	if m.Behavior < 3 {
		return nil
	}
	key, mode := a.wants(use.Mitigation), m.mode(a, use)
	shadow := mode == rules.Shadow
	for _, e := range slices.Backward(m.standing[key]) {
		if weak := e.State == Planned && e.Mode == rules.Shadow; !shadow && (e.State != Planned || e.Mode >= mode) || shadow && weak {
			return e
		}
	}
	if key.match == "" || mode != rules.Enforce || !m.full(use.Mitigation.Target) {
		return nil
	}
	i := slices.IndexFunc(m.standing[key.forAll()], func(e *Effect) bool { return e.State != Planned })
	if i < 0 {
		return nil
	}
	return m.standing[key.forAll()][i]
}

// collect adds an alert to an effect. A gate that it keeps closed is for whoever
// opens it as if another hold had come.
func (m *Machine) collect(a *Alert, e *Effect) {
	m.tally(e, -1)
	a.Effects = append(a.Effects, e.ID)
	m.askers[e.ID]++
	m.tally(e, 1)
	e.Count = max(e.Count, 1) + 1
	m.versions.Gates++
	h := m.holds[e.Hold]
	if h == nil {
		if in := m.incident(e.Incident); in != nil && e.Mode == rules.Approve {
			m.reopen(in, record.VerdictEffect, e.ID)
		}
		return
	}
	h.Count, h.Joined = h.Alerts()+1, m.Time
	m.join(a, nil)
	if in := m.incident(h.Incident); in != nil {
		m.reopen(in, record.VerdictHold, h.ID)
	}
	m.holdMore(h, a)
}

// holdMore makes whoever opens read again what a hold stands for: an alert because of
// which it stands has come, or more that it stands for.
func (m *Machine) holdMore(h *Hold, a *Alert) {
	m.versions.Gates++
	m.turn(h.Gate)
	m.reached(h)
	m.lapse(m.Gates[h.Gate], record.New(record.AlertJoined, h.ID, a.ID))
}

// reached notes at which epoch of its gate a hold is what it is now.
func (m *Machine) reached(h *Hold) {
	h.Epoch = m.Gates[h.Gate].Epoch
	if m.Behavior >= 3 {
		h.Index = m.Index
	}
}

// holdAnew tells of more that an alert keeps no key of, so that it could not be judged
// in an opening. Once an entry is enough: nobody reads in between.
func (m *Machine) holdAnew(a *Alert) {
	for _, id := range a.Effects {
		e := m.effects[id]
		if e == nil {
			continue
		}
		if h := m.holds[e.Hold]; h != nil && h.Index < m.Index {
			m.holdMore(h, a)
		}
	}
}

// Alerts is because of how many a hold stands.
func (h *Hold) Alerts() int {
	if h.Alert == "" {
		return 0
	}
	return max(h.Count, 1)
}

// newest is the ledger time since when a hold is what it is now.
func (h *Hold) newest() int64 { return max(h.Since, h.Joined) }

// heldBy are the alerts because of which the holds stand, as far as they are kept.
func (m *Machine) heldBy(holds []*Hold) (out []*Alert) {
	effects := map[string]bool{}
	for _, h := range holds {
		if h.Effect != "" {
			effects[h.Effect] = true
		}
	}
	if len(effects) == 0 {
		return nil
	}
	for _, a := range m.Alerts {
		if slices.ContainsFunc(a.Effects, func(id string) bool { return effects[id] }) {
			out = append(out, a)
		}
	}
	return out
}

// holdsFast tells whether a hold stands because of the alert.
func (m *Machine) holdsFast(a *Alert) bool {
	return slices.ContainsFunc(a.Effects, func(id string) bool {
		e := m.effects[id]
		return e != nil && m.holds[e.Hold] != nil
	})
}

// asker is an alert that wants an effect: one that stands, where there is one.
func (m *Machine) asker(e *Effect) *Alert {
	first := m.byID[e.Alert]
	if first != nil && first.Ended == 0 || m.askers[e.ID] == 0 {
		return first
	}
	i := slices.IndexFunc(m.Alerts, func(a *Alert) bool { return a.Ended == 0 && slices.Contains(a.Effects, e.ID) })
	return m.Alerts[i]
}
