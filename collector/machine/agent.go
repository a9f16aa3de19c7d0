package machine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// An Agent is what is known of one agent. It is known from the first samples or
// blocks that were applied until a person forgets it.
type Agent struct {
	ID       string
	Heard    int64 // ledger time of the last samples or blocks
	Live     int64 // ledger time of the last samples that were sent as they were measured; 0 if there were none
	Back     int64 // ledger time since when those have come without a gap
	Silent   bool  // the alert AgentSilent stands
	ClockOff bool  // the alert ClockOff stands

	Lane   report.SpoolID // of the last samples; zero if there were none
	Former []FormerLane   `json:",omitempty"` // the newest last
	Series int
	Frames uint64
	Last   int64 // time of the newest frame, Unix milliseconds by its own clock

	Offset int64 // its clock minus ledger time when it was judged last, in nanoseconds
	Judged int64 // ledger time of that; 0 if never
	Window ClockWindow

	Known  int64          `json:",omitempty"` // ledger time since when it is known
	Beat   int64          `json:",omitempty"` // ledger time of its last beat; 0 if none is known
	Mute   bool           `json:",omitempty"` // AgentSilent stands for its events
	Doubts []report.Doubt `json:",omitempty"` // why it answers for gates by itself

	Asked map[string]*Asked `json:",omitempty"` // what its asks named within a day, by gate

	Through int64 `json:",omitempty"` // ledger time up to which all has come that it accepted
	BlindAt int64 `json:",omitempty"` // ledger time at which it last showed that something was lost; 0 if all came
	Before  int64 `json:",omitempty"` // what Through was when it first did

	reports []string // types of events that come by it
}

// A FormerLane is one that gave way to another.
type FormerLane struct {
	Lane report.SpoolID
	Left int64 // ledger time
}

const (
	// silentAfter is how long an agent may be quiet that speaks every second.
	silentAfter = 30 * time.Second
	// silentAtOnce bounds how many fall silent in one entry; the next goes on.
	silentAtOnce = 500
	// maxAgents bounds the agents that are known.
	maxAgents = 4096
	// maxFormer bounds the lanes of one agent that are remembered, for laneBack.
	maxFormer = 4
	// laneBack is how soon a lane comes back only if two have one name: a data
	// folder that was replaced does not.
	laneBack = 10 * time.Minute
)

// A SamplesOutcome says what of an agent's samples has been applied.
type SamplesOutcome struct {
	Through int64 // time of the newest frame, Unix milliseconds
}

// samples takes in that an agent lives and what its clock shows. What it
// measured is for the series.
func (m *Machine) samples(body []byte) any {
	var out SamplesOutcome
	for len(body) > 0 {
		h, rest, err := report.ReadSamplesHead(body)
		if err != nil {
			m.Events.Malformed++
			return err
		}
		body = rest
		a := m.hear(h.Agent)
		m.lane(a, h.Lane)
		a.Series = h.Series
		a.Frames += uint64(h.Frames)
		m.Signals.Frames += uint64(h.Frames)
		if h.Sent != 0 || h.Last > a.Last {
			a.Last = h.Last
		}
		if h.Sent != 0 {
			if m.Time-a.Live > int64(heardWithin) {
				a.Back = m.Time
			}
			a.Live = m.Time
			m.watchClock(a, h.Sent)
			m.missBeat(a)
		}
		out.Through = max(out.Through, h.Last)
	}
	m.Signals.Samples++
	return out
}

// hear notes that an agent lives.
func (m *Machine) hear(id string) *Agent {
	a := m.Agents[id]
	if a == nil {
		m.roomForAgent()
		a = &Agent{ID: strings.Clone(id), Heard: m.Time} // id may be part of an entry
		if m.Behavior >= 3 {
			a.Known = m.Time
		}
		m.Agents[a.ID] = a
		m.versions.Agents++
		m.agentTimers.set(a, m.silentAt(a))
	}
	a.Heard = m.Time
	if a.Silent {
		m.versions.Agents++
		a.Silent = false
		m.endAbout(agentSilent, record.New(record.AgentHeardAgain), Label{Name: "agent", Value: a.ID})
		m.agentTimers.set(a, m.silentAt(a))
	}
	return a
}

