package machine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// A GateView is a gate as others see it.
type GateView struct {
	Gate
	Closed  bool
	WouldBe bool     // closed, if everything in shadow were enforced
	InDoubt int      // agents that answer for it by themselves
	Anew    []string // rules that would close it and have not seen a whole window yet
	// Approvals are by those who want to open it; none once a newer hold came.
	Approvals []Approval
	InShadow  []InShadow // rules that a person keeps from closing it
	// Holds on the gate, then those of its parents with Cause ByParent and By
	// naming the parent: of those without match the oldest maxShown, and of each
	// parent one. Closers counts all without match.
	Holds   []Hold
	Closers int
	Alerts  int    // because of which the gate's own holds without match stand
	AsOf    uint64 // index of the ledger
}

// maxShown is how many holds that close a gate are shown: any of them is enough.
const maxShown = 10

// At is where the machine stands: the last entry, its hash, its ledger time.
func (m *Machine) At() (index uint64, hash [32]byte, at time.Time) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Index, m.Chain, time.Unix(0, m.Time)
}

// CellID names the group of collectors and its ledger.
func (m *Machine) CellID() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Cell
}

// GatesView is every gate in order of names, and the epoch of the cell.
func (m *Machine) GatesView() (gates []GateView, epoch uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	doubt := m.inDoubt()
	for _, name := range slices.Sorted(maps.Keys(m.Gates)) {
		if m.gate(name) != nil {
			v := m.gateView(name)
			v.InDoubt = doubt[name]
			gates = append(gates, v)
		}
	}
	return gates, m.Epoch
}

// EveryGate is every gate that ever was, without what holds it, in order of names.
func (m *Machine) EveryGate() (out []Gate) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(m.Gates)) {
		out = append(out, *m.Gates[name])
	}
	return out
}

// Gate is one gate without what holds it.
func (m *Machine) Gate(name string) (Gate, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.gate(name) == nil {
		return Gate{}, false
	}
	return *m.Gates[name], true
}

// GateView is one gate.
func (m *Machine) GateView(name string) (GateView, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.gate(name) == nil {
		return GateView{}, false
	}
	v := m.gateView(name)
	v.InDoubt = m.inDoubt()[name]
	return v, true
}

func (m *Machine) gateView(name string) GateView {
	v := GateView{Gate: *m.Gates[name], WouldBe: m.wouldBe(name), Anew: m.countsAnew(name), Approvals: m.approvals(Subject{entry.DoOpen, name}), InShadow: m.shadowsAt(name)}
	v.Refused = v.Refused.copy()
	v.AsOf = m.Index
	above, said, shown := []Hold(nil), map[string]bool{}, 0
	for _, h := range m.Holds {
		switch own := h.Gate == name; {
		case !own && !strings.HasPrefix(name, h.Gate+"/"):
		case own && h.Match != nil:
			v.Holds = append(v.Holds, *h)
		case own:
			v.Alerts += h.Alerts()
			v.Closers++
			if shown++; shown <= maxShown {
				v.Holds = append(v.Holds, *h)
			}
		case h.Match == nil && said[h.Gate]:
			v.Closers++
		default:
			parent := *h
			parent.By, parent.Cause = h.Gate, ByParent
			if above = append(above, parent); h.Match == nil {
				said[h.Gate] = true
				v.Closers++
			}
		}
	}
	v.Closed = v.Closers > 0
	v.Holds = append(v.Holds, above...)
	return v
}

// AlertsView are the alerts that stand, in the order they were raised.
func (m *Machine) AlertsView() []Alert {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Alert, 0, m.firing)
	for _, a := range m.Alerts {
		if a.Ended == 0 {
			out = append(out, a.copy())
		}
	}
	return out
}

// AlertView is one alert: standing, kept by its incident, or ended lately.
func (m *Machine) AlertView(id string) (Alert, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	a := m.byID[id]
	if a == nil {
		a = m.gone[id]
	}
	if a == nil {
		return Alert{}, false
	}
	return a.copy(), true
}

func (a *Alert) copy() Alert {
	c := *a
	c.Evidence, c.Effects, c.Keys = slices.Clone(a.Evidence), slices.Clone(a.Effects), nil
	c.Opened, c.Released = slices.Clone(a.Opened), slices.Clone(a.Released)
	return c
}

