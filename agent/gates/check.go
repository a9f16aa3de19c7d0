package gates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
)

// An Answer is what a gate says.
type Answer int

// The answers. Only Open lets a payment through.
const (
	NotFound Answer = iota
	Closed
	Held
	Open
)

// Check answers for one payment, of which the ask says what is known, with the
// reason unless the gate is open, and with the gate that was asked.
func (c *Copy) Check(name string, ask map[string]string) (Gate, Answer, string) {
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
	holds, newest := c.narrow(name)
	g.Closing.ID = max(g.Closing.ID, newest)
	why := ""
	for _, h := range holds {
		if !report.MayName(h.Match, ask, spelling.Same) {
			continue
		}
		lacks := report.Unnamed(h.Match, ask)
		if lacks == "" {
			g.Lacks = ""
			return g, Held, "held: " + h.Reason
		}
		if why == "" {
			g.Lacks, why = lacks, "held, because it does not say which "+lacks+" it is for: "+h.Reason
		}
	}
	if why != "" {
		return g, Held, why
	}
	return g, Open, ""
}

// narrow are the holds on single payments at the gate and at its parents, which are
// told of a parent once. A parent that is closed for all has closed the gate too, or
// was told in few words: then nobody knows whom it holds.
// With them goes the newest of their gates' closings.
func (c *Copy) narrow(name string) (out []report.Hold, newest uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for at := name; ; {
		g, _ := c.kept.word(at)
		newest = max(newest, g.Closing.ID)
		for _, h := range g.Holds {
			if len(h.Match) > 0 {
				out = append(out, h)
			}
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return out, newest
		}
		at = at[:i]
		if g, _ := c.kept.word(at); g.State == report.GateClosed {
			return append(out, report.Hold{Reason: "the parent gate " + at + " is closed"}), max(newest, g.Closing.ID)
		}
	}
}

// Refuses tells whether the gate refuses anybody.
func (c *Copy) Refuses(name string) bool {
	g, ok := c.Get(name)
	holds, _ := c.narrow(name)
	return ok && (g.Refuses() || len(holds) > 0)
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
	g, ok := c.kept.word(name)
	if !ok {
		return Gate{}, false
	}
	g.Fresh, g.Closing.Epoch = c.fresh(g, now), c.kept.Epoch
	doubt := c.kept.suspicionOf(name)
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
