package machine

import (
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Bounds of what is told around an alert.
const (
	maxAroundGates = 5
	maxAroundRules = 5
	maxAroundLooks = 100 // at the other alerts of an incident
)

// Around is what belongs to an alert, all at one moment. It costs little even
// while thousands of holds stand.
type Around struct {
	Effects   []Effect // of the alert that are kept, oldest first
	Gates     []GateAround
	Incident  IncidentAround // without ID if there is none
	Automatic Automatic
}

// A GateAround is a gate of an alert: the target of an effect of it, or what a
// built-in alert is about.
type GateAround struct {
	GateView          // with the oldest of the holds that close it only
	Closers  int      // how many holds close it, those of its parents among them
	ClosedAt []string // the gates on which these are: itself, its parents
	ByRule   bool     // one of them is by a rule
}

// An IncidentAround is an incident as one of its alerts sees it.
type IncidentAround struct {
	ID      string
	Since   int64 // the first evidence
	Ended   int64
	Verdict string
	Alerts  int      // that belong to it, those that are no longer kept too
	Others  []string // rules of other alerts, some
}

// Around is what belongs to the alert.
func (m *Machine) Around(a Alert) Around {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := Around{Automatic: m.Automatic}
	var gates []string
	for _, id := range a.Effects {
		if e := m.effects[id]; e != nil {
			out.Effects = append(out.Effects, *e)
			gates = append(gates, e.Target)
		}
	}
	if a.builtIn() {
		gates = append(gates, a.Label("gate"))
	}
	for i, name := range gates {
		if len(out.Gates) < maxAroundGates && !slices.Contains(gates[:i], name) && m.gate(name) != nil {
			out.Gates = append(out.Gates, m.gateAround(name))
		}
	}
	if in := m.incident(a.Incident); in != nil {
		out.Incident = m.incidentAround(in, a)
	}
	return out
}

func (m *Machine) gateAround(name string) GateAround {
	g := GateAround{GateView: GateView{Gate: *m.Gates[name], WouldBe: m.wouldBe(name)}}
	g.Approvals = m.approvals(Subject{entry.DoOpen, name})
	g.Refused = g.Refused.copy()
	for _, h := range m.Holds {
		above := strings.HasPrefix(name, h.Gate) && strings.HasPrefix(name[len(h.Gate):], "/")
		if h.Match != nil || h.Gate != name && !above {
			continue
		}
		g.Closers++
		g.ByRule = g.ByRule || h.Cause == ByRule
		if !slices.Contains(g.ClosedAt, h.Gate) {
			g.ClosedAt = append(g.ClosedAt, h.Gate)
		}
		if g.Closed {
			continue
		}
		first := *h
		if above {
			first.By, first.Cause = h.Gate, ByParent
		}
		g.Closed, g.Holds = true, []Hold{first}
	}
	return g
}

func (m *Machine) incidentAround(in *Incident, a Alert) IncidentAround {
	out := IncidentAround{ID: in.ID, Since: in.Since, Ended: in.Ended, Verdict: in.Verdict, Alerts: len(in.Alerts) + in.Released}
	for _, id := range in.Alerts[:min(len(in.Alerts), maxAroundLooks)] {
		other := m.byID[id]
		if other == nil || id == a.ID || slices.Contains(out.Others, other.Rule) {
			continue
		}
		if out.Others = append(out.Others, other.Rule); len(out.Others) == maxAroundRules {
			break
		}
	}
	return out
}
