package machine

import (
	"slices"

	"github.com/tomeishi/tomeishi/collector/record"
)

// guard raises GateUnguarded for the gates in enforce that no rule can close, and
// ends it for the others.
func (m *Machine) guard() {
	if m.Behavior < firstReading {
		return
	}
	open := m.live.set.Unguarded()
	for _, a := range slices.Clone(m.Alerts) {
		if a.Ended == 0 && a.builtIn() && a.Rule == gateUnguarded && !slices.Contains(open, a.Label("gate")) {
			m.end(a, record.New(record.RulesChanged))
		}
	}
	for _, gate := range open {
		if a := m.about(gateUnguarded, []Label{{Name: "gate", Value: gate}}); a.Value == "" {
			a.Value = "1"
		}
	}
}
