package machine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

const (
	// agreedFor is how long one person's agreement waits for another's.
	agreedFor = time.Hour
	// maxAgreed bounds the agreements about one gate; the oldest gives way.
	maxAgreed = 16
)

// Pending is the outcome of an opening that takes more people: nothing has
// opened yet. Approvals are those by name, for the same holds.
type Pending struct{ Approvals, Needed int }

// Named tells whether an actor is a person by name. Whoever has the loopback
// address or the socket of a host is none: two of those may be one person.
func Named(actor string) bool {
	return actor != "" && actor != "local" && !strings.HasPrefix(actor, "uid:")
}

// openGate lifts holds, or notes that one of the people agrees whom it takes.
func (m *Machine) openGate(d entry.Decision) any {
	holds, refusal := m.toLift(d)
	switch {
	case refusal != nil:
		return refusal
	case len(holds) == 0:
		return nil // it is open
	}
	g := m.Gates[d.Gate]
	if refusal := checkOpening(d, g, holds); refusal != nil {
		return refusal
	}
	if d.Second && g.Opening.Approvals < 2 {
		return onlySecond(d)
	}
	if g.Opening.Approvals < 2 {
		m.lift(d, holds, "")
		return nil
	}
	if len(holds) == len(m.holdsOn(d.Gate)) {
		d.Hold = "" // the last hold that there is, is all
	}
	first := g.agreedWith(d, m.Time)
	switch {
	case first != nil:
		m.lift(d, holds, ", as "+first.Actor+" agreed"+withVerdict(d.Verdict))
	case d.Second:
		return onlySecond(d)
	case g.mayAlone(d, holds, m.Time):
		m.openedAlone(d, holds)
		m.lift(d, holds, " alone"+withVerdict(d.Verdict))
	default:
		return m.agree(g, d, holds)
	}
	return nil
}

// onlySecond refuses whoever may only approve what somebody else began.
func onlySecond(d entry.Decision) *Refusal {
	return conflict("nobody else agrees, or no longer, to open gate %s as you would: to be the first, or the only one, takes the right to operate", d.Gate)
}

// toLift are the holds that a decision is about; none if it is carried out
// already.
func (m *Machine) toLift(d entry.Decision) ([]*Hold, *Refusal) {
	if m.gate(d.Gate) == nil {
		return nil, notFound("no gate %s", d.Gate)
	}
	if d.Verdict != "" && !isVerdict(d.Verdict) {
		return nil, invalid("verdict", "found %.40q, want real, false or test", d.Verdict)
	}
	if now := m.Gates[d.Gate].Epoch; d.Epoch != nil && *d.Epoch > now {
		return nil, conflict("gate %s has not seen epoch %d yet, it is at %d: look again", d.Gate, *d.Epoch, now)
	}
	holds := m.holdsOn(d.Gate)
	if d.Hold != "" {
		holds = slices.DeleteFunc(holds, func(h *Hold) bool { return h.ID != d.Hold })
		if len(holds) == 0 {
			if m.wasHold(d.Hold) {
				return nil, nil // the same decision again: an answer was lost
			}
			return nil, notFound("no hold %s on gate %s", d.Hold, d.Gate)
		}
	}
	if d.Epoch != nil {
		for _, h := range holds {
			if h.Epoch > *d.Epoch {
				return nil, conflict("hold %s by %s came after epoch %d, which you read: look again", h.ID, h.By, *d.Epoch)
			}
		}
	}
	if len(holds) == 0 {
		if above := m.holdsAbove(d.Gate); len(above) > 0 {
			return nil, conflict("gate %s is closed by its parent %s: open that", d.Gate, above[0].Gate)
		}
	}
	return holds, nil
}

// wasHold tells whether a hold of this id ever was.
func (m *Machine) wasHold(id string) bool {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "h"), 10, 64)
	return err == nil && strings.HasPrefix(id, "h") && n > 0 && n <= m.Last.Hold &&
		!slices.ContainsFunc(m.Holds, func(h *Hold) bool { return h.ID == id })
}

func checkOpening(d entry.Decision, g *Gate, holds []*Hold) *Refusal {
	byRule := slices.ContainsFunc(holds, func(h *Hold) bool { return h.Cause == ByRule })
	switch {
	case strings.TrimSpace(d.Reason) == "" && (byRule || d.Verdict != "" || g.Opening.Approvals > 1):
		return invalid("reason", "say why it is safe to open")
	case byRule && d.Verdict == "":
		return invalid("verdict", "a rule closed this gate: say what it was, real, false or test")
	}
	return nil
}

// lift takes the holds away; how says in the log what led to it.
func (m *Machine) lift(d entry.Decision, holds []*Hold, how string) {
	text := "gate " + d.Gate + " opened" + how + ": " + d.Reason
	for _, id := range incidentsOf(holds) {
		m.note(id, d.Actor, text)
		if in := m.incident(id); in != nil && d.Verdict != "" {
			in.Verdict = d.Verdict
		}
	}
	if d.Verdict == VerdictFalse {
		m.accept(holds)
	}
	m.release(d.Gate, holds, d.Actor, d.Reason)
}

// mayAlone tells whether one person may undo what was a wrong stop.
func (g *Gate) mayAlone(d entry.Decision, holds []*Hold, now int64) bool {
	newest := slices.MaxFunc(holds, func(a, b *Hold) int { return cmp.Compare(a.Since, b.Since) }).Since
	return g.Opening.Alone > 0 && d.Verdict == VerdictFalse && now-newest >= int64(g.Opening.Alone)
}

// agreedWith is the agreement of somebody else about the same holds that makes
// this the second; nil if there is none.
func (g *Gate) agreedWith(d entry.Decision, now int64) *Agreement {
	for i := range g.Agreed {
		a := &g.Agreed[i]
		if Named(d.Actor) && Named(a.Actor) && a.Actor != d.Actor && a.Hold == d.Hold && !a.lapsed(now) {
			return a
		}
	}
	return nil
}

func (a Agreement) lapsed(now int64) bool { return now-a.At >= int64(agreedFor) }

func withVerdict(verdict string) string {
	if verdict == "" {
		return ""
	}
	return ", verdict " + verdict
}

// Awaits tells whether somebody else, by name, agreed to open the gate, so that
// the actor is the second person: for that the right to approve is enough.
func (g *Gate) Awaits(actor string) bool {
	return Named(actor) && slices.ContainsFunc(g.Agreed, func(a Agreement) bool { return Named(a.Actor) && a.Actor != actor })
}
