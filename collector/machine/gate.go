package machine

import (
	"maps"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// defineGates makes the gates what the rule files say. A gate that is gone
// keeps its holds, and its epoch for the day that it comes back.
func (m *Machine) defineGates(set *rules.Set) {
	defined := map[string]bool{}
	for _, d := range set.Gates {
		defined[d.Name] = true
		g := m.Gates[d.Name]
		isNew := g == nil
		if isNew {
			g = &Gate{Name: d.Name}
			m.Gates[d.Name] = g
			m.nest(g)
		}
		undefined := !g.Defined
		changed := undefined || g.Mode != d.Mode
		if m.Behavior >= 3 && !slices.Equal(g.Asks, d.Asks) {
			g.Asks, changed = d.Asks, true
		}
		before, kept := g.Lease, g.KeepUnreachable
		g.Defined, g.Mode, g.Lease = true, d.Mode, d.Lease
		g.KeepUnreachable = d.IfUnreachable == rules.Keep
		if m.Behavior >= 3 {
			g.Longest, g.EverKept = max(g.Longest, before, g.Lease), g.EverKept || kept || g.KeepUnreachable
		}
		if g.Opening != d.Opening {
			g.Opening = d.Opening
			m.lapse(g, record.New(record.OpeningChanged))
		}
		if changed {
			m.turn(g.Name)
		}
		if isNew || undefined && m.Behavior >= 2 { // a restore closes only what was defined
			m.holdUnknown(g.Name)
		}
	}
	m.Restored = 0
	for _, name := range slices.Sorted(maps.Keys(m.Gates)) {
		if g := m.Gates[name]; g.Defined && !defined[name] {
			g.Defined = false
			m.turn(name)
		}
	}
}

// turn raises the epoch of a gate and of the gates below it, whose state
// depends on it.
func (m *Machine) turn(name string) {
	m.Epoch++
	if g := m.Gates[name]; g != nil {
		g.turn(m)
	}
	for _, g := range m.below[name] {
		g.turn(m)
	}
}

func (g *Gate) turn(m *Machine) {
	g.Epoch++
	if m.Behavior >= 3 {
		g.Reached = m.Index
	}
}

// nest makes a gate known to those above it.
func (m *Machine) nest(g *Gate) {
	for i, c := range g.Name {
		if c == '/' {
			all := m.below[g.Name[:i]]
			at, _ := slices.BinarySearchFunc(all, g, func(a, b *Gate) int { return strings.Compare(a.Name, b.Name) })
			m.below[g.Name[:i]] = slices.Insert(all, at, g)
		}
	}
}

// gate is a gate that people and rules can name.
func (m *Machine) gate(name string) *Gate {
	if g := m.Gates[name]; g != nil && (g.Defined || len(m.holdsOn(name)) > 0) {
		return g
	}
	return nil
}

// holdsOn are the holds on the gate itself, oldest first.
func (m *Machine) holdsOn(gate string) (out []*Hold) {
	for _, h := range m.Holds {
		if h.Gate == gate {
			out = append(out, h)
		}
	}
	return out
}

// narrow is how many holds with match stand on the gate itself.
func (m *Machine) narrow(gate string) (n int) {
	for _, h := range m.Holds {
		if h.Gate == gate && h.Match != nil {
			n++
		}
	}
	return n
}

// holdsAbove are the holds without match on the parents of the gate, also on
// one that has left the rule files: a hold closes until a person opens it.
func (m *Machine) holdsAbove(gate string) (out []*Hold) {
	for _, h := range m.Holds {
		if h.Match == nil && strings.HasPrefix(gate, h.Gate+"/") {
			out = append(out, h)
		}
	}
	return out
}

// hold puts a hold on its gate.
func (m *Machine) hold(h *Hold) *Hold {
	if h.Match != nil && m.Behavior >= 3 && m.full(h.Gate) {
		h.Because, h.Match = record.New(record.TooManyNarrow, decimalOf(maxNarrow), matchText(h.Match)), nil
	}
	h.ID = next("h", &m.Last.Hold)
	h.Since = m.Time
	m.Holds = append(m.Holds, h)
	m.holds[h.ID] = h
	m.turn(h.Gate)
	m.beginClosings(h)
	m.reached(h)
	m.join(nil, h)
	m.lapse(m.Gates[h.Gate], record.New(record.HoldCame, h.ID))
	m.tellClosed(h)
	return h
}

// release takes holds away; the gate opens when none is left.
func (m *Machine) release(gate string, holds []*Hold, actor, reason string) {
	alerts := m.heldBy(holds)
	for _, h := range holds {
		delete(m.holds, h.ID)
	}
	m.Holds = slices.DeleteFunc(m.Holds, func(h *Hold) bool { return m.holds[h.ID] == nil })
	m.turn(gate)
	m.endClosings(gate)
	for _, h := range holds {
		if e := m.effects[h.Effect]; e != nil && !e.State.ended() {
			e.Actor = actor
			m.must(m.move(e, Undone, record.New(record.ResultUndone, actor, reason)))
		}
	}
	for _, a := range alerts {
		m.unhold(a, holds)
	}
	for _, h := range holds {
		m.settle(h.Incident, -1, record.Note{})
	}
	m.freed(gate, actor)
}

// unhold notes that holds because of an alert are gone from their gate. A metric alert
// that fires on then closes it no more, or holds by that mitigation no more.
func (m *Machine) unhold(a *Alert, holds []*Hold) {
	for _, h := range holds {
		if !a.Metric || a.Ended != 0 || !slices.Contains(a.Effects, h.Effect) {
			continue
		}
		if e := m.effects[h.Effect]; e != nil && e.Action == rules.GateHold {
			a.Released = added(a.Released, e.Mitigation)
		} else {
			a.Opened = added(a.Opened, h.Gate)
		}
	}
	if in := m.incident(a.Incident); in != nil {
		m.loosen(in, a)
	}
}

// added is a list with a text in it once.
func added(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}
