package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/auth/roster"
)

func sum(token string) string {
	s := sha256.Sum256([]byte(token))
	return hex.EncodeToString(s[:])
}

func testConfig() Config {
	return Config{
		People: []Person{
			{Name: "ann", TokenSHA256: sum("ann's"), May: []string{"view", "operate"}},
			{Name: "ben", TokenSHA256: strings.ToUpper(sum("ben's")), May: []string{"view", "approve"}},
			{Name: "cat", TokenSHA256: sum("cat's"), May: nil},
		},
		Agents: []AgentKey{{ID: "web1", TokenSHA256: sum("web1's")}},
	}
}

// house is a door with everything behind it.
type house struct {
	*Door
	t   testing.TB
	mux http.Handler
}

func newHouse(t testing.TB, o Options) *house {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.LoginPage = func(w http.ResponseWriter, r *http.Request, status int, problem string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "login %q next %q", problem, r.FormValue("next"))
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.Register(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		id := Of(r)
		fmt.Fprintf(w, "%s may %s, session %t, agent %s", id.Name, id.May, id.Session, id.agent)
	})
	return &house{d, t, d.Identify(mux)}
}

// asking is a request; what is empty is left out.
type asking struct {
	method, path, from   string
	authorization, token string // header, bearer token
	cookie, accept, form string
}

func (a asking) request(t testing.TB) *http.Request {
	t.Helper()
	if a.method == "" {
		a.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(t.Context(), a.method, a.path, strings.NewReader(a.form))
	if a.from != "" {
		r.RemoteAddr = a.from
	}
	if a.token != "" {
		a.authorization = "Bearer " + a.token
	}
	for name, value := range map[string]string{"Authorization": a.authorization, "Accept": a.accept} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if a.cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+a.cookie)
	}
	if a.form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (h *house) ask(a asking) *http.Response {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, a.request(h.t))
	return w.Result()
}

func (h *house) login(token, from string) *http.Response {
	h.t.Helper()
	return h.ask(asking{method: http.MethodPost, path: "/login", form: url.Values{"token": {token}}.Encode(), from: from})
}

// session logs in and returns the cookie's value.
func (h *house) session(token string) string {
	h.t.Helper()
	resp := h.login(token, "")
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		h.t.Fatalf("login: %d, cookies %v", resp.StatusCode, resp.Cookies())
	}
	return resp.Cookies()[0].Value
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const page = "text/html,application/xhtml+xml,*/*;q=0.8"

// TestWho tells who is who, and what each may ask for.
func TestWho(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig()})
	cookie := h.session("ann's")
	const ann, ben = "ann may [view operate], session false, agent ", "ben may [view approve], session false, agent "
	for name, tt := range map[string]struct {
		asking
		code int
		want string // in the text, or Location
	}{
		"a person":                       {asking{path: "/v1/gates", token: "ann's"}, 200, ann},
		"digest in capitals":             {asking{path: "/v1/gates", token: "ben's"}, 200, ben},
		"any case of Bearer":             {asking{path: "/v1/gates", authorization: "bearer ann's"}, 200, ann},
		"a session":                      {asking{path: "/v1/gates", cookie: cookie}, 200, "session true"},
		"a session decides":              {asking{method: "POST", path: "/gates/g", cookie: cookie}, 200, "session true"},
		"the header wins":                {asking{path: "/", token: "ben's", cookie: cookie}, 200, ben},
		"a wrong header wins":            {asking{path: "/v1/gates", token: "x", cookie: cookie}, 401, "nobody's"},
		"another scheme wins":            {asking{path: "/v1/gates", authorization: "Basic YTpi", cookie: cookie}, 401, "send Authorization"},
		"nobody, API":                    {asking{path: "/v1/gates", accept: page}, 401, "send Authorization"},
		"nobody, Prometheus's":           {asking{path: "/api/v1/query", accept: page}, 401, "send Authorization"},
		"nobody, Alertmanager's":         {asking{path: "/alertmanager/api/v2/silences", accept: page}, 401, "send Authorization"},
		"nobody, metrics":                {asking{path: "/metrics", accept: page}, 401, "send Authorization"},
		"nobody, stream":                 {asking{path: "/v1/stream", accept: "text/event-stream"}, 401, "send Authorization"},
		"nobody, reload":                 {asking{method: "POST", path: "/-/reload", accept: page}, 401, "send Authorization"},
		"nobody, program asks for page":  {asking{path: "/gates", accept: "*/*"}, 401, "send Authorization"},
		"nobody, page":                   {asking{path: "/incidents/i1?a=1&b=2", accept: page}, 303, "/login?next=%2Fincidents%2Fi1%3Fa%3D1%26b%3D2"},
		"nobody, first page":             {asking{path: "/", accept: page}, 303, "/login"},
		"nobody, page by HEAD":           {asking{method: "HEAD", path: "/gates", accept: page}, 303, "/login?next=%2Fgates"},
		"nobody, form":                   {asking{method: "POST", path: "/gates/g", accept: page, form: "do=open"}, 401, "send Authorization"},
		"nobody, file":                   {asking{path: "/static/a.css"}, 200, "session false"},
		"nobody, not a file":             {asking{path: "/static"}, 401, "send Authorization"},
		"nobody, alive":                  {asking{path: "/-/healthy"}, 200, ""},
		"nobody, language":               {asking{method: "POST", path: "/language"}, 200, ""},
		"wrong token, page":              {asking{path: "/gates", token: "x", accept: page}, 303, "/login?next=%2Fgates"},
		"an agent reads gates":           {asking{path: "/v1/gates/a/b", token: "web1's"}, 200, "agent web1"},
		"an agent reports":               {asking{method: "POST", path: "/v1/blocks", token: "web1's"}, 200, "agent web1"},
		"an agent looks":                 {asking{path: "/v1/stream", token: "web1's"}, 403, "an agent's"},
		"an agent silences":              {asking{method: "POST", path: "/alertmanager/api/v2/silences", token: "web1's"}, 403, "an agent's"},
		"an agent decides":               {asking{method: "POST", path: "/v1/gates/g/open", token: "web1's"}, 403, "an agent's"},
		"an approver approves":           {asking{method: "POST", path: "/v1/gates/g/open", token: "ben's"}, 200, ben},
		"an approver silences":           {asking{method: "POST", path: "/alertmanager/api/v2/silences", token: "ben's"}, 403, `right \"operate\"`},
		"an approver ends a silence":     {asking{method: "DELETE", path: "/alertmanager/api/v2/silence/1", token: "ben's"}, 403, `right \"operate\"`},
		"an approver turns the switch":   {asking{method: "POST", path: "/v1/automatic", token: "ben's"}, 403, `right \"operate\"`},
		"an approver reports":            {asking{method: "POST", path: "/v1/events", token: "ben's"}, 403, `right \"operate\"`},
		"who may nothing looks":          {asking{path: "/v1/stream", token: "cat's"}, 403, `right \"view\"`},
		"who may nothing decides":        {asking{method: "POST", path: "/v1/gates/g/open", token: "cat's"}, 403, `right \"operate\"`},
		"a token in the address is none": {asking{path: "/v1/gates?token=ann's"}, 401, "send Authorization"},
	} {
		resp := h.ask(tt.asking)
		got := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther {
			got = text(t, resp)
		}
		if resp.StatusCode != tt.code || !strings.Contains(got, tt.want) || tt.code == 303 && got != tt.want {
			t.Errorf("%s: %d %s, want %d %s", name, resp.StatusCode, got, tt.code, tt.want)
		}
		if tt.code == 401 {
			var p struct{ Error string }
			if err := json.Unmarshal([]byte(got), &p); err != nil || resp.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %q %v", name, got, resp.Header)
			}
		}
	}
}

