package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// wake sees to it that an alert is looked at again.
func (m *Machine) wake(a *Alert, due int64) {
	a.Due = due
	m.alertTimers.set(a, due)
}

// due is when something must be looked at again; 0 for never.
func (m *Machine) due() int64 {
	first := int64(0)
	for _, at := range [...]int64{m.formsDue(), m.forming.timers.next(), m.alertTimers.next(), m.agentTimers.next(), m.Automatic.Until, m.shadowsDue(), m.recountsDue()} {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// formsDue is when a rule may have become true by time alone; 0 for never.
func (m *Machine) formsDue() int64 {
	if m.live == nil {
		return 0
	}
	return m.live.timers.next()
}

// expireForms asks the rules whose time has come, in their order.
func (m *Machine) expireForms() {
	if m.live == nil {
		return
	}
	for _, i := range m.rulesDue() {
		m.ask(i)
	}
}

// expire looks at the rules, alerts and agents whose time has come.
func (m *Machine) expire() {
	m.expireForms()
	m.formAlerts()
	alerts := m.alertTimers.due(m.Time)
	slices.SortFunc(alerts, compareAlerts)
	for _, a := range alerts {
		if a.Due <= m.Time {
			m.review(a)
		}
		if a.Due != 0 {
			m.alertTimers.set(a, a.Due)
		}
	}
	m.fallSilent(m.agentTimers.due(m.Time))
	m.reviewRecounts()
}

// review ends an alert whose condition is no longer true.
func (m *Machine) review(a *Alert) {
	rule := m.ruleOf(a)
	switch {
	case rule == nil && a.builtIn() && a.Rule == approvalWanted:
		m.reviewApprovals(a)
		return
	case rule == nil && a.builtIn() && a.Rule == ruleBlind:
		m.reviewBlind(a)
		return
	case rule == nil && a.builtIn() && a.Rule == agentBlind && m.Behavior >= 3:
		m.giveUp(a)
		return
	case rule == nil && a.builtIn() && a.Rule == eventsLate:
		m.reviewLate(a)
		return
	case rule == nil:
		m.end(a, overBecause(a))
		return
	}
	keys := a.Keys
	if keys == nil {
		keys = []window.Key{a.Key}
	}
	if due, sure := m.stillTrue(a, keys); due != 0 {
		if sure {
			a.Quiet = 0
		}
		a.Due = due
		return
	}
	if a.Quiet == 0 {
		a.Quiet = m.Time
	}
	if a.Due = a.Quiet + int64(rule.KeepFiring); a.Due <= m.Time {
		m.end(a, record.New(record.NoLongerTrue))
	}
}

// stillTrue tells when to look again at an alert whose condition is true for
// any of the keys, or of which nothing can be said: unknown is not untrue. It
// is 0 if the condition is untrue for all; sure if it is true for any.
func (m *Machine) stillTrue(a *Alert, keys []window.Key) (due int64, sure bool) {
	state, say := m.states[a.RuleID], &m.say
	for _, key := range keys {
		say.Reset()
		state.Ask(m.Time, key, say)
		if say.Answer == form.Untrue {
			continue
		}
		if say.Answer == form.True {
			sure = true
			if a.Keys == nil {
				a.Value, a.Total = say.Value, say.Total
			}
		}
		if due == 0 || say.Due < due {
			due = say.Due
		}
	}
	return due, sure
}
