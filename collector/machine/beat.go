package machine

import (
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

// watchdog is the built-in alert that always stands. Agents keep it up, so that
// whoever no longer hears of it knows that the way from an agent's event to the
// receiver is broken somewhere.
const watchdog = "Watchdog"

// watchdogStands is how long it stands after a beat: four of an agent's.
const watchdogStands = time.Minute

// own takes in what an agent reports of itself.
func (m *Machine) own(agent string, ev *report.Event) {
	switch ev.Type {
	case report.BeatType:
		m.beat()
		if m.Behavior >= 3 {
			m.doubts(agent, ev)
		}
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
		a.About = record.New(record.AboutWatchdog)
	}
	m.wake(a, m.Time+int64(watchdogStands))
}

// overBecause is why an alert ends whose time has come.
func overBecause(a *Alert) record.Note {
	if a.builtIn() && a.Rule == watchdog {
		return record.New(record.NoBeat)
	}
	return record.New(record.NoLongerTrue)
}
