package api

import (
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// maxWait bounds how long a watch is held open.
const maxWait = 30 * time.Second

// gateList is the answer to GET /v1/gates: the wire's, with gates as people read
// them.
type gateList struct {
	report.GateList

	Gates []Gate `json:"gates"`
}

// getGates answers with all gates; with watch, once the cell's epoch is above
// it. An agent that names itself renews its lease and confirms the epoch.
func (a *API) getGates(w http.ResponseWriter, r *http.Request) {
	agent := r.URL.Query().Get("agent")
	if agent != "" {
		if err := a.Access.SpeaksFor(r, agent); err != nil {
			problem(w, http.StatusForbidden, "agent", err.Error())
			return
		}
	}
	seen, watching, ok := a.seen(w, r)
	if !ok {
		return
	}
	cell := r.URL.Query().Get("cell")
	if seen > a.Machine.GateEpoch() || cell != "" && cell != a.Machine.CellID() {
		// It comes from another history, and confirms nothing of this one.
		seen, watching = 0, false
	}
	if agent != "" && r.URL.Query().Has("watch") {
		a.Leases.Asked(agent, seen)
	}
	if watching && !a.watch(w, r, func() bool { return a.Machine.GateEpoch() > seen }) {
		return
	}
	list := a.list()
	if agent != "" {
		a.Leases.Told(agent, list.views)
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(list.text); err != nil {
		return // the client has gone
	}
}

// seen is the epoch that the asker has, and whether it waits for a newer one.
// It is not ok if it has answered.
func (a *API) seen(w http.ResponseWriter, r *http.Request) (epoch uint64, watching, ok bool) {
	q := r.URL.Query()
	if !q.Has("watch") {
		return 0, false, true
	}
	epoch, err := strconv.ParseUint(q.Get("watch"), 10, 64)
	if err != nil {
		problem(w, http.StatusBadRequest, "watch", "watch takes the epoch that you have, a whole number")
		return 0, false, false
	}
	return epoch, true, true
}

// watch holds the request until there is news, the time is over or the
// collector stops. It is false if nobody waits for an answer any more.
func (a *API) watch(w http.ResponseWriter, r *http.Request, news func() bool) bool {
	wait := maxWait
	if q := r.URL.Query(); q.Has("wait") {
		var err error
		if wait, err = time.ParseDuration(q.Get("wait")); err != nil || wait < 0 {
			problem(w, http.StatusBadRequest, "wait", "wait takes a duration such as 10s")
			return false
		}
	}
	over := time.NewTimer(min(wait, maxWait))
	defer over.Stop()
	for {
		changed := a.Machine.Changed()
		if news() {
			return true
		}
		select {
		case <-changed:
		case <-over.C:
			return true
		case <-a.Lifecycle.Stopping():
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
	payment, err := report.ReadAsk(r.URL.RawQuery, "watch", "wait", "stops")
	if err != nil {
		fail(w, err)
		return
	}
	seen, watching, ok := a.seen(w, r)
	if !ok || watching && !a.watch(w, r, a.newsOf(name, seen)) {
		return
	}
	v, ok := a.Machine.GateView(name)
	if !ok {
		a.noGate(w, name)
		return
	}
	g := a.gate(v)
	if !watching && v.Alerts > 1 {
		g.Largest = a.alerts(a.Machine.LargestAlerts(name, machine.ShownAlerts), maxListed)
	}
	if len(payment) > 0 && holdsFor(v, payment) != nil {
		g.State = report.GateClosed
	}
	if r.URL.Query().Has("stops") { // whom a hold on it would stop
		delete(payment, report.AskAsset)
		delete(payment, report.AskAmount)
		g.Stops = a.stops(name, payment)
	}
	report.WriteJSON(w, http.StatusOK, g)
}

// newsOf looks at the gate only when any gate has changed.
func (a *API) newsOf(name string, seen uint64) func() bool {
	looked, last := false, uint64(0)
	return func() bool {
		epoch := a.Machine.GateEpoch()
		if looked && epoch == last {
			return false
		}
		looked, last = true, epoch
		v, ok := a.Machine.GateView(name)
		return !ok || v.Epoch > seen
	}
}

func (a *API) noGate(w http.ResponseWriter, name string) {
	problem(w, http.StatusNotFound, "", "no gate "+name+" is defined: do not pay")
}

// holdsFor is the first hold that forbids the payment, of those that forbid all if
// there are any; nil if none does.
func holdsFor(v machine.GateView, fields map[string]string) (first *machine.Hold) {
	for i := range v.Holds {
		switch h := &v.Holds[i]; {
		case h.Match == nil:
			return h
		case first == nil && h.Names(fields):
			first = h
		}
	}
	return first
}

func (a *API) checkGate(w http.ResponseWriter, r *http.Request, name string) {
	payment, err := report.ReadAsk(r.URL.RawQuery)
	if err != nil {
		fail(w, err)
		return
	}
	v, ok := a.Machine.GateView(name)
	if !ok {
		a.noGate(w, name)
		return
	}
	if err := report.CheckAsk(v.Asks, payment); err != nil {
		fail(w, err)
		return
	}
	if h := holdsFor(v, payment); h != nil {
		what := "gate " + name + " is closed: "
		if !v.Closed {
			what = "this payment is held: "
		}
		problem(w, http.StatusLocked, "", what+a.hold(*h).Reason)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// closeOrder is the body of a close.
type closeOrder struct {
	Reason string            `json:"reason"`
	Match  map[string]string `json:"match"`
}

// openOrder is the body of an open.
type openOrder struct {
	Reason  string       `json:"reason"`
	Verdict string       `json:"verdict"`
	Epoch   *uint64      `json:"epoch"`
	Hold    string       `json:"hold"`
	AsOf    uint64       `json:"as_of"`
	Alerts  *int         `json:"alerts"`
	Shadow  *shadowOrder `json:"shadow"`
}

// shadowOrder keeps rules from closing the gate again, for a while.
type shadowOrder struct {
	Rules []string `json:"rules"` // none: those because of which it is closed
	For   string   `json:"for"`
}

func (o *shadowOrder) decision() (*entry.Shadow, error) {
	if o == nil {
		return nil, nil
	}
	s := &entry.Shadow{Rules: o.Rules}
	var err error
	if s.For, err = duration("shadow.for", o.For); err != nil {
		return nil, err
	}
	return s, nil
}

// duration reads how long something is to last; 0 if it is not said.
func duration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, &report.FieldError{Field: field, Err: errors.New("for takes a duration such as 2h or 30m")}
	}
	return d, nil
}

func (a *API) postGate(w http.ResponseWriter, r *http.Request) {
	name, do := path.Split(r.PathValue("path"))
	d := entry.Decision{Do: do, Gate: strings.TrimSuffix(name, "/")}
	var err error
	switch do {
	case entry.DoClose:
		var o closeOrder
		err = readJSON(w, r, &o)
		d.Reason, d.Match = o.Reason, o.Match
	case entry.DoOpen:
		var o openOrder
		err = readJSON(w, r, &o)
		d.Reason, d.Verdict, d.Epoch, d.Hold, d.AsOf, d.Alerts = o.Reason, o.Verdict, o.Epoch, o.Hold, o.AsOf, o.Alerts
		if err == nil {
			d.Shadow, err = o.Shadow.decision()
		}
	default:
		problem(w, http.StatusNotFound, "", "a gate is closed by POST …/close and opened by POST …/open")
		return
	}
	var out any
	if err == nil {
		out, err = a.outcome(r, d)
	}
	if err != nil {
		fail(w, err)
		return
	}
	if pending, ok := out.(machine.Pending); ok {
		a.answerPending(w, d.Gate, pending)
		return
	}
	g := a.gateNow(d.Gate)
	if len(d.Match) > 0 {
		g.Stops = a.stops(d.Gate, d.Match)
	}
	report.WriteJSON(w, http.StatusOK, g)
}

// decide takes a decision that needs nobody else.
func (a *API) decide(r *http.Request, d entry.Decision) error {
	_, err := a.outcome(r, d)
	return err
}

// outcome takes a decision. A refusal has its sentence.
func (a *API) outcome(r *http.Request, d entry.Decision) (any, error) {
	out, err := a.Decider.Decide(r, d)
	return out, a.refused(err)
}
