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
	match, err := asked(r)
	if err != nil {
		report.WriteError(w, err)
		return
	}
	answer, why := a.o.Gates.Check(name, match)
	g, ok := a.o.Gates.Get(name)
	if !ok {
		unknownGate(w, name, why)
		return
	}
	if answer == gates.Held {
		g.State, g.Reason = "closed", why
	}
	report.WriteJSON(w, http.StatusOK, g)
}

// asked is the payment that the query names.
func asked(r *http.Request) (gates.Match, error) {
	q, err := report.ReadAsk(r.URL.RawQuery)
	return gates.Match{Request: q["request"], Customer: q["customer"], Address: q["address"], Tag: q["tag"]}, err
}

func unknownGate(w http.ResponseWriter, name, why string) {
	problem(w, http.StatusNotFound, why+": "+name+": do not pay")
}

// check answers 204 for a payment that may pass. Any other answer means that
// it may not.
func (a *API) check(w http.ResponseWriter, r *http.Request, name string) {
	match, err := asked(r)
	if err != nil {
		report.WriteError(w, err)
		return
	}
	answer, why := a.o.Gates.Check(name, match)
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
	default:
		report.WriteJSON(w, http.StatusLocked, refusal)
	}
}
