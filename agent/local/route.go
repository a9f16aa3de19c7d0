package local

import (
	"net/http"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
)

var (
	get  = []string{http.MethodGet, http.MethodHead}
	post = []string{http.MethodPost}
)

// route finds the handler. It is no ServeMux, because every refusal under /v1
// is JSON and a gate's name may look like a path.
func (a *API) route(w http.ResponseWriter, r *http.Request) {
	methods, h := a.find(r.URL.Path)
	switch {
	case h == nil:
		problem(w, http.StatusNotFound, "no such path: "+r.URL.Path)
	case !slices.Contains(methods, r.Method):
		w.Header().Set("Allow", strings.Join(methods, ", "))
		problem(w, http.StatusMethodNotAllowed, r.Method+" is not allowed here, "+strings.Join(methods, " and ")+" is")
	default:
		h(w, r)
	}
}

func (a *API) find(path string) (methods []string, h http.HandlerFunc) {
	switch path {
	case "/v1/events":
		return post, a.events
	case "/v1/gates":
		return get, a.listGates
	case "/v1/adopt":
		return post, a.adopt
	case "/v1/claims":
		return post, notYet
	case "/metrics":
		return get, a.metrics
	case "/-/healthy":
		return get, healthy
	case "/-/ready":
		return get, a.ready
	}
	if name, ok := strings.CutPrefix(path, "/v1/gates/"); ok {
		if name, ok := strings.CutSuffix(name, "/check"); ok {
			return get, func(w http.ResponseWriter, r *http.Request) { a.check(w, r, name) }
		}
		return get, func(w http.ResponseWriter, r *http.Request) { a.gate(w, r, name) }
	}
	if strings.HasPrefix(path, "/v1/claims/") {
		return post, notYet
	}
	return nil, nil
}

func problem(w http.ResponseWriter, code int, text string) {
	report.WriteJSON(w, code, report.Problem{Error: text})
}

func notYet(w http.ResponseWriter, _ *http.Request) {
	problem(w, http.StatusNotImplemented, "claims are not in this version: do not pay on this answer")
}

func healthy(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "healthy") }

func (a *API) ready(w http.ResponseWriter, _ *http.Request) {
	if why := a.o.Ready(); why != "" {
		text(w, http.StatusServiceUnavailable, "not ready: "+why)
		return
	}
	text(w, http.StatusOK, "ready")
}

func text(w http.ResponseWriter, code int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(s + "\n")) // a failed write means that the client has gone
}

func (a *API) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if a.o.Signals != nil {
		if err := a.o.Signals(w); err != nil {
			return // the client has gone
		}
	}
	a.o.Metrics.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
