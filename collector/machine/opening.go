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
	if refusal != nil {
		return refusal
	}
	shadow, refusal := m.toShadow(d, holds)
	if len(holds) == 0 && refusal == nil { // it is open
		refusal = m.shadowedAlready(d, shadow)
	}
	switch {
	case refusal != nil:
		return refusal
	case len(holds) == 0:
		return nil
	}
	g := m.Gates[d.Gate]
	if refusal := m.checkOpening(d, g, holds); refusal != nil {
		return refusal
	}
	d.AsOf = m.readUpTo(d, holds)
	if d.Second && g.Opening.Approvals < 2 {
		return onlySecond(d)
	}
	if g.Opening.Approvals < 2 {
		m.lift(d, holds, shadow, record.New(record.GateOpened, g.Name, d.Verdict, d.Reason))
		return nil
	}
	if all := m.opened(d.Gate); len(holds) == len(all) && holds[0] == all[0] {
		d.Hold = "" // the last hold that there is, is all
	}
	first := m.approvedBefore(Subject{entry.DoOpen, g.Name}, d)
	switch {
	case first != nil:
		if m.Behavior >= 3 {
			d.AsOf = min(d.AsOf, first.AsOf)
		}
		m.lift(d, holds, m.agreed(first, shadow), record.New(record.OpenedByTwo, g.Name, first.Actor, d.Verdict, d.Reason))
	case d.Second:
		return onlySecond(d)
	case g.mayAlone(d, holds, m.Time):
		m.openedAlone(d, holds)
		m.lift(d, holds, shadow, record.New(record.OpenedAlone, g.Name, d.Verdict, d.Reason))
	default:
		return m.agree(g, d, holds, shadow)
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
	if d.AsOf > m.Index {
		return nil, conflict(record.IndexAhead, d.Gate, decimalOf(d.AsOf), decimalOf(m.Index))
	}
	holds := m.opened(d.Gate)
	if d.Hold != "" {
		holds = slices.DeleteFunc(m.holdsOn(d.Gate), func(h *Hold) bool { return h.ID != d.Hold })
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
	for _, h := range holds {
		if d.AsOf != 0 && h.Index > d.AsOf {
			return nil, conflict(record.HoldLater, h.ID, h.By, decimalOf(d.AsOf))
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

// opened are the holds that an opening of the gate lifts. Those with match close it
// for nobody else, and are lifted by name.
func (m *Machine) opened(gate string) []*Hold {
	holds := m.holdsOn(gate)
	if m.Behavior >= 3 {
		holds = slices.DeleteFunc(holds, func(h *Hold) bool { return h.Match != nil })
	}
	return holds
}

// ShownAlerts is how many of the alerts that keep a gate closed are shown, so that
// to call them false says nothing of any that nobody saw.
const ShownAlerts = 20

func (m *Machine) checkOpening(d entry.Decision, g *Gate, holds []*Hold) *Refusal {
	alerts := 0
	for _, h := range holds {
		alerts += h.Alerts()
	}
	byRule := slices.ContainsFunc(holds, func(h *Hold) bool { return h.Cause == ByRule })
	switch {
	case blank(d.Reason) && (byRule || d.Verdict != "" || g.Opening.Approvals > 1):
		return invalid("reason", record.WantReasonOpen)
	case byRule && d.Verdict == "":
		return invalid("verdict", record.WantVerdict)
	case d.Alerts != nil && *d.Alerts != alerts:
		return conflict(record.AlertsChanged, g.Name, decimalOf(*d.Alerts), decimalOf(alerts))
	case d.Alerts == nil && d.Verdict == VerdictFalse && alerts > ShownAlerts && m.Behavior >= 3:
		return invalid("alerts", record.WantAlerts, decimalOf(alerts))
	}
	return nil
}

// lift takes the holds away; opened is how that came about. Rules are in shadow
// before what came later is judged.
func (m *Machine) lift(d entry.Decision, holds []*Hold, shadow []InShadow, opened record.Note) {
	steps := []record.Note{opened}
	if h := holds[0]; h.Match != nil && m.Behavior >= 3 {
		released := record.New(record.HoldReleased, h.Gate, h.ID, matchText(h.Match), d.Verdict, d.Reason)
		if opened.Kind == record.GateOpened {
			steps = nil // two people, or one instead of two, are told too
		}
		steps = append(steps, released)
	}
	for _, id := range incidentsOf(holds) {
		for _, said := range steps {
			m.appendStep(id, d.Actor, said)
		}
		if in := m.incident(id); in != nil && d.Verdict != "" {
			in.Verdict = d.Verdict
		}
	}
	m.keepInShadow(d, shadow, incidentsOf(holds))
	judged := m.heldBy(holds)
	if d.Verdict == VerdictFalse {
		m.accept(judged, d.AsOf)
	}
	m.release(d.Gate, holds, d.Actor, d.Reason)
	if d.Verdict != "" && m.Behavior >= 3 {
		m.judgeLater(judged, d.AsOf)
		m.endJudged(judged, d)
	}
}

// mayAlone tells whether one person may undo what was a wrong stop.
func (g *Gate) mayAlone(d entry.Decision, holds []*Hold, now int64) bool {
	newest := slices.MaxFunc(holds, func(a, b *Hold) int { return cmp.Compare(a.newest(), b.newest()) }).newest()
	return g.Opening.Alone > 0 && d.Verdict == VerdictFalse && now-newest >= int64(g.Opening.Alone)
}

// Awaits tells whether somebody else, by name, agreed to open the gate, so that
// the actor is the second person: for that the right to approve is enough.
func (g *GateView) Awaits(actor string) bool {
	return Named(actor) && slices.ContainsFunc(g.Approvals, func(a Approval) bool { return Named(a.Actor) && a.Actor != actor })
}
