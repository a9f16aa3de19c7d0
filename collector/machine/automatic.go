package machine

import (
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

const (
	// offFor is how long automatic effects stay off unless a person says
	// otherwise, and maxOff how long they may.
	offFor = 2 * time.Hour
	maxOff = 24 * time.Hour
)

// switchAutomatic lets effects happen by themselves, or for a while not.
func (m *Machine) switchAutomatic(d entry.Decision) *Refusal {
	switch {
	case d.On && d.For != 0:
		return invalid("for", record.OnHasNoEnd)
	case d.On && m.Automatic.Off && d.Epoch != nil && *d.Epoch != uint64(m.Automatic.Until):
		return conflict(record.SwitchedAgain, clip(m.Automatic.Actor), decimalOf(m.Automatic.Until))
	case d.On:
		if m.Automatic.Off {
			m.resume(d.Actor, d.Reason, record.New(record.SwitchedOnBy, clip(d.Actor)))
		}
		return nil
	case blank(d.Reason):
		return invalid("reason", record.WantReasonOff)
	case d.For != 0 && (d.For < time.Second || d.For > maxOff):
		return invalid("for", record.BadPause, decimalOf(int(maxOff.Hours())))
	}
	if d.For == 0 {
		d.For = offFor
	}
	since := m.Time
	if m.Automatic.Off {
		since = m.Automatic.Since
	}
	m.Automatic = Automatic{Off: true, Since: since, Until: m.Time + int64(d.For), Actor: d.Actor, Reason: cut(d.Reason, maxText)}
	a := m.about(automaticOff, nil)
	a.Value, a.Updated = "1", m.Time
	a.About = record.New(record.AboutAutomaticOff, clip(d.Actor), decimalOf(m.Automatic.Until), clean(d.Reason))
	m.touch(a)
	return nil
}

// automatic lets effects happen by themselves again.
func (m *Machine) resume(actor, reason string, cause record.Note) {
	m.Automatic = Automatic{Since: m.Time, Actor: actor, Reason: cut(reason, maxText)}
	m.versions.Gates++
	m.endAboutSaying(automaticOff, cause, record.New(record.AboutAutomaticOn).After(cause))
}

// elapse switches automatic effects on when their time off is over, and lets rules
// close again whose time in shadow is, before anything else of the entry.
func (m *Machine) elapse() {
	if m.Automatic.Off && m.Automatic.Until <= m.Time {
		m.resume("", "", record.New(record.TimeOver))
	}
	m.elapseShadows()
}

// mode is the weakest that rule, mitigation and gate name for an alert. While it is
// kept back, none is stronger than a person's approval; while a person keeps the rule
// in shadow, none is stronger than that.
func (m *Machine) mode(a *Alert, use rules.Use) rules.Mode {
	mode := m.namedMode(use)
	switch {
	case m.inShadow(a.RuleID, use):
		return rules.Shadow
	case mode > rules.Approve && !m.keptBack(a, use).IsZero():
		return rules.Approve
	}
	return mode
}

// keptBack decides by an alert whether what is done about it may happen by itself: it is
// why it waits for a person's approval, zero if it does not. Of what is not proven only a
// single payment may be held.
func (m *Machine) keptBack(a *Alert, use rules.Use) record.Note {
	does := use.Mitigation
	switch {
	case m.Automatic.Off:
		return record.New(record.ResultOff)
	case m.Behavior >= 3 && a.unproven() && does.Action != rules.GateHold:
		return record.New(record.ResultUnproven)
	}
	return m.action(does.Action).keptBack(a, does)
}

func (m *Machine) namedMode(use rules.Use) rules.Mode {
	return rules.Effective(use.Mode, use.Mitigation.Mode, m.action(use.Mitigation.Action).most(use.Mitigation.Target))
}

// whyWaits says why an effect waits for a person.
func (m *Machine) whyWaits(a *Alert, use rules.Use) record.Note {
	why := m.keptBack(a, use)
	switch {
	case m.namedMode(use) > rules.Approve:
		return why
	case why.Kind == record.ResultUnnamed: // whoever approves must know what happens
		return record.New(record.ResultWaits).After(why)
	}
	return record.New(record.ResultWaits)
}

// renews tells whether a metric alert has to be said to fire again: under
// another rule set, or after automatic effects were off or a rule was in shadow,
// something may be done about it that was not.
func (m *Machine) renews(a *Alert) bool {
	return a.Updated < m.Live.Since || a.Updated < m.ShadowOver || !m.Automatic.Off && a.Updated < m.Automatic.Since
}

// AutomaticView says whether effects happen by themselves.
func (m *Machine) AutomaticView() Automatic {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Automatic
}