// lane notes whose samples these are. A lane that comes back soon after another
// took its place belongs to a second sender of the same name.
func (m *Machine) lane(a *Agent, lane report.SpoolID) {
	if lane == a.Lane {
		return
	}
	for _, f := range a.Former {
		if f.Lane == lane && m.Time-f.Left <= int64(laneBack) {
			m.builtIn(agentCloned, Label{Name: "agent", Value: a.ID})
			break
		}
	}
	if a.Lane != (report.SpoolID{}) {
		a.Former = slices.DeleteFunc(a.Former, func(f FormerLane) bool { return f.Lane == a.Lane })
		a.Former = append(a.Former, FormerLane{a.Lane, m.Time})
		a.Former = slices.Delete(a.Former, 0, max(0, len(a.Former)-maxFormer))
	}
	a.Lane = lane
}

// silentAt is when the agent will have been silent for too long. While no
// collector served, nobody could be heard.
func (m *Machine) silentAt(a *Agent) int64 {
	return max(a.Heard, m.Serving) + int64(silentAfter)
}

// fallSilent looks at agents that may have been silent for too long.
func (m *Machine) fallSilent(agents []*Agent) {
	slices.SortFunc(agents, func(a, b *Agent) int { return strings.Compare(a.ID, b.ID) })
	left := silentAtOnce
	refused := m.conditionStands(diskFull)
	for _, a := range agents {
		if refused { // what they send, too
			m.agentTimers.set(a, m.Time+int64(silentAfter))
			continue
		}
		if at := m.silentAt(a); at > m.Time || left == 0 {
			m.agentTimers.set(a, at) // it was heard meanwhile, or its turn comes
			continue
		}
		left--
		a.Silent = true
		m.versions.Agents++
		alert := m.about(agentSilent, []Label{{Name: "agent", Value: a.ID}})
		alert.Value = "1"
		m.since(alert, max(a.Heard, m.Serving))
	}
}

// lead notes that a collector begins to serve.
func (m *Machine) lead(entry.Lead) any {
	m.Serving, m.Steady = m.Time, m.Time
	m.interrupt()
	m.tellAllClosed()
	return nil
}

// roomForAgent makes room for one more agent: the one that was silent longest
// goes.
func (m *Machine) roomForAgent() {
	if len(m.Agents) < maxAgents {
		return
	}
	oldest := longestSilent(m.Agents, func(a *Agent) int64 { return a.Heard })
	m.dropAgent(m.Agents[oldest], record.New(record.AgentEvicted))
	if m.Behavior >= 3 {
		m.about(agentsForgotten, nil).About = record.New(record.AboutManyAgents, oldest, decimalOf(maxAgents))
		m.builtIn(agentsForgotten)
	}
}

// dropAgent forgets an agent and ends what is said of it.
func (m *Machine) dropAgent(a *Agent, cause record.Note) {
	for _, name := range []string{agentSilent, clockOff, agentBlind, agentCloned} {
		m.endAbout(name, cause, Label{Name: "agent", Value: a.ID})
	}
	m.endDoubts(a, cause)
	m.dropReportersOf(a.ID, cause.Kind != record.AgentEvicted)
	if m.Behavior >= 3 {
		m.dropSpools(a.ID)
	}
	delete(m.Agents, a.ID)
	if len(a.Asked) > 0 {
		m.lacked = m.lackedByAll()
	}
	m.versions.Agents++
	m.agentTimers.drop(a)
}

// longestSilent is the name of what was heard the longest time ago.
func longestSilent[T any](all map[string]T, heard func(T) int64) (oldest string) {
	for name, v := range all { // the order does not show: no two are equal
		if oldest == "" || cmp.Or(cmp.Compare(heard(v), heard(all[oldest])), strings.Compare(name, oldest)) < 0 {
			oldest = name
		}
	}
	return oldest
}

// forget forgets an agent that will not come back, because a person says so.
// If it speaks again it is new.
func (m *Machine) forget(d entry.Decision) *Refusal {
	a := m.Agents[d.Agent]
	switch {
	case a == nil:
		return notFound(record.NoAgent, d.Agent)
	case blank(d.Reason):
		return invalid("reason", record.WantReasonAgent)
	case a.Silent || m.silentAt(a) <= m.Time:
		// It is silent.
	case a.Heard < m.Serving:
		return conflict(record.AgentUnheardYet, a.ID, decimalOf((m.Time-m.Serving)/int64(time.Second)))
	default:
		return conflict(record.AgentAlive, a.ID, decimalOf((m.Time-a.Heard)/int64(time.Second)))
	}
	cause := record.New(record.AgentForgotten, clip(d.Actor), clip(d.Reason))
	m.dropAgent(a, cause)
	m.dropSpools(a.ID)
	for _, b := range m.Alerts {
		if b.Ended == 0 && b.Unheard != 0 && b.Label("instance") == a.ID {
			m.end(b, cause)
		}
	}
	return nil
}
