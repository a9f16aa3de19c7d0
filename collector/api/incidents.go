package api

import (
	"math"
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// Effect is one carrying-out of one mitigation.
type Effect struct {
	ID         string            `json:"id"`
	Mitigation string            `json:"mitigation"`
	Target     string            `json:"target"`
	Match      map[string]string `json:"match,omitempty"` // what is held at the target; absent: it is closed for all
	Mode       string            `json:"mode"`
	State      string            `json:"state"`
	Alert      string            `json:"alert"`
	Incident   string            `json:"incident,omitempty"`
	Hold       string            `json:"hold,omitempty"`
	Planned    string            `json:"planned"`
	Result     string            `json:"result"`
	Outcome    *Said             `json:"outcome,omitempty"` // what Result says
	Action     string            `json:"action"`
	Attempt    int               `json:"attempt,omitempty"`  // how often it was tried
	Deadline   string            `json:"deadline,omitempty"` // up to which the last attempt may still arrive
	Actor      string            `json:"actor,omitempty"`
	Cell       string            `json:"cell"`
}

func (a *API) effect(e machine.Effect) Effect {
	return Effect{
		ID: e.ID, Mitigation: e.Mitigation, Target: e.Target, Match: e.Match, Mode: e.Mode.String(), State: string(e.State),
		Alert: e.Alert, Incident: e.Incident, Hold: e.Hold, Planned: rfc3339(e.Planned),
		Result: a.Message.Record(e.Result), Outcome: a.said(e.Result), Action: e.Action, Attempt: e.Attempt, Deadline: rfc3339(e.Deadline), Actor: e.Actor, Cell: a.Machine.CellID(),
	}
}

func (a *API) getEffects(w http.ResponseWriter, _ *http.Request) {
	effects := []Effect{}
	for _, e := range a.Machine.EffectsView() {
		effects = append(effects, a.effect(e))
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"effects": effects})
}

// approveOrder is the body of an approval.
type approveOrder struct {
	Reason string `json:"reason"`
}

// undoOrder is the body of an undo.
type undoOrder struct {
	Reason  string  `json:"reason"`
	Verdict string  `json:"verdict"`
	Epoch   *uint64 `json:"epoch"`
	AsOf    uint64  `json:"as_of"`
	Alerts  *int    `json:"alerts"`
}

// postEffect approves, declines or undoes an effect.
func (a *API) postEffect(do string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		d := entry.Decision{Do: do, Effect: id}
		var err error
		if do != entry.DoUndo {
			var o approveOrder
			err = readJSON(w, r, &o)
			d.Reason = o.Reason
		} else {
			var o undoOrder
			err = readJSON(w, r, &o)
			d.Reason, d.Verdict, d.Epoch, d.AsOf, d.Alerts = o.Reason, o.Verdict, o.Epoch, o.AsOf, o.Alerts
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
			a.answerPending(w, a.gateOf(d), pending)
			return
		}
		if e, ok := a.Machine.EffectView(id); ok {
			report.WriteJSON(w, http.StatusOK, a.effect(e))
			return
		}
		problem(w, http.StatusNotFound, "", "effect "+id+" is no longer kept")
	}
}

// Incident is alerts, holds, effects and decisions that belong together.
type Incident struct {
	ID       string   `json:"id"`
	State    string   `json:"state"` // open, ended
	Verdict  string   `json:"verdict,omitempty"`
	Since    string   `json:"since"` // the first evidence
	Opened   string   `json:"opened"`
	Ended    string   `json:"ended,omitempty"`
	Standing int      `json:"standing"`
	Gates    []string `json:"gates"`
	Holds    []string `json:"holds"`
	Effects  []string `json:"effects"`
	Alerts   []string `json:"alerts"`
	Cell     string   `json:"cell"`
	Detail   []Alert  `json:"alert_detail,omitempty"`
	Log      []Step   `json:"log,omitempty"`
	Told     []Told   `json:"told,omitempty"`
}

// Told is one notification that its receiver took.
type Told struct {
	At          string `json:"at"`
	Receiver    string `json:"receiver"`
	Integration string `json:"integration"`
	Firing      int    `json:"firing"` // alerts that it told of
	Resolved    int    `json:"resolved"`
}

// Step is one line of an incident's timeline.
type Step struct {
	At    string `json:"at"`
	Actor string `json:"actor,omitempty"`
	*Said
}

func (a *API) incident(in machine.Incident) Incident {
	out := Incident{
		ID: in.ID, State: "open", Verdict: in.Verdict, Since: rfc3339(in.Since), Opened: rfc3339(in.Opened),
		Ended: rfc3339(in.Ended), Standing: in.Standing, Gates: some(in.Gates), Holds: some(in.Holds),
		Effects: some(in.Effects), Alerts: some(in.Alerts), Cell: a.Machine.CellID(),
	}
	if in.Ended != 0 {
		out.State = "ended"
	}
	return out
}

// some makes an empty list [] rather than null.
func some(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (a *API) getIncidents(w http.ResponseWriter, _ *http.Request) {
	incidents := []Incident{}
	for _, in := range a.Machine.IncidentsView() {
		incidents = append(incidents, a.incident(in))
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"incidents": incidents})
}

func (a *API) getIncident(w http.ResponseWriter, r *http.Request) {
	a.answerIncident(w, r.PathValue("id"))
}

func (a *API) answerIncident(w http.ResponseWriter, id string) {
	in, ok := a.Machine.IncidentView(id)
	if !ok {
		problem(w, http.StatusNotFound, "", "no incident "+id)
		return
	}
	out := a.incident(in)
	var alerts []machine.Alert
	for _, id := range in.Alerts {
		if m, ok := a.Machine.AlertView(id); ok {
			alerts = append(alerts, m)
		}
	}
	out.Detail = a.alerts(alerts, math.MaxInt)
	for _, s := range in.Log {
		out.Log = append(out.Log, Step{rfc3339(s.At), s.Actor, a.said(s.Said)})
	}
	for _, t := range in.Told {
		out.Told = append(out.Told, Told{rfc3339(t.At), t.Receiver, t.Integration, t.Firing, t.Resolved})
	}
	report.WriteJSON(w, http.StatusOK, out)
}

func (a *API) postVerdict(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Verdict string `json:"verdict"`
		Reason  string `json:"reason"`
	}
	if err := readJSON(w, r, &order); err != nil {
		fail(w, err)
		return
	}
	id := r.PathValue("id")
	err := a.decide(r, entry.Decision{Do: entry.DoVerdict, Incident: id, Verdict: order.Verdict, Reason: order.Reason})
	if err != nil {
		fail(w, err)
		return
	}
	a.answerIncident(w, id)
}
