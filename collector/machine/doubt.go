package machine

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// agentInDoubt is the built-in alert that an agent answers for gates by itself,
// and not by the collector's word. It ends with the agent's word that it no longer
// does.
const agentInDoubt = "AgentInDoubt"

// beatOld is from when on a beat speaks of the past only: it had to wait.
const beatOld = time.Minute

// aboutDoubt is what is said of each reason.
var aboutDoubt = map[string]record.Kind{
	report.DoubtMemory: record.AboutDoubtMemory,
	report.DoubtLedger: record.AboutDoubtLedger,
	report.DoubtLease:  record.AboutDoubtLease,
	report.DoubtKeep:   record.AboutDoubtKeep,
}

// doubts takes in what an agent says in a beat.
func (m *Machine) doubts(agent string, beat *report.Event) {
	a := m.hear(agent)
	m.heardBeat(a)
	if m.Time-(beat.Seen-a.Offset) > int64(beatOld) {
		return
	}
	var said report.Beat
	if len(beat.Data) > report.MaxBeat || len(beat.Data) > 0 && json.Unmarshal(beat.Data, &said) != nil {
		m.Events.Malformed++
		return
	}
	m.asked(a, said.Asked)
	var now []report.Doubt
	for _, why := range report.Doubts() {
		i := slices.IndexFunc(said.Doubts, func(d report.Doubt) bool { return d.Why == why })
		if i < 0 {
			continue
		}
		d := said.Doubts[i]
		d.Gates = m.known(d.Gates)
		now = append(now, d)
	}
	m.setDoubts(a, now)
}

// mutedAfter is how long an agent's events may stay away while what it measures
// arrives: four beats.
const mutedAfter = time.Minute

// ofEvents marks the AgentSilent that is about an agent's events alone.
func ofEvents(a *Agent) []Label {
	return []Label{{Name: "agent", Value: a.ID}, {Name: "of", Value: "events"}}
}

// missBeat looks, as live samples of an agent arrive, whether its events do: they
// go another way, from another folder, and a payment among them is seen by no rule
// before. While no collector served, or its disk was full, nothing could arrive.
func (m *Machine) missBeat(a *Agent) {
	last := max(a.Beat, a.Known)
	if last == 0 || a.Mute || m.Time-max(last, m.Serving) < int64(mutedAfter) {
		return
	}
	a.Mute = true
	m.versions.Agents++
	alert := m.about(agentSilent, ofEvents(a))
	alert.Value, alert.About = "1", record.New(record.AboutEventsSilent, a.ID)
	m.since(alert, max(last, m.Serving))
}

func (m *Machine) heardBeat(a *Agent) {
	a.Beat = m.Time
	if a.Mute {
		a.Mute = false
		m.versions.Agents++
		m.endAbout(agentSilent, record.New(record.AgentHeardAgain), ofEvents(a)...)
	}
}

// maxDoubtAlerts is of how many gates an agent's doubt is told one by one.
const maxDoubtAlerts = 8

// known are the gates that an agent names, once each; none, which is all, if there are
// too many or none of them is one.
func (m *Machine) known(named []string) (gates []string) {
	if len(named) > report.MaxDoubtGates {
		return nil
	}
	for _, name := range named {
		if g := m.Gates[name]; g != nil && !slices.Contains(gates, g.Name) {
			gates = append(gates, g.Name)
		}
	}
	return gates
}

// A doubted is what one AgentInDoubt is about: a gate, or all without one. Another
// gate is told anew: more payments may pass, or wait.
type doubted struct{ why, gate string }

func doubtedOf(doubts []report.Doubt) (out []doubted) {
	for _, d := range doubts {
		if n := len(d.Gates); n == 0 || n > maxDoubtAlerts {
			out = append(out, doubted{why: d.Why})
			continue
		}
		for _, gate := range d.Gates {
			out = append(out, doubted{d.Why, gate})
		}
	}
	return out
}

func (d doubted) labels(a *Agent) []Label {
	labels := []Label{{Name: "agent", Value: a.ID}, {Name: "why", Value: d.why}}
	if d.gate != "" {
		labels = append(labels, Label{Name: "gate", Value: d.gate})
	}
	return labels
}

// setDoubts raises and ends the alerts.
func (m *Machine) setDoubts(a *Agent, now []report.Doubt) {
	before, after := doubtedOf(a.Doubts), doubtedOf(now)
	for _, d := range before {
		if !slices.Contains(after, d) {
			m.endAbout(agentInDoubt, record.New(record.NoLongerTrue), d.labels(a)...)
		}
	}
	for _, d := range after {
		if !slices.Contains(before, d) {
			alert := m.about(agentInDoubt, d.labels(a))
			alert.Value, alert.About = "1", record.New(aboutDoubt[d.why], a.ID, d.gate)
		}
	}
	if len(a.Doubts)+len(now) > 0 {
		m.versions.Gates++
		m.versions.Agents++
	}
	a.Doubts = now
}

// endDoubts ends what is said of an agent that is forgotten.
func (m *Machine) endDoubts(a *Agent, cause record.Note) {
	m.endAbout(agentSilent, cause, ofEvents(a)...)
	for _, d := range doubtedOf(a.Doubts) {
		m.endAbout(agentInDoubt, cause, d.labels(a)...)
	}
}

// inDoubt is how many agents answer for each gate by themselves.
func (m *Machine) inDoubt() map[string]int {
	out := map[string]int{}
	for _, a := range m.Agents { // the order does not show
		if len(a.Doubts) == 0 {
			continue
		}
		for name := range m.Gates {
			if g := m.gate(name); g != nil && slices.ContainsFunc(a.Doubts, func(d report.Doubt) bool { return g.doubted(d) }) {
				out[name]++
			}
		}
	}
	return out
}

// doubted tells whether a doubt is about the gate.
func (g *Gate) doubted(d report.Doubt) bool {
	if len(d.Gates) == 0 {
		return g.Mode == rules.Enforce
	}
	return slices.Contains(d.Gates, g.Name)
}
