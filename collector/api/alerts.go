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

// promProblem is the envelope of its errors.
type promProblem struct {
	Status string `json:"status"`
	Type   string `json:"errorType"`
	Error  string `json:"error"`
}

func badData(w http.ResponseWriter, err error) {
	report.WriteJSON(w, http.StatusBadRequest, promProblem{"error", "bad_data", err.Error()})
}

// Alert is an alert in the shape of Prometheus's API, with what only the
// machine knows beside it. One that the machine does not hold, because it is
// pending or about to be stored, has no id.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"` // firing, pending; ended in an incident
	ActiveAt    string            `json:"activeAt"`
	Value       string            `json:"value"`
	ID          string            `json:"id,omitempty"`
	Since       string            `json:"since,omitempty"` // the first evidence
	Ended       string            `json:"ended,omitempty"`
	Cause       string            `json:"cause,omitempty"`
	// Unheard means that it stands only because nobody is heard who could say
	// that it is over.
	Unheard bool `json:"unheard,omitempty"`
	// Backfilled means that it was found true of what came before its rule counted,
	// and does nothing until a further event.
	Backfilled bool     `json:"backfilled,omitempty"`
	Incident   string   `json:"incident,omitempty"`
	Effects    []string `json:"effects,omitempty"`
	Evidence   []string `json:"evidence"` // the newest, oldest first
	Total      int      `json:"evidence_total"`
	More       uint64   `json:"over_limit,omitempty"`
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
	names := []string{}
	if len(refs) > 0 {
		names = a.Views.Evidence(refs)
	}
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
		Labels: pairs(m.Labels), Annotations: a.Message.Annotations(m, evidence), State: "firing",
		ActiveAt: rfc3339(m.Raised), Value: m.Value, ID: m.ID, Since: rfc3339(m.Since), Unheard: m.Unheard != 0, Backfilled: m.Backfilled,
		Incident: m.Incident, Effects: m.Effects, Evidence: evidence, Total: m.Total, More: m.More,
	}
	if m.Metric {
		out.ActiveAt = out.Since // since when its expression is true
	}
	if m.Ended != 0 {
		out.State, out.Ended, out.Cause = "ended", rfc3339(m.Ended), a.Message.Record(m.Cause)
	}
	return out
}

func (a *API) getAlerts(w http.ResponseWriter, _ *http.Request) {
	report.WriteJSON(w, http.StatusOK, promAnswer{"success", map[string]any{"alerts": a.alertList().alerts}})
}
