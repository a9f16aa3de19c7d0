package auth

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/httpguard"
)

// Problems that the login page says, known to the catalog by these texts.
const (
	ProblemNoToken = "Paste your token"
	ProblemWrong   = "This token is not known"
	ProblemAgent   = "This token is an agent's: only people sign in"
	ProblemTooMany = "Too many wrong tokens were tried from your network: wait a minute"
	ProblemForm    = "The form could not be read: load the page again"
)

const (
	maxForm = 16 << 10 // bytes
	maxNext = 2 << 10  // bytes
)

// Register puts the way in and out on mux.
func (d *Door) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", d.getLogin)
	mux.HandleFunc("POST /login", d.postLogin)
	mux.HandleFunc("POST /logout", d.postLogout)
}

func (d *Door) getLogin(w http.ResponseWriter, r *http.Request) {
	if len(d.ring.Load().people) == 0 {
		home(w, r, "/")
		return
	}
	d.page(w, r, http.StatusOK, "")
}

func (d *Door) page(w http.ResponseWriter, r *http.Request, status int, problem string) {
	w.Header().Set("Cache-Control", "no-store")
	d.o.LoginPage(w, r, status, problem)
}

// postLogin gives whoever shows a person's token a cookie.
func (d *Door) postLogin(w http.ResponseWriter, r *http.Request) {
	if len(d.ring.Load().people) == 0 {
		home(w, r, "/")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		d.page(w, r, http.StatusBadRequest, ProblemForm)
		return
	}
	token := strings.TrimSpace(r.PostForm.Get("token"))
	if token == "" {
		d.page(w, r, http.StatusBadRequest, ProblemNoToken)
		return
	}
	var p *person
	var a *agent
	ok, wait := d.logins.try(sender(r), func() bool {
		p, a = d.byToken(token)
		return p != nil || a != nil
	})
	switch {
	case wait > 0:
		retryAfter(w, wait)
		d.page(w, r, http.StatusTooManyRequests, ProblemTooMany)
	case !ok:
		d.page(w, r, http.StatusUnauthorized, ProblemWrong)
	case p == nil:
		d.page(w, r, http.StatusForbidden, ProblemAgent)
	default:
		until := time.Now().Add(sessionLife)
		d.setCookie(w, r, d.cookie(p, until), until)
		home(w, r, localPage(r.PostForm.Get("next")))
	}
}

// postLogout takes the cookie back.
func (d *Door) postLogout(w http.ResponseWriter, r *http.Request) {
	d.setCookie(w, r, "", time.Time{})
	to := "/login"
	if len(d.ring.Load().people) == 0 {
		to = "/"
	}
	home(w, r, to)
}

// home sends the browser on to a page of ours.
func home(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// localPage is next if it is the path of a page of ours, else the first page.
func localPage(next string) string {
	u, err := url.ParseRequestURI(next)
	switch {
	case err != nil, u.Host != "", len(next) > maxNext, !httpguard.LocalPath(next),
		isOpen(u.Path), isAPI(u.Path):
		return "/"
	}
	return next
}
