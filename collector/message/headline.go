package message

import (
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// headline is the gravest that there is to say, and what it is about: a gate
// that is closed, one that is open though it should not be, the severity.
func (p *page) headline() string {
	t, ended := p.words.T, p.alert.Ended != 0
	var parts []string
	if g := p.closed(); g != nil {
		stopped := t("STOPPED: gate %s closed since %s", g.Name, p.words.since(at(g.Holds[0].Since)))
		if isBuiltIn(p.alert) && p.alert.Rule == gateClosed && !ended {
			return t("%s, %s|closed by", stopped, p.closer(g.Holds[0]))
		}
		parts = append(parts, stopped)
	}
	if text := p.headHeld(); text != "" && !ended {
		parts = append(parts, text)
	}
	if text := p.notStopped(); text != "" && !ended {
		parts = append(parts, text)
	}
	switch {
	case ended:
		parts = append(parts, t("Ended: %s", p.what))
	case len(parts) > 0:
		parts = append(parts, p.what)
	default:
		parts = append(parts, p.graded())
	}
	return p.sentences(parts)
}

// closed is the first gate of the alert that is closed; nil if none is.
func (p *page) closed() *machine.GateAround {
	for i := range p.around.Gates {
		if g := &p.around.Gates[i]; g.Closed {
			return g
		}
	}
	return nil
}

// notStopped says of the first gate that the alert should have closed, or at which it
// should have held something, and that is open, why it is; empty if there is none.
func (p *page) notStopped() string {
	var e machine.Effect // of those that wait, one that a person can approve comes first
	for _, one := range p.around.Effects {
		if g := p.gate(one.Target); one.State == machine.Planned && g != nil && !g.Closed && one.Mode > e.Mode {
			e = one
		}
	}
	switch {
	case e.ID == "" || e.Mode == rules.Shadow && p.headHeld() != "":
		return "" // what it is about is stopped
	case holds(e):
		return p.notHeld(e)
	case p.switchedOff(e):
		return p.words.T("NOT STOPPED: gate %s is open, automatic effects are off", e.Target)
	case e.Mode == rules.Approve:
		return p.words.T("NOT STOPPED: gate %s is open, closing it waits for approval", e.Target)
	}
	return p.words.T("NOT STOPPED: gate %s is open, its mitigation is in shadow", e.Target)
}

// switchedOff tells whether an effect waits because automatic effects are off.
func (p *page) switchedOff(e machine.Effect) bool {
	return p.around.Automatic.Off && e.SwitchedOff()
}

// gate is a gate of the alert; nil if it is not known any more.
func (p *page) gate(name string) *machine.GateAround {
	for i := range p.around.Gates {
		if p.around.Gates[i].Name == name {
			return &p.around.Gates[i]
		}
	}
	return nil
}

// graded is what the alert says with its severity before it.
func (p *page) graded() string {
	severity := p.alert.Label("severity")
	if severity == "" || severity == "none" {
		return p.what
	}
	return p.words.T("%s: %s|severity and summary", strings.ToUpper(p.words.fixed(severity, "|severity")), p.what)
}

// sentences puts sentences one behind the other.
func (p *page) sentences(parts []string) string {
	var out string
	for _, s := range parts {
		if out != "" {
			out = p.words.T("%s. %s|sentences", strings.TrimRight(out, ".。"), s)
		} else {
			out = s
		}
	}
	return out
}

// clauses puts parts of a sentence one behind the other.
func (p *page) clauses(parts []string) string { return strings.Join(parts, p.words.T("; |clauses")) }

// list puts words one behind the other.
func (p *page) list(parts []string) string { return strings.Join(parts, p.words.T(", |list")) }

func at(ns int64) time.Time { return time.Unix(0, ns) }

// isBuiltIn tells whether an alert is about Tomeishi itself.
func isBuiltIn(a machine.Alert) bool { return a.RuleID == machine.RuleID{} }
