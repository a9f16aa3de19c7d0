package machine

import (
	"strconv"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	// maxReused bounds the alerts about ids that were used again; one more stands
	// for all others.
	maxReused = 100
	// maxReusedPairs bounds the pairs of events that one of them keeps.
	maxReusedPairs = 10
)

// A reuse is an event under an id that its source had used for another of this
// type.
type reuse struct {
	first, second dedup.Fact
	repeat        bool // it says the same at another time, and does not count
	critical      bool // they differ in what decides about a gate
}

// reused raises the alert that a source uses ids again, or counts one more of them.
// Its evidence is pairs: the event that had the id, and the other.
func (m *Machine) reused(ev *report.Event, u reuse) {
	a := m.aboutReused(ev, u.critical)
	other, repeats := count(a.About.Arg("other")), count(a.About.Arg("repeats"))
	if u.repeat {
		repeats++
	} else {
		other++
	}
	a.About = record.New(record.AboutIDReused, a.Label("source"), a.Label("type"), ifAny(other), ifAny(repeats))
	a.Total++
	a.Value, a.Updated = strconv.Itoa(a.Total), m.Time
	if len(a.Evidence) == 2*maxReusedPairs {
		a.Evidence = a.Evidence[:2*maxReusedPairs-2] // the first ones and the last
	}
	a.Evidence = append(a.Evidence, window.Ref(u.first.Ref), window.Ref(u.second.Ref))
	m.wake(a, m.Time+int64(builtInQuiet))
}

// aboutReused is the standing alert about a source and type. Once it is critical it
// stays so: another takes its place, and goes on counting.
func (m *Machine) aboutReused(ev *report.Event, critical bool) *Alert {
	labels := []Label{{Name: "source", Value: clip(valid(ev.Source))}, {Name: "type", Value: clip(valid(ev.Type))}}
	if m.alertOf[m.aboutKey(eventIDReused, labels)] == nil && m.reusedStand >= maxReused {
		labels = []Label{{Name: "over_limit", Value: strconv.Itoa(maxReused)}}
	}
	severe := "warning"
	if critical {
		severe = "critical"
	}
	return m.regraded(eventIDReused, severe, labels)
}

// count and ifAny read and write a number that a note leaves out if it is 0.
func count(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func ifAny(n int) string {
	if n == 0 {
		return ""
	}
	return decimalOf(n)
}
