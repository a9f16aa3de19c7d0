package machine

import (
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/match"
)

// stale raises RuleBlind about a source of a rule that has been silent for so long that
// of some keys nothing can be said, tells for how many, or ends it.
func (m *Machine) stale(i int) {
	if m.Behavior < firstReading {
		return
	}
	rule, said := m.live.set.Rules[i], &m.say.Stale
	event := rule.Body.Sources()[said.Source].Event
	labels := []Label{{Name: "event", Value: clip(event)}, {Name: "group", Value: rule.Group}, {Name: "rule", Value: rule.Name}, {Name: "side", Value: said.Side}}
	if said.Keys == 0 {
		m.endAbout(ruleBlind, record.New(record.AgentHeardAgain), labels...)
		return
	}
	more := ""
	if said.Keys > 1 {
		more = decimalOf(said.Keys - 1)
	}
	key := clip(strings.Join(match.Labels(m.say.Text), ", "))
	a := m.aboutAs(ruleBlind, m.gravity(i), labels)
	a.About = record.New(record.AboutBlindSide, rule.Name, event, said.Side, key, decimalOf(said.Since), more)
	a.Total, a.Value, a.Updated = said.Keys, decimalOf(said.Keys), m.Time
	m.versions.Alerts++
}

// staleAlerts are those that stand about silent sources.
func (m *Machine) staleAlerts() (out []*Alert) {
	for _, a := range m.Alerts {
		if a.Ended == 0 && a.builtIn() && a.Rule == ruleBlind && a.Label("side") != "" {
			out = append(out, a)
		}
	}
	return out
}

// forgetStale ends what is said of rules that are gone or mean something else in the set
// that comes.
func (m *Machine) forgetStale(set *rules.Set) {
	for _, a := range m.staleAlerts() {
		old := m.ruleNamed(a)
		if old < 0 || !slices.ContainsFunc(set.Rules, func(r *rules.Rule) bool { return r.ID == m.live.set.Rules[old].ID }) {
			m.end(a, record.New(record.RuleRemoved))
		}
	}
}

// regradeStale raises anew what is said of rules that can now close a gate, or no longer
// can.
func (m *Machine) regradeStale() {
	for _, old := range m.staleAlerts() {
		i := m.ruleNamed(old)
		if i < 0 || old.Label("severity") == m.gravity(i) {
			continue
		}
		m.end(old, record.New(record.Regraded))
		labels := slices.DeleteFunc(slices.Clone(old.Labels), func(l Label) bool { return Essential(l.Name) })
		a := m.aboutAs(ruleBlind, m.gravity(i), labels)
		a.About, a.Total, a.Value = old.About, old.Total, old.Value
	}
}

// ruleNamed is the place of the live rule that a built-in alert is about; -1 if there is
// none.
func (m *Machine) ruleNamed(a *Alert) int {
	if m.live == nil {
		return -1
	}
	return slices.IndexFunc(m.live.set.Rules, func(r *rules.Rule) bool {
		return r.Group == a.Label("group") && r.Name == a.Label("rule")
	})
}
