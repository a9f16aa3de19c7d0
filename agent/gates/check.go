package gates

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
)

// A Match is what a worker is about to pay, as far as it says.
type Match struct{ Request, Customer, Address, Tag string }

// An Answer is what a gate says.
type Answer int

// The answers. Only Open lets a payment through.
const (
	NotFound Answer = iota
	Closed
	Held
	Open
)

// Check answers for one payment, with the reason unless the gate is open, and
// with the gate that was asked.
func (c *Copy) Check(name string, m Match) (Gate, Answer, string) {
	g, ok := c.Get(name)
	if !ok {
		if !c.Heard() {
			return g, NotFound, "unknown gate: no collector has answered since the agent started"
		}
		return g, NotFound, "unknown gate"
	}
	if g.State != report.GateOpen {
		return g, Closed, g.why()
	}
	for _, h := range g.Holds {
		if len(h.Match) > 0 && names(h, m) {
			return g, Held, "held: " + h.Reason
		}
	}
	return g, Open, ""
}

// names tells whether every field of the hold's match is the payment's. A field
// that this agent does not know counts as equal: it holds more, never less.
func names(h report.Hold, m Match) bool {
	for field, want := range h.Match {
		var have string
		switch field {
		case "request":
			have = m.Request
		case "customer":
			have = m.Customer
		case "address":
			have = m.Address
		case "tag":
			have = m.Tag
		default:
			continue
		}
		if !spelling.Same(field, have, want) {
			return false
		}
	}
	return true
}

func (g Gate) why() string {
	if g.Reason != "" {
		return g.Reason
	}
	for _, h := range g.Holds {
		if len(h.Match) == 0 {
			return "closed: " + h.Reason
		}
	}
	return report.GateClosed
}

// view is the gate as it is answered now. The caller holds mu.
func (c *Copy) view(name string, now time.Time) (Gate, bool) {
	g, ok := c.kept.gate(name)
	if !ok {
		return Gate{}, false
	}
	g.Fresh, g.Closing.Epoch = c.fresh(g, now), c.kept.Epoch
	doubt := c.kept.suspicionOf(name)
	if d, ok := c.kept.Doubtful[name]; ok && doubt != "" {
		g = g.closedToo(d)
	}
	if g.Mode == report.ModeShadow {
		return g, true // refuses only for a person's hold, which is in State
	}
	if g.State == report.GateOpen && g.closedByHold() {
		g.State = report.GateClosed
	}
	if doubt != "" {
		g.State, g.Reason, g.Closing.Unsure = report.GateClosed, doubt, InDoubt
		return g, true
	}
	if !g.Fresh && g.IfUnreachable != report.UnreachableKeep && g.State == report.GateOpen {
		g.State, g.Reason, g.Closing.Unsure = report.GateClosed, c.unheard(now), Unreachable
	}
	return g, true
}

// closedToo is the gate with what closes it by the ledger in doubt as well: a
// person who closes it there is obeyed.
func (g Gate) closedToo(d Gate) Gate {
	if d.State != report.GateOpen {
		g.State = d.State
	}
	if d.Mode != report.ModeShadow {
		g.Mode = d.Mode
	}
	g.Holds = slices.Clone(g.Holds)
	for _, h := range d.Holds {
		if !slices.ContainsFunc(g.Holds, func(own report.Hold) bool { return h.ID != "" && own.ID == h.ID && maps.Equal(own.Match, h.Match) }) {
			g.Holds = append(g.Holds, h)
		}
	}
	return g
}

func (c *Copy) unheard(now time.Time) string {
	if c.sent.IsZero() {
		return "no collector has been reached since the agent started, and the gate's if_unreachable is close"
	}
	return fmt.Sprintf("no collector has been reached for %v, and the gate's if_unreachable is close",
		now.Sub(c.sent).Round(time.Second))
}

func (g Gate) closedByHold() bool {
	for _, h := range g.Holds {
		if len(h.Match) == 0 {
			return true
		}
	}
	return false
}
