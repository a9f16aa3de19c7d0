// Package web is the screen: what the machine knows, as pages that a browser
// shows, and the forms by which people decide.
//
// It promises that a GET changes nothing, that every page is whole without
// JavaScript, that text from outside is shown as text, and that what is not
// known is said to be not known. It keeps nothing but pictures of signals, for
// seconds: each page is made from the machine as it stands.
package web

import (
	"context"
	"net/http"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/silence"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Silences are what keeps notifications back.
type Silences interface {
	Silences(ctx context.Context) ([]silence.Silence, error)
	Silence(ctx context.Context, actor string, s silence.Silence) (string, error)
	Expire(ctx context.Context, actor, id string) error
	SilencedBy(labels []machine.Label) []string
}

// An Asker is who looks at the screen.
type Asker struct {
	Name string   // empty: nobody who may decide
	May  []string // rights, of package access
	// LogOut says that there is something to log out of.
	LogOut bool
}

// A Decider takes decisions.
type Decider interface {
	// Decide puts a decision into the ledger under the asker's name. The outcome
	// is machine.Pending if it takes more people.
	Decide(r *http.Request, d entry.Decision) (any, error)
}

// Access says who looks and who may act.
type Access interface {
	// Asker is who asks. Whoever may not look does not get here.
	Asker(r *http.Request) Asker
	// Actor is who asks for what needs the right, or why they may not.
	Actor(r *http.Request, right string) (string, error)
}

// Signals are the collector's series.
type Signals interface {
	// Range asks PromQL for a range and calls each with the labels, times (Unix
	// milliseconds) and values of each series.
	Range(ctx context.Context, query string, from, to time.Time, step time.Duration, each func(labels map[string]string, at []int64, values []float64)) error
}

// Views are what the machine does not know by itself.
type Views interface {
	// Evidence names events by their places in the ledger, as cell/source/id,
	// in the order of refs; one that cannot be read any more, by its place.
	Evidence(refs []window.Ref) []string
	// Groups are the groups of the rules of PromQL as they were evaluated last.
	Groups() []promrule.Group
	// Trouble is what is wrong with Tomeishi itself, beside its alerts; empty if
	// nothing is.
	Trouble() []string
}

// Options are what the screen needs.
type Options struct {
	Machine  machine.Shown
	Message  *message.Writer
	Language message.Language // of those who have not chosen one
	Version  string
	Decider  Decider
	Access   Access
	Views    Views
	Signals  Signals  // nil: no pictures
	Silences Silences // nil: nobody is told, and there is nothing to silence
}

// A Web answers browsers.
type Web struct {
	o      Options
	speech map[message.Language]*speech
	assets map[string]asset // by the path that names their content
	names  map[string]string

	fleet    cache[*fleet]       // the signals of all hosts
	pictures cache[[]hostSignal] // of one host each
}

// New makes the screen.
func New(o Options) *Web {
	w := &Web{o: o}
	w.readAssets()
	w.readPages()
	return w
}

// Register puts the screen's paths on mux. Only a POST changes anything.
func (w *Web) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /static/{name}", w.static)
	page := func(pattern string, answer http.HandlerFunc) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { answer(rw, w.dated(r)) })
	}
	page("GET /{$}", w.overview)
	page("GET /gates", w.gates)
	page("GET /gates/{path...}", w.gate)
	page("POST /gates/{path...}", w.postGate)
	page("POST /effects/{id}", w.postEffect)
	page("POST /automatic", w.postAutomatic)
	page("GET /incidents", w.incidents)
	page("GET /incidents/{id}", w.incident)
	page("POST /incidents/{id}", w.postIncident)

	page("GET /alerts", w.alerts)
	page("GET /alerts/{id}", w.alert)
	page("GET /hosts", w.hosts)
	page("GET /hosts/{id...}", w.host)
	page("GET /rules", w.rules)
	page("GET /silences", w.silences)
	page("POST /silences", w.postSilence)
	page("POST /silences/{id}", w.expireSilence)
	page("GET /told", w.told)

	page("POST /language", w.postLanguage)
}
