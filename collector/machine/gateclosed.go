package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
)

// tellClosed raises GateClosed for the gate that a hold closes, unless it
// stands.
func (m *Machine) tellClosed(h *Hold) {
	labels := []Label{{Name: "gate", Value: h.Gate}}
	if h.Match != nil || m.alertOf[m.aboutKey(gateClosed, labels)] != nil {
		return
	}
	a := m.about(gateClosed, labels)
	// Each closing has labels of its own: a gate that closes again a second
	// after it was opened would else be the alert that people were told of.
	a.Labels = append(slices.Clone(a.Labels), Label{Name: "hold", Value: h.ID})
	slices.SortFunc(a.Labels, compareNames)
	a.Value = "1"
	m.since(a, h.Since)
	a.About = record.New(record.AboutGateClosed, h.Gate, h.Cause, clip(h.By), clean(h.Reason)).After(h.Because)
}

// tellAllClosed raises GateClosed where a version that did not know it has
// closed a gate. It is done in entries that every collector applies, so that
// what was restored and what was replayed stay the same.
func (m *Machine) tellAllClosed() {
	for _, h := range m.Holds {
		m.tellClosed(h)
	}
}

// freed ends what was said of a gate of which holds were lifted.
func (m *Machine) freed(gate, actor string) {
	cause := record.New(record.OpenedBy, clip(actor))
	m.lapse(m.Gates[gate], cause)
	if m.Behavior >= 3 {
		m.endUnnamed(cause)
	}
	if slices.ContainsFunc(m.Holds, func(h *Hold) bool { return h.Gate == gate && h.Match == nil }) {
		return
	}
	about := record.New(record.AboutGateOpened, gate, clip(actor))
	if above := m.holdsAbove(gate); len(above) > 0 {
		about = record.New(record.AboutGateStill, gate, clip(actor), above[0].Gate)
	}
	m.endAboutSaying(gateClosed, cause, about, Label{Name: "gate", Value: gate})
}

// gate is the gate that a built-in alert is about; empty for any other.
func (a *Alert) gate() string {
	if !a.builtIn() {
		return ""
	}
	return a.Label("gate")
}

// incidentAt is the incident of the newest hold on a gate; nil if there is none.
func (m *Machine) incidentAt(gate string) *Incident {
	for _, h := range slices.Backward(m.Holds) {
		if h.Gate == gate {
			return m.incident(h.Incident)
		}
	}
	return nil
}
