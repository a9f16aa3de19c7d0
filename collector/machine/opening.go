package machine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

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
		m.lift(d, holds, record.New(record.GateOpened, g.Name, d.Verdict, d.Reason))
		return nil
	}
	if len(holds) == len(m.holdsOn(d.Gate)) {
		d.Hold = "" // the last hold that there is, is all
	}
	first := m.approvedBefore(Subject{entry.DoOpen, g.Name}, d)
	switch {
	case first != nil:
		m.lift(d, holds, record.New(record.OpenedByTwo, g.Name, first.Actor, d.Verdict, d.Reason))
	case d.Second:
		return onlySecond(d)
	case g.mayAlone(d, holds, m.Time):
		m.openedAlone(d, holds)
		m.lift(d, holds, record.New(record.OpenedAlone, g.Name, d.Verdict, d.Reason))
	default:
		return m.agree(g, d, holds)
	}
	return nil
}

// onlySecond refuses whoever may only approve what somebody else began.
func onlySecond(d entry.Decision) *Refusal {
	return conflict(record.OnlySecond, d.Gate)
}

// toLift are the holds that a decision is about; none if it is carried out
// already.
func (m *Machine) toLift(d entry.Decision) ([]*Hold, *Refusal) {
	if m.gate(d.Gate) == nil {
		return nil, notFound(record.NoGate, d.Gate)
	}
	if d.Verdict != "" && !isVerdict(d.Verdict) {
		return nil, invalid("verdict", record.BadVerdict, cut(d.Verdict, 40))
	}
	if now := m.Gates[d.Gate].Epoch; d.Epoch != nil && *d.Epoch > now {
		return nil, conflict(record.EpochAhead, d.Gate, decimalOf(*d.Epoch), decimalOf(now))
	}
	holds := m.holdsOn(d.Gate)
	if d.Hold != "" {
		holds = slices.DeleteFunc(holds, func(h *Hold) bool { return h.ID != d.Hold })
		if len(holds) == 0 {
			if m.wasHold(d.Hold) {
				return nil, nil // the same decision again: an answer was lost
			}
			return nil, notFound(record.NoHold, d.Hold, d.Gate)
		}
	}
	if d.Epoch != nil {
		for _, h := range holds {
			if h.Epoch > *d.Epoch {
				return nil, conflict(record.HoldNewer, h.ID, h.By, decimalOf(*d.Epoch))
			}
		}
	}
	if len(holds) == 0 {
		if above := m.holdsAbove(d.Gate); len(above) > 0 {
			return nil, conflict(record.ClosedAbove, d.Gate, above[0].Gate)
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
	case blank(d.Reason) && (byRule || d.Verdict != "" || g.Opening.Approvals > 1):
		return invalid("reason", record.WantReasonOpen)
	case byRule && d.Verdict == "":
		return invalid("verdict", record.WantVerdict)
	}
	return nil
}

// lift takes the holds away; opened is how that came about.
func (m *Machine) lift(d entry.Decision, holds []*Hold, opened record.Note) {
	for _, id := range incidentsOf(holds) {
		m.appendStep(id, d.Actor, opened)
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

// Awaits tells whether somebody else, by name, agreed to open the gate, so that
// the actor is the second person: for that the right to approve is enough.
func (g *GateView) Awaits(actor string) bool {
	return Named(actor) && slices.ContainsFunc(g.Approvals, func(a Approval) bool { return Named(a.Actor) && a.Actor != actor })
}
