package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// A closer is a rule that may close a gate by itself, or hold payments at it, and how
// far it may go.
type closer struct {
	Rule, Mitigation string
	Mode             rules.Mode
	Holds            string // what it holds instead of closing the gate; empty if it closes it
}

// closers are the rules that may close each gate, those that go furthest first.
func (w *Web) closers() map[string][]closer {
	set, _ := w.o.Machine.LiveSet()
	if set == nil {
		return nil
	}
	modes := map[string]rules.Mode{}
	for _, g := range set.Gates {
		modes[g.Name] = g.Mode
	}
	out, inShadow := map[string][]closer{}, w.o.Machine.InShadowView()
	add := func(group, rule string, uses []rules.Use) {
		for _, use := range uses {
			gate := use.Mitigation.Target
			c := closer{rule, use.Mitigation.Name, rules.Effective(use.Mode, use.Mitigation.Mode, modes[gate]), strings.Join(use.Mitigation.Fields(), ", ")}
			if slices.ContainsFunc(inShadow, func(s machine.InShadow) bool { return s.Gate == gate && s.Group == group && s.Rule == rule }) {
				c.Mode = rules.Shadow
			}
			out[gate] = append(out[gate], c)
		}
	}
	for _, r := range set.Rules {
		add(r.Group, r.Name, r.Mitigate)
	}
	for _, r := range set.Metrics {
		add(r.Group, r.Name, r.Mitigate)
	}
	for _, c := range out {
		slices.SortStableFunc(c, func(a, b closer) int { return int(b.Mode) - int(a.Mode) })
	}
	return out
}

// A guarded gate is what may happen at it by itself.
type guarded struct {
	Name   string
	Closed bool
	Shadow bool // it would be closed, if everything in shadow were enforced
	Mode   rules.Mode
	Rules  int // that may close it, in that mode
}

// guardedGates are the gates, those where most may happen by itself first. While
// the switch is off, no more happens than a person approves.
func (w *Web) guardedGates(views []machine.GateView) []guarded {
	closers, off := w.closers(), w.o.Machine.AutomaticView().Off
	var out []guarded
	for _, v := range views {
		g := guarded{Name: v.Name, Closed: v.Closed, Shadow: v.WouldBe && !v.Closed, Mode: v.Mode}
		if of := closers[v.Name]; len(of) > 0 {
			g.Mode = of[0].Mode
			for _, c := range of {
				if c.Mode == g.Mode {
					g.Rules++
				}
			}
		}
		if off {
			g.Mode = min(g.Mode, rules.Approve)
		}
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b guarded) int { return int(b.Mode) - int(a.Mode) })
	return out
}

// maxOff bounds how long the switch may be off at once.
const maxOff = 24 * time.Hour

// offChoices are for how long the form offers to turn it off.
var offChoices = []time.Duration{15 * time.Minute, time.Hour, 2 * time.Hour, 8 * time.Hour}

// postAutomatic turns automatic effects off for a time, or on.
func (w *Web) postAutomatic(rw http.ResponseWriter, r *http.Request) {
	p := w.form(rw, r)
	if p == nil {
		d := entry.Decision{Do: entry.DoSwitch, On: r.PostFormValue("on") == "true", Reason: r.PostFormValue("reason")}
		if until, err := strconv.ParseUint(r.PostFormValue("until"), 10, 64); err == nil && d.On {
			d.Epoch = &until // another may have switched it off since
		}
		length, err := time.ParseDuration(r.PostFormValue("for"))
		switch {
		case d.On:
			p = w.decide(r, d)
		case err != nil || length <= 0 || length > maxOff:
			t := w.words(r)
			p = w.refuse(r, &refused{Status: http.StatusBadRequest, Field: "for", Text: t.T("Say how long automatic effects stay off."), Remedy: t.T("Nothing was changed. Complete the form and send it again.")})
		default:
			d.For = length
			p = w.decide(r, d)
		}
	}
	if p != nil {
		w.overviewAs(rw, r, p)
		return
	}
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// postEffect approves or declines an effect that waits for a person.
func (w *Web) postEffect(rw http.ResponseWriter, r *http.Request) {
	p := w.form(rw, r)
	if p == nil {
		d := entry.Decision{Do: entry.DoApprove, Effect: r.PathValue("id"), Reason: r.PostFormValue("reason")}
		if r.PostFormValue("do") == entry.DoDecline {
			d.Do = entry.DoDecline
		}
		p = w.decide(r, d)
	}
	if p != nil {
		w.refusedPage(rw, r, p)
		return
	}
	http.Redirect(rw, r, local(r.PostFormValue("next")), http.StatusSeeOther)
}
