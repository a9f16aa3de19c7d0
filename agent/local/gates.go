package local

import (
	"net/http"

	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/report"
)

func (a *API) listGates(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("watch") {
		noWatch(w)
		return
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"gates": a.o.Gates.List()})
}

func noWatch(w http.ResponseWriter) {
	problem(w, http.StatusBadRequest, "watch at the agent is not in this version: ask the collector, or ask again")
}

func (a *API) gate(w http.ResponseWriter, r *http.Request, name string) {
	if r.URL.Query().Has("watch") {
		noWatch(w)
		return
	}
	q, err := report.ReadAsk(r.URL.RawQuery)
	if err != nil {
		report.WriteError(w, err)
		return
	}
	g, answer, why := a.o.Gates.Check(name, q)
	switch answer {
	case gates.NotFound:
		unknownGate(w, name, why)
		return
	case gates.Held:
		if len(q) == 0 {
			break // the gate was read, and no payment was asked for
		}
		g.State, g.Reason = "closed", why
	case gates.Open, gates.Closed: // as the gate says
	}
	report.WriteJSON(w, http.StatusOK, g)
}

func unknownGate(w http.ResponseWriter, name, why string) {
	problem(w, http.StatusNotFound, why+": "+name+": do not pay")
}

// check answers 204 for a payment that may pass. Any other answer means that
// it may not.
func (a *API) check(w http.ResponseWriter, r *http.Request, name string) {
	q, err := report.ReadAsk(r.URL.RawQuery)
	if err != nil {
		report.WriteError(w, err)
		return
	}
	g, answer, why := a.o.Gates.Check(name, q)
	if a.o.Asked != nil && answer != gates.NotFound && !fromPage(r) {
		a.o.Asked(name, q)
	}
	if err := report.CheckAsk(g.Asks, q); err != nil && answer != gates.NotFound {
		report.WriteError(w, err)
		return
	}
	refusal := struct {
		Error string `json:"error"`
		Gate  string `json:"gate"`
		State string `json:"state"`
	}{"gate " + name + " is " + why, name, "closed"}
	switch answer {
	case gates.Open:
		w.WriteHeader(http.StatusNoContent)
	case gates.NotFound:
		unknownGate(w, name, why)
	case gates.Held:
		refusal.Error, refusal.State = "this payment is "+why, "held"
		report.WriteJSON(w, http.StatusLocked, refusal)
		a.tell(r, g, q)
	default:
		report.WriteJSON(w, http.StatusLocked, refusal)
		a.tell(r, g, q)
	}
}

// tell tells of a refusal. What a browser asks is not told: any page that is
// open on this host could invent payments.
func (a *API) tell(r *http.Request, g gates.Gate, ask map[string]string) {
	if a.o.Refused != nil && !fromPage(r) {
		a.o.Refused(g, ask)
	}
}

func fromPage(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
}
