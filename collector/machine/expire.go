package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
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
	for _, at := range [...]int64{m.alertTimers.next(), m.agentTimers.next(), m.Automatic.Until} {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// expire looks at the alerts and agents whose time has come.
func (m *Machine) expire() {
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
}

// review ends an alert whose condition is no longer true.
func (m *Machine) review(a *Alert) {
	rule := m.ruleOf(a)
	switch {
	case rule == nil && a.builtIn() && a.Rule == approvalWanted:
		m.reviewApprovals(a)
		return
	case rule == nil:
		m.end(a, overBecause(a))
		return
	}
	keys := a.Keys
	if keys == nil {
		keys = []window.Key{a.Key}
	}
	if due, sure := m.stillTrue(a, rule, keys); due != 0 {
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
func (m *Machine) stillTrue(a *Alert, rule *rules.Rule, keys []window.Key) (due int64, sure bool) {
	table := m.windows[a.RuleID]
	for _, key := range keys {
		run, ok := table.Get(key)
		if !ok {
			continue
		}
		s := run.Recent(max(m.Time, run.Time(run.Len()-1)))
		var aggs rules.Aggs
		if s.From == s.To {
			continue
		}
		said := ask(rule, run, s, &aggs)
		if said == untrue {
			continue
		}
		sure = sure || said == isTrue
		if said == isTrue && a.Keys == nil {
			a.Value, a.Total = rule.When.Value(&aggs), s.To-s.From
		}
		next := max(run.Time(s.From)+int64(rule.Within), m.Time) + 1
		if due == 0 || next < due {
			due = next
		}
	}
	return due, sure
}
