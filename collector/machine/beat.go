package machine

import (
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// watchdog is the built-in alert that always stands. Agents keep it up, so that
// whoever no longer hears of it knows that the way from an agent's event to the
// receiver is broken somewhere.
const watchdog = "Watchdog"

// watchdogStands is how long it stands after a beat: four of an agent's.
const watchdogStands = time.Minute

const watchdogSays = "This alert always stands, so that you know that the others would reach you. " +
	"An agent's beat keeps it up: if you stop hearing of it, or hear that it is over, nothing that agents report may be reaching you."

// own takes in what an agent reports of itself.
func (m *Machine) own(ev *report.Event) {
	switch ev.Type {
	case report.BeatType:
		m.beat()
	case report.RefusedType:
		m.refused(ev.Data)
	}
}

// beat keeps the watchdog up. That a collector began to serve does not: one that
// starts again and again and hears nobody must not sound well.
func (m *Machine) beat() {
	a := m.about(watchdog, nil)
	if a.Value == "" {
		a.Value = "1"
		m.describe(a, watchdogSays)
	}
	m.wake(a, m.Time+int64(watchdogStands))
}

// overBecause is why an alert ends whose time has come.
func overBecause(a *Alert) string {
	if a.builtIn() && a.Rule == watchdog {
		return "no agent's beat has come"
	}
	return "no longer true"
}
