package machine

import (
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Recorded are the numbers of the rules that record events, each with the name and the
// labels of its series.
func (m *Machine) Recorded(each func(name string, labels []Label, value decimal.Decimal)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil {
		return
	}
	for i, r := range m.live.set.Rules {
		state, ok := m.live.states[i].(form.Recorder)
		if !ok {
			continue
		}
		state.Recorded(func(text []byte, value decimal.Decimal) {
			var labels []Label
			for _, l := range r.Labels {
				labels = append(labels, Label{Name: l.Name, Value: l.Value})
			}
			for i, v := range match.Labels(text) {
				if v != "" {
					labels = append(labels, Label{Name: r.By[i].Label, Value: clip(v)})
				}
			}
			each(r.Name, labels, value)
		})
	}
}
