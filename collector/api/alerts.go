package api

import (
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules/window"
)

// promAnswer is the envelope of Prometheus's API.
type promAnswer struct {
	Status string `json:"status"`
	Data   any    `json:"data"`
}

// Alert is an alert in the shape of Prometheus's API, with what only event
// alerts have beside it.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"`
	ActiveAt    string            `json:"activeAt"`
	Value       string            `json:"value"`
	ID          string            `json:"id"`
	Since       string            `json:"since"` // the first evidence
	Ended       string            `json:"ended,omitempty"`
	Cause       string            `json:"cause,omitempty"`
	Incident    string            `json:"incident,omitempty"`
	Effects     []string          `json:"effects,omitempty"`
	Evidence    []string          `json:"evidence"` // the newest, oldest first
	Total       int               `json:"evidence_total"`
	More        uint64            `json:"over_limit,omitempty"`
}

// maxListed is how much of its evidence, the newest, an alert carries in a
// list; its incident carries all that is kept.
const maxListed = 10

// alerts shapes alerts with the newest of their evidence, at most so many each.
// The places of all are looked up at once.
func (a *API) alerts(alerts []machine.Alert, most int) []Alert {
	var refs []window.Ref
	for i := range alerts {
		m := &alerts[i]
		m.Evidence = m.Evidence[max(0, len(m.Evidence)-most):]
		refs = append(refs, m.Evidence...)
	}
	names := a.Evidence(refs)
	out := make([]Alert, 0, len(alerts))
	for _, m := range alerts {
		n := len(m.Evidence)
		out = append(out, a.alert(m, names[:n:n]))
		names = names[n:]
	}
	return out
}

func (a *API) alert(m machine.Alert, evidence []string) Alert {
	out := Alert{
		Labels: labels(m), Annotations: a.annotations(m, evidence), State: "firing",
		ActiveAt: rfc3339(m.Raised), Value: m.Value, ID: m.ID, Since: rfc3339(m.Since),
		Incident: m.Incident, Effects: m.Effects, Evidence: evidence, Total: m.Total, More: m.More,
	}
	if m.Ended != 0 {
		out.State, out.Ended, out.Cause = "ended", rfc3339(m.Ended), m.Cause
	}
	return out
}

func (a *API) getAlerts(w http.ResponseWriter, _ *http.Request) {
	alerts := a.alerts(a.Machine.AlertsView(), maxListed)
	report.WriteJSON(w, http.StatusOK, promAnswer{"success", map[string]any{"alerts": alerts}})
}

// Rule is a rule in the shape of Prometheus's API; what counts instead of an
// expression stands in query.
type Rule struct {
	Name        string            `json:"name"`
	Query       string            `json:"query"`
	Duration    float64           `json:"duration"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Alerts      []Alert           `json:"alerts"`
	State       string            `json:"state"`
	Health      string            `json:"health"`
	LastError   string            `json:"lastError,omitempty"`
	Type        string            `json:"type"`
	Counting    string            `json:"countingSince"`
	LastFired   string            `json:"lastFired,omitempty"`
	Keys        int               `json:"keys"`
	Matched     uint64            `json:"matched"`
	Missing     uint64            `json:"missing"`
	Late        uint64            `json:"late"`
	Errors      uint64            `json:"errors"`
}

type ruleGroup struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Interval float64 `json:"interval"`
	Rules    []Rule  `json:"rules"`
}

func (a *API) getRules(w http.ResponseWriter, _ *http.Request) {
	standing := map[string][]Alert{}
	alerts := a.Machine.AlertsView()
	for i, shaped := range a.alerts(alerts, maxListed) {
		key := alerts[i].Group + "/" + alerts[i].Rule
		standing[key] = append(standing[key], shaped)
	}
	groups := []ruleGroup{}
	views, _, _ := a.Machine.RulesView()
	for _, v := range views {
		if n := len(groups); n == 0 || groups[n-1].Name != v.Group || groups[n-1].File != v.File {
			groups = append(groups, ruleGroup{Name: v.Group, File: v.File})
		}
		g := &groups[len(groups)-1]
		g.Rules = append(g.Rules, ruleShape(v, standing[v.Group+"/"+v.Name]))
	}
	report.WriteJSON(w, http.StatusOK, promAnswer{"success", map[string]any{"groups": groups}})
}

func ruleShape(v machine.RuleView, alerts []Alert) Rule {
	r := Rule{
		Name: v.Name, Query: v.Explain(), Labels: map[string]string{}, Annotations: map[string]string{},
		Alerts: alerts, State: "inactive", Health: "ok", LastError: v.LastError, Type: "alerting",
		Counting: rfc3339(v.Began.UnixNano()), LastFired: rfc3339(v.LastFired), Keys: v.Keys,
		Matched: v.Matched, Missing: v.Missing, Late: v.Late, Errors: v.RuleStats.Errors,
	}
	for _, l := range v.Labels {
		r.Labels[l.Name] = l.Value
	}
	for _, l := range v.Annotations {
		r.Annotations[l.Name] = l.Value
	}
	if len(alerts) > 0 {
		r.State = "firing"
	}
	if r.Errors > 0 {
		r.Health = "err"
	}
	return r
}
