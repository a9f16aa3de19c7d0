package collector

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/intake"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/web"
	"github.com/tomeishi/tomeishi/rules/window"
)

// edge is the collector as its API and its screen ask it.
type edge struct{ c *Collector }

// routes are everything that the collector answers: twice, for those who may see
// what is private, and for all others.
func (e edge) routes() http.Handler {
	c := e.c
	in := intake.New(intake.Options{Ledger: c.core, Metrics: c.metrics, Agent: e.SpeaksFor, Clock: c.ledger.SawClock})
	seenBy := func(eyes eyes, screen *web.Web) http.Handler {
		mux := http.NewServeMux()
		a := &api.API{Options: api.Options{
			Machine: eyes.machine, Message: eyes.message, Leases: c.leader, Decider: e.decider(),
			Access: e, Lifecycle: e, Operations: e, Views: e,
		}}
		for _, room := range []interface{ Register(mux *http.ServeMux) }{in, a, c.series, c.notify, screen, c.door} {
			room.Register(mux)
		}
		mux.HandleFunc("GET /metrics", e.writeMetrics)
		return mux
	}
	whole, masked := seenBy(c.whole, e.screen(c.whole)), seenBy(c.masked, c.web)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.Reveals(r) {
			whole.ServeHTTP(w, r)
			return
		}
		masked.ServeHTTP(w, r)
	})
}

func (e edge) writeMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	e.c.metrics.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	if err := errors.Join(e.c.series.WriteMetrics(w), e.c.notify.WriteMetrics(w)); err != nil {
		e.c.log.Debug("write the engines' metrics", "error", err)
	}
}

// screen makes the pages for browsers.
func (e edge) screen(eyes eyes) *web.Web {
	return web.New(web.Options{
		Machine: eyes.machine, Message: eyes.message, Language: message.Language(e.c.o.Config.Language), Version: e.c.o.Version,
		Decider: e.decider(), Access: e, Views: e, Signals: e.c.series, Silences: e.c.notify,
	})
}

func (e edge) decider() *access.Decider {
	return &access.Decider{State: e.c.machine, Actor: e.Actor, Submit: func(ctx context.Context, d entry.Decision) (any, error) {
		out, err := e.c.submit(ctx, entry.KindDecision, d)
		if err == nil {
			d.Match = e.c.masked.machine.Match(d.Match)
			logDecision(e.c.log, d, out)
		}
		return out, err
	}}
}

// loginPage is written by the screen, which is made after the door.
func (e edge) loginPage(w http.ResponseWriter, r *http.Request, status int, problem string) {
	e.c.web.LoginPage(w, r, status, problem)
}

// Actor is who decides, for the API, the screen and the silences.
func (e edge) Actor(r *http.Request, right string) (string, error) {
	name, err := e.c.door.Actor(r, right)
	if err != nil {
		return "", &access.ForbiddenError{Err: err}
	}
	return name, nil
}

// Asker is who looks at the screen.
func (e edge) Asker(r *http.Request) web.Asker {
	id := auth.Of(r)
	return web.Asker{Name: id.Name, May: id.May, LogOut: id.Session}
}

// SpeaksFor implements api.Access.
func (e edge) SpeaksFor(r *http.Request, agent string) error {
	err := auth.SpeaksFor(r, agent)
	if err != nil {
		e.c.door.Claimed(r, agent)
	}
	return err
}

// Still implements api.Access.
func (e edge) Still(r *http.Request) error { return e.c.door.Still(r) }

// Ready implements api.Lifecycle.
func (e edge) Ready() error { return e.c.Ready() }

// Stopping implements api.Lifecycle.
func (e edge) Stopping() <-chan struct{} { return e.c.servers.stopping }

// Reload implements api.Operations.
func (e edge) Reload(ctx context.Context) (string, error) { return e.c.Reload(ctx) }

// Backup implements api.Operations.
func (e edge) Backup(ctx context.Context, w http.ResponseWriter) error { return e.c.backup(ctx, w) }

// Time implements api.Operations.
func (e edge) Time() api.Time {
	return api.TimeOf(time.Now(), e.c.ledger.TimeBehind(), e.c.ledger.TimeDoubted())
}

// AcceptTime implements api.Operations.
func (e edge) AcceptTime() error { return e.c.ledger.AcceptTime() }

// Evidence implements api.Views and web.Views.
func (e edge) Evidence(refs []window.Ref) []string { return e.c.evidence(refs) }

// Groups implements api.Views and web.Views.
func (e edge) Groups() []promrule.Group { return e.c.rules.Groups() }

// Status implements api.Views.
func (e edge) Status() api.Status { return e.c.status() }

// Trouble is what is wrong with the collector and no alert says.
func (e edge) Trouble() []string {
	if err := e.c.reloader.get().err; err != nil { // the alert comes within seconds
		first, _, _ := strings.Cut(err.Error(), "\n")
		return []string{first}
	}
	if err := e.c.Ready(); err != nil {
		return []string{err.Error()}
	}
	return nil
}
