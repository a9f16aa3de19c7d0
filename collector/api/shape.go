package api

import "github.com/tomeishi/tomeishi/collector/machine"

// A Gate as the API shows it.
type Gate struct {
	Name          string `json:"name"`
	State         string `json:"state"` // open, closed
	Mode          string `json:"mode"`
	Epoch         uint64 `json:"epoch"`
	Holds         []Hold `json:"holds"`
	WouldBe       string `json:"would_be,omitempty"`
	Fresh         bool   `json:"fresh"`
	Cell          string `json:"cell"`
	Lease         string `json:"lease"`
	IfUnreachable string `json:"if_unreachable"`

	Open   Opening     `json:"open"`
	Agreed []Agreement `json:"agreed,omitempty"` // who wants to open it
	Held   *Held       `json:"held,omitempty"`
}

// A Hold as the API shows it.
type Hold struct {
	ID       string            `json:"id"`
	By       string            `json:"by"`
	Cause    string            `json:"cause"`
	Reason   string            `json:"reason"`
	Alert    string            `json:"alert,omitempty"`
	Incident string            `json:"incident,omitempty"`
	Since    string            `json:"since"`
	Match    map[string]string `json:"match,omitempty"`
}

func (a *API) gate(v machine.GateView) Gate {
	g := Gate{
		Name: v.Name, State: "open", Mode: v.Mode.String(), Epoch: v.Epoch, Holds: []Hold{},
		Fresh: true, Cell: a.Machine.CellID(), Lease: v.Lease.String(), IfUnreachable: "close",
	}
	if v.Closed {
		g.State = "closed"
	}
	if v.WouldBe {
		g.WouldBe = "closed"
	}
	if v.KeepUnreachable {
		g.IfUnreachable = "keep"
	}
	for _, h := range v.Holds {
		g.Holds = append(g.Holds, a.hold(h))
	}
	g.opening(v)
	return g
}

func (a *API) hold(h machine.Hold) Hold {
	reason := h.Reason
	if reason == "" {
		reason = a.Message.Record(h.Because)
	}
	if alert, ok := a.Machine.AlertView(h.Alert); ok && reason == "" {
		reason = a.Message.Summary(alert)
	}
	return Hold{
		ID: h.ID, By: h.By, Cause: h.Cause, Reason: reason, Alert: h.Alert,
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
