package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// maxWait bounds how long a watch is held open.
const maxWait = 30 * time.Second

// gateList is the answer to GET /v1/gates.
type gateList struct {
	Cell  string `json:"cell"`
	Epoch uint64 `json:"epoch"`
	Gates []Gate `json:"gates"`
}

// getGates answers with all gates; with watch, once the cell's epoch is above
// it. An agent that names itself renews its lease and confirms the epoch.
func (a *API) getGates(w http.ResponseWriter, r *http.Request) {
	agent := r.URL.Query().Get("agent")
	if id := a.Agent(r); id != "" && agent != "" && id != agent {
		problem(w, http.StatusForbidden, "agent", "the token is agent "+id+"'s")
		return
	}
	var epoch uint64
	ok := a.watch(w, r, func(seen uint64) bool {
		if agent != "" {
			a.Leases.Asked(agent, seen)
		}
		_, epoch = a.Machine.GatesView()
		return epoch > seen
	})
	if !ok {
		return
	}
	views, epoch := a.Machine.GatesView()
	out := gateList{Cell: a.Machine.CellID(), Epoch: epoch, Gates: []Gate{}}
	for _, v := range views {
		out.Gates = append(out.Gates, a.gate(v))
	}
	if agent != "" {
		a.Leases.Told(agent)
	}
	report.WriteJSON(w, http.StatusOK, out)
}

// watch holds the request until news reports something above the epoch that
// the asker has, or the time is over. It is false if it has answered.
func (a *API) watch(w http.ResponseWriter, r *http.Request, news func(seen uint64) bool) bool {
	q := r.URL.Query()
	if !q.Has("watch") {
		return true
	}
	seen, err := strconv.ParseUint(q.Get("watch"), 10, 64)
	if err != nil {
		problem(w, http.StatusBadRequest, "watch", "watch takes the epoch that you have, a whole number")
		return false
	}
	wait := maxWait
	if q.Has("wait") {
		if wait, err = time.ParseDuration(q.Get("wait")); err != nil || wait < 0 {
			problem(w, http.StatusBadRequest, "wait", "wait takes a duration such as 10s")
			return false
		}
	}
	over := time.NewTimer(min(wait, maxWait))
	defer over.Stop()
	for {
		changed := a.Machine.Changed()
		if news(seen) {
			return true
		}
		select {
		case <-changed:
		case <-over.C:
			return true
		case <-r.Context().Done():
			return false
		}
	}
}

func (a *API) getGate(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	if gate, ok := strings.CutSuffix(name, "/check"); ok {
		a.checkGate(w, r, gate)
		return
	}
	ok := a.watch(w, r, func(seen uint64) bool {
		v, ok := a.Machine.GateView(name)
		return !ok || v.Epoch > seen
	})
	if !ok {
		return
	}
	v, ok := a.Machine.GateView(name)
	if !ok {
		a.noGate(w, name)
		return
	}
	g := a.gate(v)
	if held := holdsFor(v, askedFor(r)); held != nil {
		g.State = "closed"
	}
	report.WriteJSON(w, http.StatusOK, g)
}

func (a *API) noGate(w http.ResponseWriter, name string) {
	problem(w, http.StatusNotFound, "", "no gate "+name+" is defined: do not pay")
}

// askedFor is the payment that the request asks about.
func askedFor(r *http.Request) map[string]string {
	fields := map[string]string{}
	for _, k := range machine.Matchable {
		if v := r.URL.Query().Get(k); v != "" {
			fields[k] = v
		}
	}
	return fields
}

// holdsFor is the first hold that forbids the payment; nil if none does.
func holdsFor(v machine.GateView, fields map[string]string) *machine.Hold {
	for i := range v.Holds {
		if v.Holds[i].Names(fields) {
			return &v.Holds[i]
		}
	}
	return nil
}

func (a *API) checkGate(w http.ResponseWriter, r *http.Request, name string) {
	v, ok := a.Machine.GateView(name)
	if !ok {
		a.noGate(w, name)
		return
	}
	if h := holdsFor(v, askedFor(r)); h != nil {
		problem(w, http.StatusLocked, "", "gate "+name+" is closed: "+a.hold(*h).Reason)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// gateOrder is the body of a close or an open.
type gateOrder struct {
	Reason  string            `json:"reason"`
	Verdict string            `json:"verdict"`
	Epoch   *uint64           `json:"epoch"`
	Hold    string            `json:"hold"`
	Match   map[string]string `json:"match"`
}

func (a *API) postGate(w http.ResponseWriter, r *http.Request) {
	name, do := path.Split(r.PathValue("path"))
	name = strings.TrimSuffix(name, "/")
	if do != machine.DoClose && do != machine.DoOpen {
		problem(w, http.StatusNotFound, "", "a gate is closed by POST …/close and opened by POST …/open")
		return
	}
	var order gateOrder
	if err := readJSON(w, r, &order); err != nil {
		fail(w, err)
		return
	}
	if do == machine.DoClose && (order.Verdict != "" || order.Epoch != nil || order.Hold != "") {
		problem(w, http.StatusBadRequest, "", "closing takes a reason and a match, nothing else")
		return
	}
	if do == machine.DoOpen && order.Match != nil {
		problem(w, http.StatusBadRequest, "match", "opening names a hold by its id: match is for closing")
		return
	}
	err := a.decide(r, machine.Decision{
		Do: do, Gate: name, Hold: order.Hold, Reason: order.Reason,
		Verdict: order.Verdict, Epoch: order.Epoch, Match: order.Match,
	})
	if err != nil {
		fail(w, err)
		return
	}
	v, ok := a.Machine.GateView(name)
	if !ok {
		// A gate that left the rule files is gone once its last hold is.
		v = machine.GateView{Gate: machine.Gate{Name: name}}
	}
	report.WriteJSON(w, http.StatusOK, a.gate(v))
}

// decide puts a decision into the ledger under the asker's name.
func (a *API) decide(r *http.Request, d machine.Decision) error {
	actor, err := a.Actor(r)
	if err != nil {
		return err
	}
	d.Actor = actor
	out, err := a.Decide(r.Context(), d)
	if err != nil {
		return err
	}
	if refused, ok := out.(error); ok {
		return refused
	}
	return nil
}

const maxOrder = 64 << 10 // bytes of a decision's body

// readJSON reads a small JSON body strictly; an empty one is an empty object.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var over *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && d.More():
		return &report.FieldError{Err: errors.New("one JSON object is expected, more follows")}
	case err == nil || errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &over):
		return report.ErrTooLarge
	case errors.As(err, &kind):
		return &report.FieldError{Field: kind.Field, Err: errors.New("found " + kind.Value + ", want " + kind.Type.String())}
	}
	return &report.FieldError{Err: err}
}
