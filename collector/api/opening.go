package api

import (
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// Opening is what it takes to open a gate.
type Opening struct {
	Approvals  int    `json:"approvals"`             // different people
	AloneAfter string `json:"alone_after,omitempty"` // how long the newest hold has to stand until one may, with verdict false
}

// Agreement is one person's wish to open a gate that takes two.
type Agreement struct {
	By      string `json:"by"`
	At      string `json:"at"`
	Reason  string `json:"reason"`
	Verdict string `json:"verdict,omitempty"`
	Hold    string `json:"hold,omitempty"`    // the one hold to lift; empty for all
	Unnamed bool   `json:"unnamed,omitempty"` // it does not count: nobody by name
	// The rules that are to be in shadow then, by group and name, and for how long.
	Shadow    []string `json:"shadow,omitempty"`
	ShadowFor string   `json:"shadow_for,omitempty"`
}

// Held is what agents refused at a gate since it closed.
type Held struct {
	Requests int    `json:"requests"` // that were named, each once
	Unnamed  uint64 `json:"unnamed"`  // asks that named no request
	Unpriced int    `json:"unpriced"` // requests without asset and amount
	More     bool   `json:"more"`     // there are more than were counted
	Sums     []Sum  `json:"sums"`
}

// Sum is an exact amount of one asset.
type Sum struct {
	Asset  string `json:"asset"`
	Amount string `json:"amount"`
}

// Pending is the answer to an opening that takes more people: nothing has
// opened yet.
type Pending struct {
	Approvals int  `json:"approvals"`
	Needed    int  `json:"needed"`
	Gate      Gate `json:"gate"`
}

// opening adds to a gate what it takes to open it, who agrees, and what is held.
func (g *Gate) opening(v machine.GateView) {
	g.Open.Approvals = max(1, v.Opening.Approvals)
	if v.Opening.Alone > 0 {
		g.Open.AloneAfter = v.Opening.Alone.String()
	}
	for _, a := range v.Approvals {
		agreed := Agreement{By: a.Actor, At: rfc3339(a.At), Reason: a.Reason, Verdict: a.Verdict, Hold: a.Hold, Unnamed: !machine.Named(a.Actor), Shadow: a.Shadow}
		if len(a.Shadow) > 0 {
			agreed.ShadowFor = a.ShadowFor.String()
		}
		g.Agreed = append(g.Agreed, agreed)
	}
	if h := v.Refused; h != nil {
		g.Held = &Held{h.Requests, h.Unnamed, h.Unpriced, h.More, []Sum{}}
		for _, s := range h.Sums {
			g.Held.Sums = append(g.Held.Sums, Sum(s))
		}
	}
}

// gateOf is the gate that a decision would open.
func (a *API) gateOf(d entry.Decision) string {
	if d.Do == entry.DoOpen {
		return d.Gate
	}
	e, _ := a.Machine.EffectView(d.Effect)
	return e.Target
}

// answerPending says that a gate waits for more people.
func (a *API) answerPending(w http.ResponseWriter, gate string, p machine.Pending) {
	report.WriteJSON(w, http.StatusAccepted, Pending{p.Approvals, p.Needed, a.gateNow(gate)})
}

// gateNow is the gate as it is. One that left the rule files is gone once its
// last hold is.
func (a *API) gateNow(name string) Gate {
	v, ok := a.Machine.GateView(name)
	if !ok {
		v = machine.GateView{Gate: machine.Gate{Name: name}}
	}
	return a.gate(v)
}
