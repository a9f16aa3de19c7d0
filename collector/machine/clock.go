package machine

import (
	"fmt"
	"time"

	"github.com/tomeishi/tomeishi/collector/record"
)

// A ClockWindow is the samples by which an agent's clock is being judged. What
// was on its way a while only makes the difference larger, so the least says
// the most.
type ClockWindow struct {
	Since int64 // ledger time of the first
	Count int   // of samples, sent as they were measured
	Least int64 // the least of ledger time minus the time at which they were sent, in nanoseconds
}

const (
	clockFrames = 30               // samples in a window
	clockWindow = 30 * time.Second // or what came in that time,
	clockFewest = 10               // if it is not too little to judge by
	clockFar    = 2 * time.Second  // from here on a clock is off
	clockNear   = time.Second      // and up to here it is right again
)

// watchClock takes in when samples were sent by the agent's clock, in Unix
// milliseconds, and judges the clock at the end of a window.
func (m *Machine) watchClock(a *Agent, sent int64) {
	w := &a.Window
	behind := m.Time - sent*int64(time.Millisecond) // a time until 2100, as it was read
	if w.Count == 0 || w.Since < m.Steady {
		*w = ClockWindow{Since: m.Time, Least: behind}
	}
	w.Count++
	w.Least = min(w.Least, behind)
	if w.Count < clockFrames && m.Time-w.Since < int64(clockWindow) {
		return
	}
	if w.Count >= clockFewest {
		m.judgeClock(a, w.Least)
	}
	*w = ClockWindow{}
}

func (m *Machine) judgeClock(a *Agent, behind int64) {
	a.Offset, a.Judged = -behind, m.Time
	off := time.Duration(max(behind, -behind))
	label := Label{Name: "agent", Value: a.ID}
	switch {
	case a.ClockOff && off <= clockNear:
		a.ClockOff = false
		m.endAbout(clockOff, record.New(record.NoLongerTrue), label)
		return
	case !a.ClockOff && (off <= clockFar || m.conditionStands(ledgerTimeOff)):
		return
	}
	a.ClockOff = true
	alert := m.about(clockOff, []Label{label})
	alert.Value = seconds10(a.Offset)
	alert.Updated = m.Time
	alert.About = record.New(record.AboutClockOff, a.ID, decimalOf(a.Offset))
}

// seconds10 is a duration in nanoseconds as seconds, to a tenth.
func seconds10(ns int64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "-", -ns
	}
	const tenth = int64(time.Second / 10)
	tenths := (ns + tenth/2) / tenth
	return fmt.Sprintf("%s%d.%d", sign, tenths/10, tenths%10)
}
