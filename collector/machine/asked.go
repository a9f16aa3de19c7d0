package machine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A hold on one customer also stops every ask that does not say for which customer
// it is. From what asks named lately people know whom it will stop.

const (
	askedFor = 24 * time.Hour // what asks named counts for so long
	maxAsked = 100            // gates that are told apart of one agent
)

// An Asked is what the asks at one gate named, by field, as one agent's beats tell.
type Asked struct {
	At            int64            // ledger time of the last
	Named, Lacked map[string]int64 `json:",omitempty"` // ledger time at which an ask last named it, or left it out
}

// asked takes in what asks named since the beat before.
func (m *Machine) asked(a *Agent, said []report.Asked) {
	maps.DeleteFunc(a.Asked, func(_ string, n *Asked) bool { return m.Time-n.At > int64(askedFor) })
	for _, s := range said[:min(len(said), maxAsked)] {
		n := a.Asked[s.Gate]
		switch {
		case m.Gates[s.Gate] == nil || n == nil && len(a.Asked) >= maxAsked:
			continue
		case n == nil:
			if a.Asked == nil {
				a.Asked = map[string]*Asked{}
			}
			n = &Asked{Named: map[string]int64{}, Lacked: map[string]int64{}}
			a.Asked[m.Gates[s.Gate].Name] = n
		}
		n.At = m.Time
		for _, field := range report.Matchable {
			if slices.Contains(s.Names, field) {
				n.Named[field] = m.Time
			}
			if slices.Contains(s.Lacks, field) {
				n.Lacked[field] = m.Time
				m.lacked.note(s.Gate, field, m.Time)
			}
		}
	}
}

// lacked is when an ask last left out a field, by gate. It is derived from what the
// agents say, so that no rule that holds looks through all of them.
type lacked map[string]map[string]int64

func (l lacked) note(gate, field string, at int64) {
	if l[gate] == nil {
		l[gate] = map[string]int64{}
	}
	l[gate][field] = max(l[gate][field], at)
}

func (m *Machine) lackedByAll() lacked {
	out := lacked{}
	for _, a := range m.Agents { // the order does not show
		for gate, n := range a.Asked {
			for field, at := range n.Lacked {
				out.note(gate, field, at)
			}
		}
	}
	return out
}

// asksLack tells whether any ask at the gate or below it left out one of the fields
// within a day: a hold that names it would stop whoever asks like that.
func (m *Machine) asksLack(gate string, fields []string) bool {
	for name, at := range m.lacked { // the order does not show
		if name != gate && !strings.HasPrefix(name, gate+"/") {
			continue
		}
		if slices.ContainsFunc(fields, func(f string) bool { return at[f] != 0 && m.Time-at[f] <= int64(askedFor) }) {
			return true
		}
	}
	return false
}

// Stops is whom a hold with match stops beside what it names.
type Stops struct {
	Agents    int      // whose applications asked at the gate, or below it, within a day
	All, Some []string // of them, by id: where all asks, or some, named nothing of what the hold names
}

// StopsView is whom a hold on what match names at a gate stops.
func (m *Machine) StopsView(gate string, match map[string]string) (out Stops) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	recent := func(at int64) bool { return at != 0 && m.Time-at <= int64(askedFor) }
	for _, id := range sortedKeys(m.Agents) {
		asked, all, some := false, true, false
		for name, n := range m.Agents[id].Asked { // the order does not show
			if name != gate && !strings.HasPrefix(name, gate+"/") || !recent(n.At) {
				continue
			}
			asked = true
			never, lacks := true, true
			for field := range match {
				never = never && !recent(n.Named[field])
				lacks = lacks && recent(n.Lacked[field])
			}
			all, some = all && never, some || lacks
		}
		switch {
		case asked && all:
			out.All = append(out.All, id)
		case asked && some:
			out.Some = append(out.Some, id)
		}
		if asked {
			out.Agents++
		}
	}
	return out
}
