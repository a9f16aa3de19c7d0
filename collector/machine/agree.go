package machine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// agree notes that one person agrees to open a gate that takes two. A gate that
// gets another hold, or loses one, forgets it: it was about others.
func (m *Machine) agree(g *Gate, d entry.Decision, holds []*Hold) Pending {
	// Views share what was there.
	agreed := slices.DeleteFunc(slices.Clone(g.Agreed), func(a Agreement) bool { return a.Actor == d.Actor })
	agreed = append(agreed, Agreement{Actor: d.Actor, At: m.Time, Reason: cut(d.Reason, maxText), Verdict: d.Verdict, Hold: d.Hold})
	g.Agreed = agreed[max(0, len(agreed)-maxAgreed):]
	text := "agrees to open gate " + g.Name
	if d.Hold != "" {
		text = "agrees to lift hold " + d.Hold + " on gate " + g.Name
	}
	if !Named(d.Actor) {
		text += ", which does not count: it takes two people by name"
	}
	for _, id := range incidentsOf(holds) {
		m.note(id, d.Actor, text+withVerdict(d.Verdict)+": "+d.Reason)
	}
	m.wantApproval(g)
	p := Pending{Needed: g.Opening.Approvals}
	if slices.ContainsFunc(g.Agreed, func(a Agreement) bool { return Named(a.Actor) && a.Hold == d.Hold && !a.lapsed(m.Time) }) {
		p.Approvals = 1 // two would have opened it
	}
	return p
}

// wantApproval raises or renews the alert that asks for a second person.
func (m *Machine) wantApproval(g *Gate) {
	a := m.about(approvalWanted, []Label{{Name: "gate", Value: g.Name}})
	a.Value, a.Updated = strconv.Itoa(len(g.Agreed)), m.Time
	m.describe(a, g.wanted())
	m.touch(a)
	m.wake(a, g.Agreed[0].At+int64(agreedFor))
}

// wanted says who wants to open the gate, why, and what it still takes.
func (g *Gate) wanted() string {
	var b strings.Builder
	named := 0
	for _, a := range g.Agreed {
		what := " wants to open gate " + g.Name
		if a.Hold != "" {
			what = " wants to lift hold " + a.Hold + " on gate " + g.Name
		}
		b.WriteString(a.Actor + what + withVerdict(a.Verdict) + ": " + strings.TrimSuffix(clean(a.Reason), ".") + ". ")
		if Named(a.Actor) {
			named++
		}
	}
	if named == 0 {
		return b.String() + "Two people by name have to agree: nothing has opened."
	}
	return b.String() + "A second person has to agree: nothing has opened."
}

// wantedNoMore says why nobody is asked to agree any more.
func (g *Gate) wantedNoMore(cause string) string {
	return "Opening gate " + g.Name + " waits for a second person no longer: " + cause + "."
}

// lapse forgets who agreed to open a gate.
func (m *Machine) lapse(g *Gate, cause string) {
	if len(g.Agreed) == 0 {
		return
	}
	g.Agreed = nil
	m.versions.Gates++
	m.endAboutSaying(approvalWanted, cause, g.wantedNoMore(cause), Label{Name: "gate", Value: g.Name})
}

// reviewAgreed forgets the agreements that have waited for too long.
func (m *Machine) reviewAgreed(wanted *Alert) {
	g := m.Gates[wanted.Label("gate")]
	if g == nil {
		m.end(wanted, "the gate is gone")
		return
	}
	m.versions.Gates++
	g.Agreed = slices.DeleteFunc(slices.Clone(g.Agreed), func(a Agreement) bool { return a.lapsed(m.Time) })
	if len(g.Agreed) > 0 {
		m.wantApproval(g)
		return
	}
	const cause = "nobody else agreed within an hour"
	g.Agreed = nil
	m.describe(wanted, g.wantedNoMore(cause))
	m.end(wanted, cause)
}

// openedAlone pages the second person about what one has done. The newest hold
// tells one opening from the next: each is news.
func (m *Machine) openedAlone(d entry.Decision, holds []*Hold) {
	labels := []Label{{Name: "gate", Value: d.Gate}, {Name: "by", Value: clip(d.Actor)}, {Name: "hold", Value: holds[len(holds)-1].ID}}
	m.describe(m.about(openedAlone, labels), d.Actor+" opened gate "+d.Gate+" without a second person"+withVerdict(d.Verdict)+": "+clean(d.Reason))
	m.builtIn(openedAlone, labels...)
}
