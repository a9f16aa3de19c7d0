package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/api"
	apiv2 "github.com/prometheus/alertmanager/api/v2"
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/silence"
)

const (
	prefix      = "/alertmanager"
	maxAPIBody  = 8 << 20 // bytes of posted alerts
	maxSilBody  = 256 << 10
	apiTimeout  = 30 * time.Second
	silencesAPI = "/api/v2/silences"
	silenceAPI  = "/api/v2/silence/"
	alertsAPI   = "/api/v2/alerts"
	statusAPI   = "/api/v2/status"
)

// openAPI makes Alertmanager's own API.
func (n *Notifier) openAPI() (err error) {
	n.api, err = api.New(api.Options{
		Alerts: posted{&n.alerts}, Silences: n.silences,
		// An untyped nil: there is no gossip.
		Peer: nil, Timeout: apiTimeout, Logger: n.log, Registry: n.registry,
		RequestDuration: promauto.With(n.registry).NewHistogramVec(prometheus.HistogramOpts{
			Name: "alertmanager_http_request_duration_seconds", Help: "Latencies of HTTP requests.", Buckets: prometheus.DefBuckets,
		}, []string{"handler", "method", "code"}),
		GroupFunc: func(ctx context.Context, routes func(*dispatch.Route) bool, alerts dispatch.AlertFilter) (dispatch.AlertGroups, map[model.Fingerprint][]string, error) {
			return n.engine.Load().dispatcher.Groups(ctx, routes, alerts)
		},
	})
	if err != nil {
		return fmt.Errorf("open alertmanager's API: %w", err)
	}
	n.served = n.api.Register(route.New().WithPrefix(prefix), prefix)
	return nil
}

// Register puts Alertmanager's API on mux, under /alertmanager/.
func (n *Notifier) Register(mux *http.ServeMux) {
	// By method: without, they would be at odds with a page at "GET /".
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		mux.HandleFunc(method+" "+prefix+"/", n.serve)
	}
}

// serve answers what is known and nothing else: the engine counts each path
// that it is asked for, and would count any.
func (n *Notifier) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	right := access.MayView
	if !read {
		right = access.MayOperate
	}
	switch {
	case read && path == "/-/healthy":
		fmt.Fprintln(w, "OK")
		return
	case read && path == "/-/ready" && n.running.Load():
		fmt.Fprintln(w, "OK")
		return
	case !known(path):
		problem(w, http.StatusNotFound, "there is no %.100s here: alertmanager's API is at /alertmanager/api/v2/, the screen at /", r.URL.Path)
		return
	case !n.running.Load():
		problem(w, http.StatusServiceUnavailable, "%s", errNotRunning)
		return
	}
	actor, err := n.actor(r, right)
	if err != nil {
		problem(w, http.StatusForbidden, "%s", err)
		return
	}
	switch {
	case r.Method == http.MethodPost && path == silencesAPI:
		n.postSilence(w, r, actor)
	case r.Method == http.MethodDelete && strings.HasPrefix(path, silenceAPI):
		n.serveStored(w, r, actor)
	case path == statusAPI:
		n.serveStatus(w, r)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxAPIBody)
		n.served.ServeHTTP(w, r)
	}
}

func known(path string) bool {
	switch path {
	case alertsAPI, silencesAPI, "/api/v2/alerts/groups", "/api/v2/receivers", statusAPI, "/-/ready":
		return true
	}
	id, ok := strings.CutPrefix(path, silenceAPI)
	return ok && !strings.Contains(id, "/")
}

var errNobody = errors.New("nobody may do this here: no people are configured")

func (n *Notifier) actor(r *http.Request, right string) (string, error) {
	if n.o.Actor != nil {
		return n.o.Actor(r, right)
	}
	if right != access.MayView {
		return "", errNobody
	}
	return "", nil
}

func problem(w http.ResponseWriter, code int, format string, args ...any) {
	report.WriteJSON(w, code, report.Problem{Error: fmt.Sprintf(format, args...)})
}

// postSilence has a silence made by the one who asks for it.
func (n *Notifier) postSilence(w http.ResponseWriter, r *http.Request, actor string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSilBody))
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, "a silence of more than %d bytes, or one that did not come whole", maxSilBody)
		return
	}
	body, err = madeBy(body, actor)
	if err != nil {
		problem(w, http.StatusBadRequest, "the silence is not a JSON object: %s", err)
		return
	}
	wanted, err := asked(body)
	if err != nil {
		problem(w, http.StatusBadRequest, "no silence can be read in this: %s", err)
		return
	}
	if alert := tooLong(wanted); alert != "" {
		problem(w, http.StatusBadRequest, "this would keep back %s, which says that a payment may pass unnoticed: end it within %s h, or leave it out with tomeishi=\"\"", alert, longest)
		return
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	n.serveStored(w, r, actor)
}

// asked is the silence that the engine will read in a body, by its own reader:
// another one would let through what only the engine understands.
func asked(body []byte) (silence.Silence, error) {
	var s models.PostableSilence
	if err := json.Unmarshal(body, &s); err != nil {
		return silence.Silence{}, err
	}
	if err := s.Validate(nil); err != nil {
		return silence.Silence{}, err
	}
	e, err := apiv2.PostableSilenceToProto(&s)
	if err != nil {
		return silence.Silence{}, err
	}
	return ofEngine(e, time.Now()), nil
}

// madeBy puts the one who asks into a silence, whatever it says.
func madeBy(body []byte, actor string) ([]byte, error) {
	var s map[string]json.RawMessage
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("it is null")
	}
	var given string
	for name, value := range s {
		// Go's decoder, which reads this next, does not mind case.
		if strings.EqualFold(name, "createdBy") {
			delete(s, name)
			if err := json.Unmarshal(value, &given); err != nil {
				return nil, fmt.Errorf("createdBy: %w", err)
			}
		}
	}
	s["createdBy"], _ = json.Marshal(author(actor, given)) // a string
	return json.Marshal(s)
}

// author is who made a silence. Somebody who has no name of their own may say
// one, which is not vouched for.
func author(actor, given string) string {
	if given == "" || given == actor || actor != "local" && !strings.HasPrefix(actor, "uid:") {
		return actor
	}
	return fmt.Sprintf("%s (%.100s)", actor, given)
}

// serveStored answers when what the request changed is in the ledger.
func (n *Notifier) serveStored(w http.ResponseWriter, r *http.Request, actor string) {
	a := answer{header: http.Header{}}
	err := n.decide(r.Context(), actor, func() error {
		n.served.ServeHTTP(&a, r)
		return nil
	})
	if err != nil {
		problem(w, http.StatusServiceUnavailable, "%s", err)
		return
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(max(a.code, http.StatusOK))
	_, _ = w.Write(a.body.Bytes()) // the asker has gone
}

// users are the users of URLs, which may have a password.
var users = regexp.MustCompile(`(://)[^\s/"'<>@]*@`)

// serveStatus answers with the configuration. Alertmanager hides what it knows
// to be a secret, and shows URLs that it does not take for one as they are.
func (n *Notifier) serveStatus(w http.ResponseWriter, r *http.Request) {
	a := answer{header: http.Header{}}
	n.served.ServeHTTP(&a, r)
	a.header.Del("Content-Length")
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(max(a.code, http.StatusOK))
	_, _ = w.Write(users.ReplaceAll(a.body.Bytes(), []byte("${1}…@"))) // the asker has gone
}

// An answer is held back until it is true.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
