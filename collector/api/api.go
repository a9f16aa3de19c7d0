// Package api is the way out, and the way in for people: gates, alerts,
// incidents and effects as JSON over HTTP, and the decisions that people take.
//
// It promises that a GET changes nothing, that a decision is answered with
// success only when it is durable, and that what is not known is said to be
// not known. It holds no state, only answers that it made a moment ago.
package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Leases hears from agents that ask for their gates.
type Leases interface {
	// Asked says that the agent has everything up to the epoch.
	Asked(agent string, epoch uint64)
	// Told says that the agent is being answered with these gates now.
	Told(agent string, gates []machine.GateView)
}

// Messages say what alerts say.
type Messages interface {
	// Annotations are an alert's, filled in; the map is the caller's.
	Annotations(a machine.Alert, evidence []string) map[string]string
	// Summary is what an alert says in one line.
	Summary(a machine.Alert) string
	// Record says a note of the record.
	Record(n record.Note) string
}

// A Decider takes decisions.
type Decider interface {
	// Decide puts a decision into the ledger under the asker's name. The outcome
	// is machine.Pending if it takes more people.
	Decide(r *http.Request, d entry.Decision) (any, error)
}

// Access says who may ask.
type Access interface {
	// Actor is who asks for what needs the right, or why they may not.
	Actor(r *http.Request, right string) (string, error)
	// SpeaksFor is why the request may not speak for the agent; nil if it may.
	SpeaksFor(r *http.Request, agent string) error
	// Still is why a request that is being answered would not be let in any
	// more; nil if it would.
	Still(r *http.Request) error
}

// Lifecycle is how the collector stands.
type Lifecycle interface {
	// Ready is why the collector is not ready; nil when it is.
	Ready() error
	// Stopping is closed when the collector begins to stop: watches end.
	Stopping() <-chan struct{}
}

// Operations are what operators do with the collector.
type Operations interface {
	// Reload reads again what can change while the collector runs, and says
	// what came of it.
	Reload(ctx context.Context) (string, error)
	// Backup writes a backup.
	Backup(ctx context.Context, w http.ResponseWriter) error
	// Time is how ledger time stands to the host's clock.
	Time() Time
	// AcceptTime steps ledger time to the host's clock. The error says why there
	// is nothing to accept.
	AcceptTime() error
}

// Views are what the machine does not know by itself.
type Views interface {
	// Evidence names events by their places in the ledger, as cell/source/id,
	// in the order of refs; one that cannot be read any more, by its place.
	Evidence(refs []window.Ref) []string
	// Groups are the groups of the rules of PromQL as they were evaluated last,
	// by file and name.
	Groups() []promrule.Group
	// Status is what only the whole collector knows.
	Status() Status
}

// Options are what the API needs.
type Options struct {
	Machine    machine.Shown
	Message    Messages
	Leases     Leases
	Decider    Decider
	Access     Access
	Lifecycle  Lifecycle
	Operations Operations
	Views      Views
}

// An API answers HTTP.
type API struct {
	Options
	hashing   sync.Mutex // held while the state is hashed: one reader of all of it at a time
	gateLists listCache
	streams   atomic.Int64 // that are open
}