// EffectsView are the effects, oldest first.
func (m *Machine) EffectsView() []Effect {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Effect, 0, len(m.Effects))
	for _, e := range m.Effects {
		out = append(out, *e)
	}
	return out
}

// Unverified are the effects that were applied and that nobody has seen
// arrive.
func (m *Machine) Unverified() []Effect {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Effect
	for _, h := range m.Holds {
		if e := m.effects[h.Effect]; e != nil && e.State == Applied {
			out = append(out, *e)
		}
	}
	return out
}

// IncidentsView are the incidents, newest first.
func (m *Machine) IncidentsView() []Incident {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Incident, 0, len(m.Incidents))
	for _, in := range slices.Backward(m.Incidents) {
		out = append(out, in.copy())
	}
	return out
}

func (in *Incident) copy() Incident {
	c := *in
	c.Log, c.Alerts, c.Holds = slices.Clone(in.Log), slices.Clone(in.Alerts), slices.Clone(in.Holds)
	c.Effects, c.Gates, c.Told = slices.Clone(in.Effects), slices.Clone(in.Gates), slices.Clone(in.Told)
	return c
}

// SpoolsView are the agents' spools, by agent.
func (m *Machine) SpoolsView() []Spool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Spool
	for _, name := range slices.Sorted(maps.Keys(m.Spools)) {
		c := *m.Spools[name]
		c.Blind = slices.Clone(c.Blind)
		out = append(out, c)
	}
	return out
}

// A RuleView is a rule with what happened to it.
type RuleView struct {
	*rules.Rule
	RuleStats
	Began    time.Time
	Unseen   []string    // types that it reads and of which no event has come yet
	Blind    record.Note // what it cannot read; zero if it reads all
	Keys     int
	Standing int
}

// RulesView are the rules of the live set, in the order of their files; set
// and since say which set it is and from when it counts.
func (m *Machine) RulesView() (out []RuleView, set string, since time.Time) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil {
		return nil, "", time.Time{}
	}
	blind := m.blindRules()
	for i, r := range m.live.set.Rules {
		out = append(out, RuleView{
			Rule: r, RuleStats: *m.live.stats[i],
			Began: time.Unix(0, m.Live.Began[ruleName(r)]), Unseen: m.unseen(r, m.live.stats[i]), Blind: blind[ruleName(r)],
			Keys: m.live.states[i].Keys(), Standing: m.stands[r.ID],
		})
	}
	return out, m.Live.Name, time.Unix(0, m.Live.Since)
}

// Totals are counts for metrics.
type Totals struct {
	Events
	Signals                                  Signals
	Alerts, Holds, Keys, Fingerprints, Bytes int
	RuleBytes                                int // of Bytes, what rules remember
	Owed                                     int // keys of rules for which a recount is due
	// HorizonFloor is the second of ledger time before which repeated events
	// are no longer recognized because memory is bounded; 0 if none.
	HorizonFloor uint32
}

// Totals counts what the machine holds.
func (m *Machine) Totals() Totals {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := Totals{
		Events: m.Events, Signals: m.Signals, Alerts: m.firing, Holds: len(m.Holds),
		Fingerprints: m.seen.Len(), Bytes: m.bytes(), HorizonFloor: m.seen.Floor(),
	}
	t.RuleBytes = t.Bytes - m.seen.Bytes()
	for _, s := range m.states {
		t.Keys += s.Keys()
	}
	for _, rc := range m.Recounts {
		t.Owed += len(rc.Keys)
	}
	return t
}

// Names tells whether the hold may be about a payment with these fields.
func (h *Hold) Names(fields map[string]string) bool {
	return report.MayName(h.Match, fields, spelling.Same)
}

// matchText is what a hold names, as people write it.
func matchText(match map[string]string) string {
	var labels []Label
	for _, k := range slices.Sorted(maps.Keys(match)) {
		labels = append(labels, Label{Name: k, Value: match[k]})
	}
	return Text(labels)
}

// Text is a label set as people write it.
func Text(labels []Label) string {
	var b strings.Builder
	for i, l := range labels {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(l.Name + "=" + l.Value)
	}
	return b.String()
}

// EffectView is one effect.
func (m *Machine) EffectView(id string) (Effect, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e := m.effects[id]
	if e == nil {
		return Effect{}, false
	}
	return *e, true
}
