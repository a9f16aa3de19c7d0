package machine

import (
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// A payment that a rule would hold by itself, and that waits for a person all the same,
// may pass meanwhile: NotHeld stands for as long, whatever the severity of the rule.

// notHeld tells whether the effect is such a one.
func (e *Effect) notHeld() bool { return e.Action == rules.GateHold && e.KeptBack() }

func (k effectKey) labels() []Label {
	return []Label{{Name: "gate", Value: k.target}, {Name: "mitigation", Value: k.mitigation}}
}

// tellNotHeld raises NotHeld for an effect that was just planned.
func (m *Machine) tellNotHeld(e *Effect) {
	if !e.notHeld() {
		return
	}
	a := m.about(notHeld, e.key().labels())
	a.Value, a.Updated = decimalOf(m.notHeld[e.key().forAll()]), m.Time
	a.About = record.New(record.AboutNotHeld, e.Target, matchText(e.Match), e.Mitigation, e.ID).After(e.Result)
	m.touch(a)
}

// countNotHeld counts an effect in, or out with -1.
func (m *Machine) countNotHeld(e *Effect, n int) {
	if !e.notHeld() {
		return
	}
	k := e.key().forAll()
	if m.notHeld[k] += n; n < 0 {
		m.heldBack = append(m.heldBack, k)
	}
}

// endNotHeld ends NotHeld where nothing is kept back any more after this entry.
func (m *Machine) endNotHeld() {
	for _, k := range m.heldBack {
		if m.notHeld[k] == 0 {
			delete(m.notHeld, k)
			m.endAbout(notHeld, record.New(record.NothingWaits), k.labels()...)
		}
	}
	m.heldBack = nil
}
