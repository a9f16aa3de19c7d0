package api

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// A Gate is what agents are told of a gate, and what only people read.
type Gate struct {
	report.Gate

	Open   Opening     `json:"open"`
	Agreed []Agreement `json:"agreed,omitempty"` // who wants to open it
	Held   *Held       `json:"held,omitempty"`
	// InDoubt is how many agents answer for it by themselves, and not by the
	// collector's word.
	InDoubt int `json:"in_doubt,omitempty"`
	// Anew are rules that would close it, are new or changed, and have not seen a
	// whole window yet.
	Anew []string `json:"counting_anew,omitempty"`
	// Largest are alerts because of which its own holds stand, where those are
	// several: of each rule and asset the largest first, at most 20. Only where one
	// gate is asked for.
	Largest []Alert `json:"largest,omitempty"`
	// InShadow are rules that a person keeps from closing it.
	InShadow []InShadow `json:"in_shadow,omitempty"`
	// Stops is whom a hold on what was asked for, or was just held, stops beside that.
	Stops *Stops `json:"stops,omitempty"`
}

// Stops is whom a hold with match stops because their asks do not say what it names.
type Stops struct {
	Agents int      `json:"agents"` // whose applications asked here within a day
	All    int      `json:"all"`    // of them: where no ask names it, so that all are stopped
	Some   int      `json:"some"`   // of them: where some asks do not
	Names  []string `json:"names"`  // of All, then of Some, at most 20
}

// maxStops is how many of whom a hold stops are named.
const maxStops = 20

func (a *API) stops(gate string, match map[string]string) *Stops {
	s := a.Machine.StopsView(gate, match)
	names := some(slices.Concat(s.All, s.Some))
	return &Stops{s.Agents, len(s.All), len(s.Some), names[:min(len(names), maxStops)]}
}

// InShadow is a rule that does not close a gate for a while.
type InShadow struct {
	Rule  string `json:"rule"`
	Group string `json:"group"`
	Since string `json:"since"`
	Until string `json:"until"`
	By    string `json:"by"`
}

func (a *API) gate(v machine.GateView) Gate {
	g := Gate{Gate: report.Gate{
		Name: v.Name, State: report.GateOpen, Mode: v.Mode.String(), Epoch: v.Epoch, Holds: []report.Hold{},
		Fresh: true, Cell: a.Machine.CellID(), Lease: report.Duration(v.Lease), IfUnreachable: report.UnreachableClose,
		Asks: v.Asks, Closers: v.Closers, AsOf: v.AsOf, Alerts: v.Alerts,
	}}
	if v.Closed {
		g.State = report.GateClosed
	}
	if v.WouldBe {
		g.WouldBe = report.GateClosed
	}
	if v.KeepUnreachable {
		g.IfUnreachable = report.UnreachableKeep
	}
	for _, h := range v.Holds {
		g.Holds = append(g.Holds, a.hold(h))
	}
	g.InDoubt, g.Anew = v.InDoubt, v.Anew
	for _, s := range v.InShadow {
		g.InShadow = append(g.InShadow, InShadow{s.Rule, s.Group, rfc3339(s.Since), rfc3339(s.Until), s.Actor})
	}
	g.opening(v)
	return g
}

func (a *API) hold(h machine.Hold) report.Hold {
	reason := h.Reason
	if reason == "" {
		reason = a.Message.Record(h.Because)
	}
	if alert, ok := a.Machine.AlertView(h.Alert); ok && reason == "" {
		reason = a.Message.Summary(alert)
	}
	return report.Hold{
		ID: h.ID, By: h.By, Cause: h.Cause, Reason: reason, Alert: h.Alert, Alerts: h.Alerts(),
		Incident: h.Incident, Since: rfc3339(h.Since), Match: h.Match,
	}
}

func pairs(labels []machine.Label) map[string]string {
	out := make(map[string]string, len(labels)+1)
	for _, l := range labels {
		out[l.Name] = l.Value
	}
	return out
}
