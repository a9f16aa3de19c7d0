package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// The conditions that only the edge can see.
const (
	diskLow       = "DiskLow"
	diskFull      = "DiskFull"
	reloadFailed  = "ReloadFailed"
	ledgerTimeOff = "LedgerTimeOff"
	notifyFailing = "NotifyFailing"
	agentRefused  = "AgentRefused"
)

// maxConditions bounds the conditions that stand at once.
const maxConditions = 1000

// condition raises, keeps or ends the built-in alert of a condition.
func (m *Machine) condition(c entry.Condition) any {
	labels, refusal := m.checkCondition(c)
	if refusal != nil {
		return refusal
	}
	a := m.alertOf[m.aboutKey(c.Name, labels)]
	switch {
	case !c.Firing && a == nil:
		return nil
	case !c.Firing:
		m.end(a, record.New(record.NoLongerTrue))
		switch c.Name {
		case ledgerTimeOff:
			m.Behind = 0
			m.Steady = m.Time // what was seen of other clocks until now says nothing
		case diskFull:
			m.Serving = m.Time // what agents sent was refused, which is not silence
		}
	case a == nil && len(m.conditions) >= maxConditions:
		return conflict(record.TooMany, decimalOf(maxConditions))
	case a == nil:
		a = m.about(c.Name, labels)
		a.Value = "1"
		fallthrough
	default:
		m.keep(a, c.About)
		if c.Name == ledgerTimeOff && m.Behavior >= 3 {
			m.Behind = max(0, int64(c.Behind))
		}
	}
	return nil
}

// keep makes a built-in alert stand until the edge says that it is over.
func (m *Machine) keep(a *Alert, about record.Note) {
	if !a.Condition {
		a.Condition, a.Due = true, 0
		m.alertTimers.drop(a)
		m.conditions = append(m.conditions, a)
	} else if a.About.Equal(about) {
		return
	}
	a.Updated = m.Time
	a.About = about
}

func (m *Machine) checkCondition(c entry.Condition) ([]Label, *Refusal) {
	switch {
	case slices.Contains([]string{diskLow, diskFull, reloadFailed, ledgerTimeOff, ruleErrors, notifyFailing}, c.Name):
	case (c.Name == agentRefused || c.Name == memoryFull) && m.Behavior >= 3:
	case c.Name == ruleBlind && m.Behavior >= firstReading && slices.ContainsFunc(c.Labels, func(l Label) bool { return l.Name == "metric" }):
	default:
		return nil, invalid("name", record.NoCondition, cut(c.Name, 40))
	}
	labels := BoundLabels(c.Labels)
	for _, l := range labels {
		if Essential(l.Name) {
			return nil, invalid("labels", record.BadLabel, l.Name)
		}
	}
	return labels, nil
}

// conditionStands tells whether any condition of the name stands.
func (m *Machine) conditionStands(name string) bool {
	return slices.ContainsFunc(m.conditions, func(a *Alert) bool { return a.Rule == name })
}

// A ConditionView is a condition as the edge reported it last.
type ConditionView struct {
	Name   string
	Labels []Label // sorted by name, without the Essential
	About  record.Note
}

// Conditions are the conditions that stand, the oldest first, for the edge to
// compare with what is.
func (m *Machine) Conditions() []ConditionView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]ConditionView, 0, len(m.conditions))
	for _, a := range m.conditions {
		labels := slices.DeleteFunc(slices.Clone(a.Labels), func(l Label) bool { return Essential(l.Name) })
		out = append(out, ConditionView{a.Rule, labels, a.About})
	}
	return out
}
