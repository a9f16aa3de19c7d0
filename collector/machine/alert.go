package machine

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// fire raises the alert of a rule for a key, or renews the one that stands.
func (m *Machine) fire(rule *rules.Rule, say *form.Say) *Alert {
	a := m.alertOf[alertKey{rule.ID, say.Key}]
	if a != nil && a.unproven() && !say.Uncertain {
		a = m.prove(a, rule, say)
	}
	if a == nil && !say.Uncertain {
		m.proveOver(rule, say)
	}
	if a == nil {
		a = m.raise(rule, say)
	}
	a.Value = say.Value
	if a.Keys != nil {
		a.Value = strconv.FormatUint(a.More, 10)
	}
	a.Updated, a.Quiet = m.Time, 0
	m.versions.Alerts++
	if say.Since < a.Since || a.Total == 0 {
		m.since(a, say.Since)
	}
	a.Total, a.Evidence = say.Total, append(a.Evidence[:0], say.Evidence...)
	a.Past = say.Past && m.Behavior >= form.LateCounts
	m.wake(a, say.Due)
	return a
}

// since notes an earlier first evidence.
func (m *Machine) since(a *Alert, first int64) {
	a.Since = min(a.Since, first)
	if in := m.incident(a.Incident); in != nil {
		in.Since = min(in.Since, first)
	}
}

// raise makes a new alert, or returns the rule's collective one when it has
// reached its limit.
func (m *Machine) raise(rule *rules.Rule, say *form.Say) *Alert {
	if m.stands[rule.ID] >= rule.Limit {
		return m.excess(rule, say)
	}
	return m.newAlert(rule, say.Key, append(labelsOf(rule, say), keyLabels(rule, say.Text)...))
}

func (m *Machine) newAlert(rule *rules.Rule, key window.Key, labels []Label) *Alert {
	for _, l := range rule.Labels {
		labels = append(labels, Label{Name: l.Name, Value: l.Value})
	}
	a := &Alert{
		ID:   next("a", &m.Last.Alert),
		Rule: rule.Name, Group: rule.Group, RuleID: rule.ID, Key: key,
		Since: m.Time, Raised: m.Time,
	}
	for _, l := range rule.Annotations {
		a.Annotations = append(a.Annotations, Label{Name: l.Name, Value: l.Value})
	}
	m.stand(a, labels)
	return a
}

func (m *Machine) stand(a *Alert, labels []Label) {
	slices.SortStableFunc(labels, compareNames)
	a.Labels = slices.CompactFunc(labels, func(x, y Label) bool { return x.Name == y.Name })
	m.Alerts = append(m.Alerts, a)
	m.byID[a.ID] = a
	m.index(a)
	m.touch(a)
	if a.Label("severity") == "critical" {
		m.join(a, nil)
	}
}

// excess is the one alert that says how many more there are, and for which
// keys.
func (m *Machine) excess(rule *rules.Rule, say *form.Say) *Alert {
	all := m.overLimit(say.Uncertain)
	a := m.alertOf[alertKey{rule.ID, all}]
	if a == nil {
		a = m.newAlert(rule, all, append(labelsOf(rule, say), Label{Name: "over_limit", Value: strconv.Itoa(rule.Limit)}))
	}
	if i, known := slices.BinarySearchFunc(a.Keys, say.Key, compareKeys); !known {
		a.More++
		if len(a.Keys) < maxOver {
			a.Keys = slices.Insert(a.Keys, i, say.Key)
		} else if m.Behavior >= 3 {
			m.holdAnew(a)
		}
	}
	return a
}

// overLimit is the key of the alert over a rule's limit, of what is proven or of what
// is not.
func (m *Machine) overLimit(uncertain bool) window.Key {
	if uncertain {
		return m.hash([]byte("over the limit, unproven"))
	}
	return m.hash([]byte("over the limit"))
}

func compareKeys(a, b window.Key) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// Label is the value of a label, empty if the alert has none.
func (a *Alert) Label(name string) string {
	for _, l := range a.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// end ends an alert. A gate that it closed stays as it is.
func (m *Machine) end(a *Alert, cause record.Note) {
	m.tallyOf(a, -1)
	a.Ended, a.Cause, a.Due = m.Time, cause, 0
	m.wants(a, -1)
	m.tallyOf(a, 1)
	m.unindex(a)
	if f := m.forming.of[alertKey{a.RuleID, a.Key}]; f != nil && f.Told {
		m.dropForming(f)
	}
	m.touch(a)
	m.goneBy(a)
	if in := m.incident(a.Incident); in != nil {
		m.loosen(in, a)
		m.settle(in.ID, -1, record.New(record.AlertEnded, a.ID).After(cause))
		if a.Beyond {
			m.leave(a)
		}
		return
	}
	m.dead = append(m.dead, a)
}
