package message

import (
	"cmp"
	"slices"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// gateLine says how a gate is, since when, and because of what.
func (p *page) gateLine(g *machine.GateAround) string {
	t := p.words.T
	mode := t("mode %s", p.words.fixed(g.Mode.String(), "|mode", ""))
	if !g.Closed {
		return p.clauses([]string{t("%s is open", g.Name), mode})
	}
	since := at(g.Holds[0].Since)
	parts := []string{
		t("%s is closed since %s (%s)", g.Name, p.words.Time(since), p.words.For(p.now.Sub(since))),
		p.closer(g.Holds[0]),
	}
	if g.Closers > 1 {
		parts = append(parts, t("%d holds close it", g.Closers))
	}
	return p.clauses(append(parts, mode))
}

// closer is who or what closed a gate, and why if a person said it.
func (p *page) closer(h machine.Hold) string {
	t := p.words.T
	by, reason := oneLine(h.By, maxLine/2), oneLine(cmp.Or(h.Reason, p.words.Record(h.Because)), maxLine/2)
	switch h.Cause {
	case machine.ByRule:
		by = t("by rule %s", by)
	case machine.ByParent:
		by = t("by its parent gate %s", by)
	case machine.ByRestore:
		by = t("by a restore (%s)", by)
	default:
		by = t("by %s", by)
	}
	if reason == "" {
		return by
	}
	return t("%s: %s|of", by, reason)
}

// heldLine is what was refused at a closed gate. While nothing was refused
// nobody knows what waits: workers may not have asked.
func (p *page) heldLine(g *machine.GateAround) string {
	t, h := p.words.T, g.Refused
	if h == nil || h.Requests == 0 && h.Unnamed == 0 {
		return p.ofGate(g, t("not known yet"))
	}
	var parts []string
	if h.Requests > 0 {
		count := t("%d requests", h.Requests)
		if h.More {
			count = t("at least %s", count)
		}
		parts = append(parts, t("%s: %s|of", count, p.sums(h)))
		if h.Unpriced > 0 && len(h.Sums) > 0 {
			parts = append(parts, t("amount not known for %d of them", h.Unpriced))
		}
	}
	if h.Unnamed > 0 {
		parts = append(parts, t("%d asks that named no request", h.Unnamed))
	}
	return p.ofGate(g, p.clauses(parts))
}

// sums are the amounts of what is held, by asset.
func (p *page) sums(h *machine.RefusedPayments) string {
	var parts []string
	for i, s := range h.Sums {
		if i == maxShown {
			parts = append(parts, p.words.T("%d more assets", len(h.Sums)-i))
			break
		}
		parts = append(parts, oneLine(p.words.Amount(s.Amount)+" "+s.Asset, 60))
	}
	if len(parts) == 0 {
		return p.words.T("amount not known")
	}
	return p.list(parts)
}

// ofGate names the gate of which something is said, if there are several.
func (p *page) ofGate(g *machine.GateAround, text string) string {
	if len(p.around.Gates) < 2 {
		return text
	}
	return p.words.T("%s: %s|of", g.Name, text)
}

// doneLine is what was done without people, what was not, and why not.
func (p *page) doneLine() string {
	var parts []string
	for i, e := range p.around.Effects {
		if i == maxShown {
			parts = append(parts, p.words.T("and %d more", len(p.around.Effects)-i))
			break
		}
		if text := p.effect(e); text != "" {
			parts = append(parts, text)
		}
	}
	if s := p.around.Automatic; s.Off && p.alert.Ended == 0 && !(isBuiltIn(p.alert) && p.alert.Rule == automaticOff) {
		parts = append(parts, p.words.T("automatic effects are off until %s, by %s: %s",
			p.words.Time(at(s.Until)), oneLine(s.Actor, maxLine/4), oneLine(s.Reason, maxLine/4)))
	}
	if len(parts) == 0 && !isBuiltIn(p.alert) {
		return p.words.T("nothing")
	}
	return p.clauses(parts)
}

// effect is what became of one effect; empty if another took its place.
func (p *page) effect(e machine.Effect) string {
	if holds(e) {
		return p.hold(e)
	}
	t, of := p.words.T, oneLine(e.Mitigation, maxLine/4)
	switch e.State {
	case machine.Applied:
		return t("gate %s was closed (%s), not every agent has confirmed it yet", e.Target, of)
	case machine.Verified:
		return t("gate %s was closed (%s), every agent that answers has confirmed it", e.Target, of)
	case machine.Undone:
		if e.Actor == "" {
			return ""
		}
		return t("gate %s was closed (%s), %s opened it", e.Target, of, oneLine(e.Actor, maxLine/4))
	case machine.Declined:
		return t("gate %s was not closed (%s): %s declined it", e.Target, of, oneLine(e.Actor, maxLine/4))
	case machine.Planned, machine.Approved:
		return p.waits(e)
	case machine.Attempting, machine.Refused, machine.Unknown, machine.Observed, machine.Undoing:
	}
	// States that only actions on other systems reach.
	return p.clauses([]string{e.Target + " (" + of + ")", p.words.EffectState(string(e.State)), oneLine(p.words.Record(e.Result), maxLine/4)})
}

// waits is why an effect has not closed its gate.
func (p *page) waits(e machine.Effect) string {
	t, of := p.words.T, oneLine(e.Mitigation, maxLine/4)
	switch {
	case p.alert.Ended != 0:
		return t("gate %s was not closed (%s)", e.Target, of)
	case p.switchedOff(e):
		return t("gate %s was not closed (%s), because automatic effects are off: effect %s waits for approval", e.Target, of, e.ID)
	case e.Mode == rules.Approve:
		return p.because(t("gate %s was not closed (%s): effect %s waits for approval", e.Target, of, e.ID), e)
	}
	return t("gate %s was not closed (%s): the mitigation is in shadow", e.Target, of)
}

// choices are what the reader can do.
func (p *page) choices() (out []string) {
	t, open := p.words.T, map[string]bool{}
	for i := range p.around.Gates {
		g := &p.around.Gates[i]
		if open[g.Name] = !g.Closed; g.Closed {
			out = append(out, p.opening(g)...)
		}
	}
	for _, e := range p.around.Effects {
		if len(e.Match) > 0 && inForce(e) {
			out = append(out, t("Release %s at gate %s with a verdict, or keep it held", p.held(e), e.Target))
		}
	}
	if p.alert.Ended == 0 {
		out = append(out, p.stopping(open)...)
		out = append(out, p.builtInChoices()...)
	}
	if in := p.around.Incident; len(out) == 0 && in.ID != "" && in.Verdict == "" {
		out = append(out, t("Say what it was: real, false or test"))
	}
	return out
}

// stopping is how to stop by hand what nothing has stopped, at gates that are open.
func (p *page) stopping(open map[string]bool) (out []string) {
	t := p.words.T
	for _, e := range p.around.Effects {
		asks := e.Mode == rules.Approve
		switch {
		case e.State != machine.Planned || !open[e.Target]:
		case len(e.Match) > 0 && asks:
			out = append(out, t("Approve effect %[1]s to hold %[2]s at gate %[3]s", e.ID, p.held(e), e.Target))
		case len(e.Match) > 0:
			out = append(out, t("Hold %s at gate %s by hand if it should be held", p.held(e), e.Target))
		case asks:
			out = append(out, t("Approve effect %[1]s to close gate %[2]s", e.ID, e.Target))
			open[e.Target] = false // one way to close it is enough
		default:
			out = append(out, t("Close gate %s by hand if it should be closed", e.Target))
			open[e.Target] = false
		}
	}
	return out
}

// opening is what it takes to open a gate.
func (p *page) opening(g *machine.GateAround) []string {
	t, all := p.words.T, p.list(g.ClosedAt)
	out := []string{t("Open gate %s when it is safe, or keep it closed", all)}
	if g.ByRule {
		out = []string{t("Open gate %s with a verdict, or keep it closed", all)}
	}
	if g.Opening.Approvals < 2 || !slices.Contains(g.ClosedAt, g.Name) {
		return out
	}
	out = append(out, t("Opening takes %d people by name", g.Opening.Approvals))
	if len(g.Approvals) > 0 {
		var names []string
		for _, a := range g.Approvals {
			names = append(names, p.agreed(a))
		}
		out = append(out, t("%s agreed", p.list(names)))
	}
	if g.Opening.Alone > 0 {
		out = append(out, t("As false, one person may open it %s after its newest hold", p.words.For(g.Opening.Alone)))
	}
	return out
}

// agreed is who wants to open a gate, as what, and why.
func (p *page) agreed(a machine.Approval) string {
	who, why := oneLine(a.Actor, maxLine/4), oneLine(a.Reason, maxLine/4)
	if a.Verdict != "" && why != "" {
		why = p.words.T("%s: %s|of", p.verdict(a.Verdict), why)
	}
	if !machine.Named(a.Actor) {
		why = p.clauses(append([]string{p.words.T("does not count: it takes two people by name")}, why))
	}
	if why == "" {
		return who
	}
	return p.words.T("%s (%s)|agreed", who, why)
}
