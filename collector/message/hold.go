package message

import (
	"maps"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// holds tells whether an effect is about single payments: it holds them, or does not
// because it is not known which.
func holds(e machine.Effect) bool {
	return len(e.Match) > 0 || e.Action == rules.GateHold && e.Hold == ""
}

// inForce tells whether what an effect put at its gate stands.
func inForce(e machine.Effect) bool {
	return e.State == machine.Applied || e.State == machine.Verified
}

// held is what an effect holds, as people write it.
func (p *page) held(e machine.Effect) string {
	if len(e.Match) == 0 {
		return p.words.T("the payment|held")
	}
	return matched(e)
}

func matched(e machine.Effect) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(e.Match)) {
		parts = append(parts, k+"="+e.Match[k])
	}
	return oneLine(strings.Join(parts, " "), maxLine/4)
}

// hold is what became of an effect that is about single payments; empty if another took
// its place.
func (p *page) hold(e machine.Effect) string {
	t, what, of := p.words.T, p.held(e), oneLine(e.Mitigation, maxLine/4)
	switch {
	case e.State == machine.Applied:
		return t("%s is held at gate %s (%s), not every agent has confirmed it yet", what, e.Target, of)
	case e.State == machine.Verified:
		return t("%s is held at gate %s (%s), every agent that answers has confirmed it", what, e.Target, of)
	case e.State == machine.Undone && e.Actor == "":
		return ""
	case e.State == machine.Undone:
		return t("%s was held at gate %s (%s), %s released it", what, e.Target, of, oneLine(e.Actor, maxLine/4))
	case e.State == machine.Declined:
		return t("%s is NOT held at gate %s (%s): %s declined it", what, e.Target, of, oneLine(e.Actor, maxLine/4))
	case p.alert.Ended != 0:
		return t("%s was not held at gate %s (%s)", what, e.Target, of)
	case p.switchedOff(e):
		return t("%s is NOT held at gate %s (%s), because automatic effects are off: effect %s waits for approval", what, e.Target, of, e.ID)
	case e.Mode == rules.Approve:
		return p.because(t("%s is NOT held at gate %s (%s): effect %s waits for approval", what, e.Target, of, e.ID), e)
	}
	return t("%s is NOT held at gate %s (%s): the mitigation is in shadow", what, e.Target, of)
}

// because adds why an effect that would happen by itself waits for a person.
func (p *page) because(text string, e machine.Effect) string {
	if !e.KeptBack() {
		return text
	}
	return p.words.T("%s (%s)|because", text, oneLine(p.words.Record(e.Result), maxLine/2))
}

// headHeld says of the first payment that the alert holds; empty if it holds none.
func (p *page) headHeld() string {
	for _, e := range p.around.Effects {
		if len(e.Match) > 0 && inForce(e) {
			return p.words.T("HELD: %s at gate %s", p.held(e), e.Target)
		}
	}
	return ""
}

// notHeld says why a payment is not held that the alert would hold.
func (p *page) notHeld(e machine.Effect) string {
	t, what := p.words.T, p.held(e)
	switch {
	case len(e.Match) == 0:
		return t("NOT HELD: at gate %s, because it is not known which payment is meant", e.Target)
	case p.switchedOff(e):
		return t("NOT HELD: %s at gate %s, automatic effects are off", what, e.Target)
	case e.Mode == rules.Approve:
		return t("NOT HELD: %s at gate %s, holding it waits for approval", what, e.Target)
	}
	return t("NOT HELD: %s at gate %s, its mitigation is in shadow", what, e.Target)
}

// Does is what happens at its gate if somebody approves an effect.
func (w *Words) Does(e machine.Effect) string {
	if len(e.Match) == 0 {
		return w.T("Close gate %s", e.Target)
	}
	return w.T("Hold %s at gate %s", matched(e), e.Target)
}