// Register puts the API's paths on mux.
func (a *API) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/gates", a.getGates)
	mux.HandleFunc("GET /v1/gates/{path...}", a.getGate)
	mux.HandleFunc("POST /v1/gates/{path...}", a.postGate)
	mux.HandleFunc("GET /v1/effects", a.getEffects)
	mux.HandleFunc("POST /v1/effects/{id}/approve", a.postEffect(entry.DoApprove))
	mux.HandleFunc("POST /v1/effects/{id}/decline", a.postEffect(entry.DoDecline))
	mux.HandleFunc("POST /v1/effects/{id}/undo", a.postEffect(entry.DoUndo))
	mux.HandleFunc("GET /v1/automatic", a.getAutomatic)
	mux.HandleFunc("POST /v1/automatic", a.postAutomatic)
	mux.HandleFunc("GET /v1/incidents", a.getIncidents)
	mux.HandleFunc("GET /v1/incidents/{id}", a.getIncident)
	mux.HandleFunc("POST /v1/incidents/{id}/verdict", a.postVerdict)
	mux.HandleFunc("GET /v1/agents", a.getAgents)
	mux.HandleFunc("POST /v1/agents/{path...}", a.postAgent)
	mux.HandleFunc("GET /v1/time", a.getTime)
	mux.HandleFunc("POST /v1/time/accept", a.postTimeAccept)
	mux.HandleFunc("GET /v1/stream", a.getStream)
	mux.HandleFunc("GET /v1/events/types", a.getTypes)
	mux.HandleFunc("GET /v1/status", a.getStatus)
	mux.HandleFunc("GET /v1/backup", a.getBackup)
	mux.HandleFunc("GET /api/v1/alerts", a.getAlerts)
	mux.HandleFunc("GET /api/v1/rules", a.getRules)
	mux.HandleFunc("POST /-/reload", a.postReload)
	mux.HandleFunc("PUT /-/reload", a.postReload)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /-/ready", a.getReady)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) { nothingHere(mux, w, r) })
}

// nothingHere answers what no path or method is for.
func nothingHere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/v1/" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		problem(w, http.StatusMethodNotAllowed, "", r.URL.Path+" takes "+strings.Join(allow, " or "))
		return
	}
	problem(w, http.StatusNotFound, "", "nothing answers at "+r.URL.Path+": a wrong path, or not in this version")
}

func text(w http.ResponseWriter, code int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	if _, err := w.Write([]byte(s + "\n")); err != nil {
		return // the client has gone
	}
}

func problem(w http.ResponseWriter, code int, field, msg string) {
	report.WriteJSON(w, code, report.Problem{Error: msg, Field: field})
}

// remedies are what an asker does about a decision that was not stored.
var remedies = map[error]string{
	entry.ErrUnknown:   ": check whether it took effect before you decide again",
	entry.ErrNotStored: ": try again",
}

// fail answers an error with the status it stands for.
func fail(w http.ResponseWriter, err error) {
	fate, lost := entry.FateOf(err)
	var refusal *errRefused
	switch {
	case errors.As(err, &refusal):
		code := map[machine.RefusalReason]int{
			machine.Invalid: http.StatusBadRequest, machine.NotFound: http.StatusNotFound, machine.Conflict: http.StatusConflict,
		}[refusal.Reason]
		problem(w, code, refusal.Field, refusal.text)
	case errors.As(err, new(*access.ForbiddenError)):
		problem(w, http.StatusForbidden, "", err.Error())
	case lost:
		fate.Retry(w)
		problem(w, fate.Status, "", err.Error()+remedies[fate.Err])
	default:
		report.WriteError(w, err)
	}
}

func (a *API) getReady(w http.ResponseWriter, _ *http.Request) {
	if err := a.Lifecycle.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	text(w, http.StatusOK, "ready")
}

// errRules is a problem of the rule files: nothing has changed.
type errRules struct{ error }

func (e errRules) Unwrap() error { return e.error }

// BadRules says that the rule files have problems, and that the rules which
// were running go on.
func BadRules(err error) error { return errRules{err} }

// IsBadRules tells whether an error is such a problem.
func IsBadRules(err error) bool { return errors.As(err, new(errRules)) }

func (a *API) postReload(w http.ResponseWriter, r *http.Request) {
	if _, err := a.Access.Actor(r, access.MayOperate); err != nil {
		fail(w, err)
		return
	}
	said, err := a.Operations.Reload(r.Context())
	switch {
	case err == nil:
		text(w, http.StatusOK, said)
	case IsBadRules(err):
		text(w, http.StatusUnprocessableEntity, "nothing was reloaded; what was there before goes on:\n"+err.Error())
	default:
		fail(w, err)
	}
}

func rfc3339(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}
