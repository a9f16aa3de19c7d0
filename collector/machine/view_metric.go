package machine

import (
	"encoding/hex"
	"maps"
	"slices"
	"sync"

	"github.com/tomeishi/tomeishi/rules"
)

// A Standing is a metric alert that stands, as its evaluation needs to know it.
type Standing struct {
	ID      string
	Labels  []Label // sorted by name, alertname among them, as BoundLabels made them; not to be changed
	Unheard bool    // kept because nobody is heard who could say that it is over
	// Renew says that it was last said to fire under another rule set, or before
	// automatic effects went on again: if it still does, that should be said
	// again, for what is to be done about it now.
	Renew bool
	// Silent says that it would be kept again if it were said to be over.
	Silent bool
}

// Standing are the standing alerts of a metric rule, in the order they were
// raised.
func (m *Machine) Standing(rule RuleID) []Standing {
	m.mu.RLock()
	defer m.mu.RUnlock()
	alerts := m.ofMetric[rule]
	if len(alerts) == 0 || m.Live == nil {
		return nil
	}
	out := make([]Standing, len(alerts))
	silence := sync.OnceValue(m.anySilence)
	for i, a := range alerts {
		out[i] = Standing{a.ID, a.Labels, a.Unheard != 0, m.renews(a), a.Unheard != 0 && m.inSilence(a, silence)}
	}
	return out
}

// A MetricRuleView is a metric rule with what became of it.
type MetricRuleView struct {
	*rules.MetricRule
	Standing  int
	LastFired int64 // ledger time; 0 if it never did
}

// MetricRulesView are the metric rules of the live set, in the order of their
// files.
func (m *Machine) MetricRulesView() []MetricRuleView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil {
		return nil
	}
	out := make([]MetricRuleView, 0, len(m.live.set.Metrics))
	for _, r := range m.live.set.Metrics {
		out = append(out, MetricRuleView{r, m.stands[r.ID], m.Fired[hex.EncodeToString(r.ID[:])]})
	}
	return out
}

// AgentsView are the agents that are known, by id.
func (m *Machine) AgentsView() []Agent {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Agent, 0, len(m.Agents))
	for _, id := range slices.Sorted(maps.Keys(m.Agents)) {
		a := *m.Agents[id]
		a.Former, a.Doubts = slices.Clone(a.Former), slices.Clone(a.Doubts)
		out = append(out, a)
	}
	return out
}

// LiveSet is the rule set that counts, and its name; nil if there is none yet.
func (m *Machine) LiveSet() (set *rules.Set, name string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil {
		return nil, ""
	}
	return m.live.set, m.Live.Name
}

// LeftOut is how many errors keep parts of the live rule set from counting: it was
// accepted when less was asked.
func (m *Machine) LeftOut() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.leftOut
}

// LeftOutProblems are these errors, one a line, for people: they are made anew, and
// in no state.
func (m *Machine) LeftOutProblems() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.Live == nil || m.leftOut == 0 {
		return ""
	}
	if _, problems := rules.Accepted(m.forms, m.Live.Files); problems.Err() != nil {
		return problems.Err().Error()
	}
	return ""
}
