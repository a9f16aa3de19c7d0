package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
)

// What does not come may have happened unheard. An alert of it says so by a label, and
// does not stop all by itself; once it is proven another takes its place.

const (
	certainty = "certainty"
	unknown   = "unknown"
)

// labelsOf are the labels that an alert begins with.
func labelsOf(rule *rules.Rule, say *form.Say) []Label {
	labels := []Label{{Name: "alertname", Value: rule.Name}}
	if say.Uncertain {
		labels = append(labels, Label{Name: certainty, Value: unknown})
	}
	return labels
}

// prove raises an alert anew without doubt. The incident of the one before goes on.
func (m *Machine) prove(old *Alert, rule *rules.Rule, say *form.Say) *Alert {
	in := m.incident(old.Incident)
	if in != nil {
		in.Standing++ // until the other has joined it
	}
	m.end(old, record.New(record.Proven))
	a := m.raise(rule, say)
	if in != nil {
		if a.Incident == "" {
			m.join(a, nil)
		}
		m.settle(in.ID, -1, record.Note{})
	}
	return a
}

// proveOver takes a key out of those over the limit that are not proven.
func (m *Machine) proveOver(rule *rules.Rule, say *form.Say) {
	a := m.alertOf[alertKey{rule.ID, m.overLimit(true)}]
	if a == nil {
		return
	}
	i, known := slices.BinarySearchFunc(a.Keys, say.Key, compareKeys)
	if !known {
		return
	}
	a.Keys = slices.Delete(a.Keys, i, i+1)
	if a.More--; a.More == 0 {
		m.end(a, record.New(record.Proven))
	}
}