// TestWithoutAuth lets everybody look, and decide only where it is said so.
func TestWithoutAuth(t *testing.T) {
	for up, want := range map[bool]string{true: roster.Local, false: ""} {
		h := newHouse(t, Options{Up: up, Socket: "data/c.sock"})
		for _, a := range []asking{
			{path: "/", accept: page},
			{path: "/v1/gates", token: "anything"},
			{method: "POST", path: "/v1/gates/g/open"},
		} {
			if resp := h.ask(a); resp.StatusCode != 200 || !strings.HasPrefix(text(t, resp), want+" may ") {
				t.Errorf("up %t, %s: %d", up, a.path, resp.StatusCode)
			}
		}
		var name string
		var err error
		h.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			name, err = h.Actor(r, "operate")
			if looks, err := h.Actor(r, "view"); looks != want || err != nil {
				t.Errorf("up %t: %q looks, %v", up, looks, err)
			}
			if SpeaksFor(r, "anyone") != nil {
				t.Error("without auth an agent needs no token")
			}
		})).ServeHTTP(httptest.NewRecorder(), asking{method: "POST", path: "/v1/gates/g/open"}.request(t))
		if name != want || (err == nil) != up || err != nil && !strings.Contains(err.Error(), "--server data/c.sock") {
			t.Errorf("up %t: %q decides, %v", up, name, err)
		}
		for _, a := range []asking{{path: "/login", accept: page}, {method: "POST", path: "/login", form: "token=x&next=/gates"}, {method: "POST", path: "/logout"}} {
			if resp := h.ask(a); resp.StatusCode != 303 || resp.Header.Get("Location") != "/" {
				t.Errorf("%s %s: %d %s", a.method, a.path, resp.StatusCode, resp.Header.Get("Location"))
			}
		}
	}
}

// TestActor names who decides, and what they lack.
func TestActor(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig()})
	for _, tt := range []struct{ token, right, name, problem string }{
		{"ann's", "operate", "ann", ""},
		{"ann's", "approve", "", `right "approve"`},
		{"ben's", "approve", "ben", ""},
		{"ben's", "operate", "", `right "operate"`},
	} {
		h.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			name, err := h.Actor(r, tt.right)
			if name != tt.name || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%s, %s: %q, %v", tt.token, tt.right, name, err)
			}
			if err := SpeaksFor(r, "web1"); err == nil || !strings.Contains(err.Error(), "only the token of agent web1") {
				t.Errorf("a person speaks for an agent: %v", err)
			}
		})).ServeHTTP(httptest.NewRecorder(), asking{path: "/v1/gates", token: tt.token}.request(t))
	}
	h.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := h.Actor(r, "operate"); err == nil {
			t.Error("an agent decides")
		}
		if SpeaksFor(r, "web1") != nil || SpeaksFor(r, "web2") == nil {
			t.Errorf("speaks for web1: %v, for web2: %v", SpeaksFor(r, "web1"), SpeaksFor(r, "web2"))
		}
	})).ServeHTTP(httptest.NewRecorder(), asking{path: "/v1/gates", token: "web1's"}.request(t))
}

// TestNoPeople has agents only: nobody can log in, and no key is made.
func TestNoPeople(t *testing.T) {
	c := testConfig()
	c.People = nil
	h := newHouse(t, Options{Config: c})
	if resp := h.login("ann's", ""); len(resp.Cookies()) != 0 {
		t.Errorf("logged in: %v", resp.Cookies())
	}
	if diff := cmp.Diff(h.ring.Load().key, []byte(nil)); diff != "" {
		t.Error(diff)
	}
}
