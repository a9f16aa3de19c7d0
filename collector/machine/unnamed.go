package machine

import (
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

// unnamed raises UnnamedHeld for asks that were refused only because they left out
// what a hold names: payments wait that nobody meant to stop.
func (m *Machine) unnamed(x *report.Refused) {
	if m.Behavior < 3 || !m.holdNames(x.Gate, x.Lacks) {
		return
	}
	labels := []Label{{Name: "gate", Value: x.Gate}, {Name: "field", Value: x.Lacks}}
	m.about(unnamedHeld, labels).About = record.New(record.AboutUnnamedHeld, x.Gate, x.Lacks)
	m.builtIn(unnamedHeld, labels...)
}

// holdNames tells whether a hold at the gate or above it names the field.
func (m *Machine) holdNames(gate, field string) bool {
	return slices.ContainsFunc(m.Holds, func(h *Hold) bool {
		_, names := h.Match[field]
		return names && (h.Gate == gate || strings.HasPrefix(gate, h.Gate+"/"))
	})
}

// endUnnamed ends UnnamedHeld where no hold is left that names the field.
func (m *Machine) endUnnamed(cause record.Note) {
	for _, a := range m.Alerts {
		if a.Ended == 0 && a.builtIn() && a.Rule == unnamedHeld && !m.holdNames(a.Label("gate"), a.Label("field")) {
			m.end(a, cause)
		}
	}
}
