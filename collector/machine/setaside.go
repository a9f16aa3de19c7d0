package machine

import (
	"strconv"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

// maxSetAside bounds the evidence of one alert about events that were set aside:
// the first ones and the last.
const maxSetAside = 10

// setAside tells of an event that counts for no rule, because of who reports it. It
// may be a payment all the same, or what would have excused one.
func (m *Machine) setAside(ev *report.Event, t *typeOf, ref window.Ref) {
	m.Events.SetAside++
	if m.Behavior >= firstReading {
		m.came(ev, t)
		if seen := m.Types[ev.Type]; seen != nil {
			seen.SetAside++
		}
	}
	m.tellAside(ev, t, ref, record.New(record.AboutSetAside, clip(valid(ev.Type)), clip(valid(ev.Source))))
}

// tellAside tells what became of an event that does not count as it might.
func (m *Machine) tellAside(ev *report.Event, t *typeOf, ref window.Ref, about record.Note) {
	a := m.aboutSetAside(ev.Type, t.closer != nil || t.excuses || rules.Excuses(ev.Type))
	a.About = about
	a.Total++
	a.Value, a.Updated = strconv.Itoa(a.Total), m.Time
	if len(a.Evidence) == maxSetAside {
		a.Evidence = a.Evidence[:maxSetAside-1]
	}
	a.Evidence = append(a.Evidence, ref)
	m.wake(a, m.Time+int64(builtInQuiet))
}

// aboutSetAside is the standing alert about a type: critical where a rule that can
// close a gate reads it, or where it excuses payments. Once it is, it stays so.
func (m *Machine) aboutSetAside(eventType string, critical bool) *Alert {
	labels := []Label{{Name: "type", Value: clip(valid(eventType))}}
	severe := "warning"
	if critical {
		severe = "critical"
	}
	return m.regraded(eventsSetAside, severe, labels)
}
