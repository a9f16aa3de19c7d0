package auth

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/auth/roster"
)

// Identify finds out who asks over TCP, for Of, and lets through to next who
// may at least look. Others get 401, 403 or 429; browsers that ask for a page
// are sent to log in.
func (d *Door) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := d.who(r)
		if err != nil {
			if wantsPage(r) {
				toLogin(w, r)
				return
			}
			if r.URL.Path == "/v1/gates" { // where every agent asks, with its id
				d.Claimed(r, r.URL.Query().Get("agent"))
			}
			refuse(w, err)
			return
		}
		d.pass(w, r, id, next)
	})
}

// OnSocket is Identify for the Unix socket: the kernel says who is there. In
// `up` the agent of this host reports here, without a token. The server's
// ConnContext has to be WithConn.
func (d *Door) OnSocket(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uid, err := peerUID(r)
		if err != nil {
			refuse(w, err)
			return
		}
		d.pass(w, r, Identity{Name: uid, May: roster.Everything(), open: true, auth: d.ring.Load().configured && !d.o.Up}, next)
	})
}

func (d *Door) pass(w http.ResponseWriter, r *http.Request, id Identity, next http.Handler) {
	if err := id.mayAsk(r); err != nil {
		report.WriteJSON(w, http.StatusForbidden, report.Problem{Error: err.Error()})
		return
	}
	next.ServeHTTP(w, id.with(r))
}

// refuse answers whoever is not known.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusUnauthorized
	if unknown, ok := errors.AsType[*unknownError](err); ok && unknown.wait > 0 {
		status = http.StatusTooManyRequests
		retryAfter(w, unknown.wait)
	} else {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tomeishi"`)
	}
	report.WriteJSON(w, status, report.Problem{Error: err.Error()})
}

// retryAfter says in whole seconds when to come again, never too early.
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}

// toLogin sends a browser to log in, and back to the page afterwards.
func toLogin(w http.ResponseWriter, r *http.Request) {
	to := "/login"
	if next := r.URL.RequestURI(); localPage(next) != "/" {
		to += "?next=" + url.QueryEscape(next)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
