package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// TestAuthor: who asks is who made it, unless they have no name of their own.
func TestAuthor(t *testing.T) {
	for _, c := range []struct{ actor, given, want string }{
		{"hanako", "taro", "hanako"},
		{"hanako", "", "hanako"},
		{"local", "taro", "local (taro)"},
		{"local", "", "local"},
		{"local", "local", "local"},
		{"uid:1000", "taro", "uid:1000 (taro)"},
		{"localhost", "taro", "localhost"},
	} {
		if got := author(c.actor, c.given); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.actor, c.given, got, c.want)
		}
	}
}

func FuzzMadeBy(f *testing.F) {
	f.Add([]byte(`{"createdBy": "boss", "CREATEDBY": "boss", "createdby": "boss", "comment": "c"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		out, err := madeBy(body, "hanako")
		if err != nil {
			return
		}
		var s struct{ CreatedBy string }
		if err := json.Unmarshal(out, &s); err != nil || s.CreatedBy != "hanako" {
			t.Errorf("%s became %s: %v", body, out, err)
		}
	})
}

// serve puts the API on a server.
func (w *world) serve() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", http.NotFound) // a screen has pages
	w.n.Register(mux)
	s := httptest.NewServer(mux)
	w.t.Cleanup(s.Close)
	return s
}

func (w *world) ask(s *httptest.Server, method, path, body string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, s.URL+"/alertmanager"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func aSilence(by string) string {
	now := time.Now()
	return fmt.Sprintf(`{"matchers": [{"name": "alertname", "value": "A", "isRegex": false}], "startsAt": %q, "endsAt": %q, "createdBy": %q, "comment": "c"}`,
		now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339), by)
}

// ready waits until the API answers.
func (w *world) ready(s *httptest.Server) {
	w.t.Helper()
	over := time.Now().Add(20 * time.Second)
	for {
		if code, _ := w.ask(s, http.MethodGet, "/-/ready", ""); code == http.StatusOK {
			return
		}
		if time.Now().After(over) {
			w.t.Fatal("never ready")
		}
	}
}

// TestAPIRights: everybody who may look may look; changing needs the right, and
// nothing is answered that is not known.
func TestAPIRights(t *testing.T) {
	w := newWorld(t, "")
	var rights []string
	w.o.Actor = func(r *http.Request, right string) (string, error) {
		rights = append(rights, right)
		if right != access.MayView {
			return "", errors.New("you may only look")
		}
		return "taro", nil
	}
	w.start()
	s := w.serve()
	w.ready(s)
	rights = nil
	for _, c := range []struct {
		method, path, right string
		code                int
	}{
		{"GET", "/api/v2/silences", access.MayView, 200},
		{"GET", "/api/v2/alerts", access.MayView, 200},
		{"GET", "/api/v2/alerts/groups", access.MayView, 200},
		{"GET", "/api/v2/status", access.MayView, 200},
		{"GET", "/api/v2/receivers", access.MayView, 200},
		{"POST", "/api/v2/silences", access.MayOperate, 403},
		{"POST", "/api/v2/alerts", access.MayOperate, 403},
		{"DELETE", "/api/v2/silence/0e46c2d1-3d25-4a0f-8b66-0d60e0d2a001", access.MayOperate, 403},
		{"GET", "/api/v2/other", "", 404},
		{"GET", "/api/v2/silence/a/b", "", 404},
		{"POST", "/-/reload", "", 404},
		{"GET", "/-/healthy", "", 200},
		{"PUT", "/api/v2/alerts", "", 405},
	} {
		rights = nil
		code, text := w.ask(s, c.method, c.path, aSilence("x"))
		if code != c.code || strings.Join(rights, " ") != c.right {
			t.Errorf("%s %s: %d, asked for %v, want %d, %s", c.method, c.path, code, rights, c.code, c.right)
		}
		if code == 403 && !strings.Contains(text, `{"error":"you may only look"}`) {
			t.Errorf("%s %s: %s", c.method, c.path, text)
		}
	}
	w.n.o.Actor = nil
	if code, _ := w.ask(s, "POST", "/api/v2/silences", aSilence("x")); code != 403 {
		t.Errorf("without people: %d", code)
	}
}

// TestSilenceStored: a silence is answered when it is in the ledger, under the
// name of who asked; while that is not known, so is the answer.
func TestSilenceStored(t *testing.T) {
	w := newWorld(t, "")
	w.o.Actor = func(*http.Request, string) (string, error) { return "hanako", nil }
	w.start()
	s := w.serve()
	w.ready(s)
	code, text := w.ask(s, "POST", "/api/v2/silences", aSilence("boss"))
	if code != 200 || !strings.Contains(text, "silenceID") {
		t.Fatalf("%d %s", code, text)
	}
	w.mu.Lock()
	last := w.notes[len(w.notes)-1]
	w.mu.Unlock()
	if last.Actor != "hanako" || len(last.Kept) != 1 || last.Kept[0].Of != entry.KeptSilence || !bytes.Contains(last.Kept[0].Body, []byte("hanako")) || bytes.Contains(last.Kept[0].Body, []byte("boss")) {
		t.Errorf("stored %+v", last)
	}
	if k := last.Kept[0]; k.Expires-k.Updated < int64(time.Hour+retention-2*time.Second) || time.Since(time.Unix(0, k.Updated)) > time.Minute {
		t.Errorf("updated %v, expires %v", time.Unix(0, k.Updated), time.Unix(0, k.Expires))
	}
	w.mu.Lock()
	w.refuse = func(entry.NotifyState) error { return entry.ErrUnknown }
	w.mu.Unlock()
	code, text = w.ask(s, "POST", "/api/v2/silences", aSilence("boss"))
	if code != 503 || !strings.Contains(text, "look at the silences before you repeat this") {
		t.Errorf("%d %s", code, text)
	}
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	w.await("the second silence", func() bool { return len(w.kept()) == 2 })
	for _, body := range []string{"", "null", "[]", `{"createdBy": 1}`, `{"comment": "c"}`} {
		if code, text := w.ask(s, "POST", "/api/v2/silences", body); code < 400 || code >= 500 {
			t.Errorf("%q: %d %s", body, code, text)
		}
	}
	if code, _ := w.ask(s, "POST", "/api/v2/silences", strings.Repeat(" ", maxSilBody+1)); code != 413 {
		t.Errorf("too large: %d", code)
	}
}

// TestSilences: silences as the screen makes, changes and ends them, over a
// restart.
func TestSilences(t *testing.T) {
	w := newWorld(t, "")
	w.start()
	now := time.Now()
	s := silence.Silence{Matchers: []silence.Matcher{{Name: "alertname", Op: "=~", Value: "A|B"}}, Ends: now.Add(time.Hour), Comment: "c", By: "taro"}
	id, err := w.n.Silence(t.Context(), "local", s)
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	all, err := w.n.Silences(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != id || all[0].State != "active" || all[0].By != "local (taro)" || !slices.Equal(all[0].Matchers, s.Matchers) || !all[0].Ends.Equal(s.Ends) {
		t.Fatalf("%+v %v", all, err)
	}
	if got := w.n.SilencedBy(an("a", "B").Labels); !slices.Equal(got, []string{id}) {
		t.Errorf("B is silenced by %v", got)
	}
	if got := w.n.SilencedBy(an("a", "C").Labels); len(got) != 0 {
		t.Errorf("C is silenced by %v", got)
	}
	if err := w.n.Expire(t.Context(), "hanako", id); err != nil {
		t.Fatal(err)
	}
	w.start()
	if all, err := w.n.Silences(t.Context()); err != nil || len(all) != 1 || all[0].State != "expired" {
		t.Errorf("after its end and a restart: %+v %v", all, err)
	}
	if got := w.n.SilencedBy(an("a", "B").Labels); len(got) != 0 {
		t.Errorf("an ended silence silences: %v", got)
	}
}

// TestSilenceRefused: what is wrong with a silence has a field and a remedy.
func TestSilenceRefused(t *testing.T) {
	w := newWorld(t, "")
	w.start()
	good := silence.Silence{Matchers: []silence.Matcher{{Name: "alertname", Op: "=", Value: "A"}}, Ends: time.Now().Add(time.Hour), Comment: "c"}
	matching := func(m ...silence.Matcher) func(*silence.Silence) {
		return func(s *silence.Silence) { s.Matchers = m }
	}
	for field, change := range map[string]func(*silence.Silence){
		"matchers":          matching(),
		"matchers ":         matching(silence.Matcher{Name: "a", Op: "=~", Value: ".*"}, silence.Matcher{Name: "b", Op: "="}),
		"matchers[1].value": matching(good.Matchers[0], silence.Matcher{Name: "a", Op: "=~", Value: "("}),
		"matchers[0].op":    matching(silence.Matcher{Name: "a", Op: "~", Value: "x"}),
		"matchers[0].name":  matching(silence.Matcher{Op: "=", Value: "x"}),
		"ends":              func(s *silence.Silence) { s.Ends = time.Now().Add(-time.Minute) },
		"ends ":             func(s *silence.Silence) { s.Starts = s.Ends.Add(time.Minute) },
		"ends  ":            func(s *silence.Silence) { s.Ends = time.Time{} },
		"comment":           func(s *silence.Silence) { s.Comment = "" },
		"id":                func(s *silence.Silence) { s.ID = "0e46c2d1-3d25-4a0f-8b66-0d60e0d2a001" },
		"":                  func(s *silence.Silence) { s.Comment = strings.Repeat("x", 2*maxSilenceSize) },
	} {
		s := good
		change(&s)
		_, err := w.n.Silence(t.Context(), "hanako", s)
		refusal, ok := errors.AsType[*machine.Refusal](err)
		if !ok || refusal.Field != strings.TrimSpace(field) || refusal.Why.String() == "" {
			t.Errorf("%s: got %#v", field, err)
		}
	}
	if err := w.n.Expire(t.Context(), "hanako", "none"); err == nil {
		t.Error("ended what is not there")
	}
	if all, err := w.n.Silences(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

// TestMetrics: what the engine counts is told, again after a reload.
func TestMetrics(t *testing.T) {
	w := newWorld(t, "")
	w.start()
	w.raise(an("c", "Grave", "severity", "critical"))
	w.awaitTold(1)
	if err := w.n.load(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := w.n.WriteMetrics(&b); err != nil || !strings.Contains(b.String(), `alertmanager_notifications_total{integration="webhook"} 1`) {
		t.Errorf("%v %s", err, b.String())
	}
}

// TestPostedOverOurs: what somebody posts with the labels of an alert that
// stands does not end it, whichever comes first.
func TestPostedOverOurs(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, quick(h.URL))
	w.o.Actor = func(*http.Request, string) (string, error) { return "taro", nil }
	w.start()
	s := w.serve()
	w.ready(s)
	post := func(name string, ends time.Time) {
		t.Helper()
		body := fmt.Sprintf(`[{"labels": {"alertname": %q}, "annotations": {"tomeishi_alert": "a9", "incident": "i1"}, "startsAt": %q, "endsAt": %q}]`,
			name, time.Now().Add(-time.Hour).Format(time.RFC3339Nano), ends.Format(time.RFC3339Nano))
		if code, answer := w.ask(s, http.MethodPost, "/api/v2/alerts", body); code != http.StatusOK {
			t.Fatal(code, answer)
		}
	}
	w.raise(an("a1", "Before"))
	w.awaitTold(1)
	post("Before", time.Now())
	post("After", time.Now().Add(time.Hour))
	w.awaitTold(2)
	w.raise(an("a2", "After"), an("a3", "Last"))
	w.await("the last", func() bool {
		return slices.ContainsFunc(w.told(), func(d entry.Notification) bool { return slices.Contains(d.Alerts, "a3") })
	})
	for _, d := range w.told() {
		if d.Resolved > 0 || slices.Contains(d.Alerts, "a9") || len(d.Incidents) > 0 {
			t.Errorf("told: %+v", d)
		}
	}
	for _, name := range []string{"Before", "After"} {
		a, err := w.n.alerts.Get(model.LabelSet{"alertname": model.LabelValue(name)}.Fingerprint())
		if err != nil || !a.EndsAt.IsZero() {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
}

// TestStatusHidesUsers: the configuration is shown without the passwords in it.
func TestStatusHidesUsers(t *testing.T) {
	w := newWorld(t, "global: {opsgenie_api_url: 'https://u:S3CRET@h/'}\nroute: {receiver: r}\n"+
		"receivers: [{name: r, pagerduty_configs: [{routing_key: S3CRET, url: 'https://u:S3CRET@h/'}], webhook_configs: [{url: 'https://h/S3CRET'}]}]\n")
	w.start()
	s := w.serve()
	w.ready(s)
	code, body := w.ask(s, http.MethodGet, statusAPI, "")
	var status struct{ Config struct{ Original string } }
	if err := json.Unmarshal([]byte(body), &status); err != nil || code != http.StatusOK || !strings.Contains(status.Config.Original, "pagerduty_configs") {
		t.Fatal(code, err, body)
	}
	if strings.Contains(body, "S3CRET") {
		t.Error(body)
	}
}
