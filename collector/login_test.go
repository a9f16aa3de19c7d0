package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/auth"
)

func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// browser keeps a cookie, and follows nothing by itself.
type browser struct {
	*running
	cookie *http.Cookie
}

// send asks as a browser does, with the headers given as name and value.
func (b *browser) send(method, path, form string, header ...string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.URL()+path, strings.NewReader(form))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	if b.cookie != nil {
		req.AddCookie(b.cookie)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "tomeishi_session" {
			b.cookie = c
		}
	}
	return resp
}

// TestLoginWalk goes from a link in a notification through the login to the
// page, and decides there under the person's name; no other site can.
func TestLoginWalk(t *testing.T) {
	c := testConfig(t)
	c.Auth.People = []auth.Person{
		{Name: "ann", TokenSHA256: tokenDigest("ann's"), May: []string{"view", "operate"}},
		{Name: "ben", TokenSHA256: tokenDigest("ben's"), May: []string{"view"}},
	}
	o := Options{Config: c, Log: slog.New(slog.DiscardHandler)}
	r := startOptions(t, o)
	b := &browser{running: r}
	want := func(resp *http.Response, code int, location string) {
		t.Helper()
		if resp.StatusCode != code || resp.Header.Get("Location") != location {
			t.Errorf("%s %s: %d to %q, want %d to %q", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, resp.Header.Get("Location"), code, location)
		}
	}
	const page = "/gates/demo/withdrawals"
	want(b.send("GET", page, ""), 303, "/login?next="+url.QueryEscape(page))
	want(b.send("GET", "/login?next="+url.QueryEscape(page), ""), 200, "")
	want(b.send("POST", "/login", url.Values{"token": {"wrong"}, "next": {page}}.Encode()), 401, "")
	want(b.send("POST", "/login", url.Values{"token": {"ann's"}, "next": {page}}.Encode()), 303, page)
	want(b.send("GET", page, ""), 200, "")

	// What another site can make the browser send reaches nothing.
	closing := func(header ...string) *http.Response {
		return b.send("POST", "/v1"+page+"/close", `{"reason": "r"}`, append(header, "Content-Type", "application/json")...)
	}
	before := r.machine.GateEpoch()
	want(closing("Origin", "https://evil.example"), 403, "")
	want(closing("Origin", "null"), 403, "")
	want(closing("Sec-Fetch-Site", "cross-site"), 403, "")
	want(closing("Sec-Fetch-Site", "same-site"), 403, "")
	want(closing("Host", "evil.example"), 403, "")
	want(b.send("POST", "/logout", "x=y", "Origin", "https://evil.example"), 403, "")
	want(b.send("POST", "/login", "token=ben%27s", "Sec-Fetch-Site", "cross-site"), 403, "")
	if now := r.machine.GateEpoch(); now != before {
		t.Errorf("another site has changed a gate: epoch %d, then %d", before, now)
	}
	want(closing("Origin", r.URL(), "Sec-Fetch-Site", "same-origin"), 200, "")
	if g, _ := r.machine.GateView("demo/withdrawals"); len(g.Holds) != 1 || g.Holds[0].By != "ann" {
		t.Errorf("holds %+v, want one by ann", g.Holds)
	}

	// The session holds over a restart, and ends when the person goes.
	r.stop()
	r = startOptions(t, o)
	b.running = r
	want(b.send("GET", page, ""), 200, "")
	r.stop()
	o.Config.Auth.People = o.Config.Auth.People[1:]
	r = startOptions(t, o)
	b.running = r
	want(b.send("GET", page, ""), 303, "/login?next="+url.QueryEscape(page))
	want(b.send("POST", "/login", "token=ben%27s"), 303, "/")
	want(closing(), 403, "")
	want(b.send("POST", "/logout", "x=y"), 303, "/login")
	b.cookie = nil // a browser drops it
	want(b.send("GET", "/", ""), 303, "/login")
}

// TestKeyIsNotInBackups keeps the key of the cookies out of what leaves the
// host.
func TestKeyIsNotInBackups(t *testing.T) {
	c := testConfig(t)
	c.Auth.People = []auth.Person{{Name: "ann", TokenSHA256: tokenDigest("ann's"), May: []string{"view", "operate"}}}
	r := startOptions(t, Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	key, err := os.ReadFile(filepath.Join(c.Data, "session.key"))
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	_, backup := r.onSocket(http.MethodGet, "/v1/backup", "")
	if len(backup) < 1024 || strings.Contains(backup, string(key)) || strings.Contains(backup, "session.key") {
		t.Errorf("the backup of %d bytes holds the key", len(backup))
	}
}

var registered = regexp.MustCompile(`(?:\bmux\.Handle(?:Func)?\("|"(?:GET|POST|PUT|DELETE) )(/[^" ]*)"`)

// patterns are the paths that the rooms register, as their sources say.
func patterns(t *testing.T) (found []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range registered.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// pathsOf are paths that a pattern answers: of things that are there, and of
// decisions about them.
func pathsOf(t *testing.T, pattern, incident, alert string) []string {
	t.Helper()
	base, wild, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	for prefix, values := range map[string][]string{
		"/v1/gates/":     {"demo/withdrawals", "demo/withdrawals/check", "demo/withdrawals/open", "demo/withdrawals/close"},
		"/gates/":        {"demo/withdrawals", "demo/withdrawals/open"},
		"/v1/incidents/": {incident}, "/incidents/": {incident}, "/alerts/": {alert},
		"/v1/effects/": {"e1"}, "/effects/": {"e1"}, "/v1/agents/": {"a/forget"}, "/hosts/": {"a"},
		"/silences/": {"x"}, "/static/": {"app.css"}, "/": {""},
	} {
		if prefix != base {
			continue
		}
		var out []string
		_, rest, _ := strings.Cut(wild, "}")
		for _, v := range values {
			out = append(out, base+v+rest)
		}
		return out
	}
	t.Errorf("the test does not know what %s is about: teach it", pattern)
	return nil
}

// TestFetchingChangesNothing fetches everything there is, as the previews of a
// chat do, as somebody who may do everything. Nothing else runs meanwhile, so
// that not one entry may come.
func TestFetchingChangesNothing(t *testing.T) {
	col, err := New(t.Context(), Options{Config: testConfig(t), Log: slog.New(slog.DiscardHandler), Up: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := col.closers.Close(); err != nil {
			t.Error(err)
		}
	}()
	close(col.servers.stopping) // streams and watches answer once
	do := func(method, path, contentType, body string) int {
		t.Helper()
		q := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
		q.Header.Set("Accept", "text/html,*/*")
		if contentType != "" {
			q.Header.Set("Content-Type", contentType)
		}
		w := httptest.NewRecorder()
		col.servers.tcp.Handler.ServeHTTP(w, q)
		return w.Code
	}
	for i := range 2 {
		if code := do("POST", "/v1/events", "application/cloudevents+json", payment(fmt.Sprint("p", i), "w")); code != http.StatusAccepted {
			t.Fatalf("an event: %d", code)
		}
	}
	alerts := col.machine.AlertsView()
	gate, _ := col.machine.GateView("demo/withdrawals")
	if !gate.Closed || len(alerts) == 0 {
		t.Fatalf("nothing is closed, %d alerts", len(alerts))
	}
	paths := []string{
		"/alertmanager/api/v2/silences", "/alertmanager/api/v2/silence/x", "/alertmanager/api/v2/alerts", "/alertmanager/api/v2/alerts/groups",
		"/alertmanager/api/v2/status", "/alertmanager/api/v2/receivers", "/api/v1/query?query=up", "/api/v1/query_range?query=up&start=0&end=1&step=1",
		"/api/v1/labels", "/api/v1/label/job/values", "/api/v1/series?match[]=up", "/v1/status?hash", "/v1/gates?agent=a&watch=0",
	}
	for _, p := range patterns(t) {
		paths = append(paths, pathsOf(t, p, gate.Holds[0].Incident, alerts[0].ID)...)
	}
	if len(paths) < 55 {
		t.Fatalf("only %d paths: %q", len(paths), paths)
	}
	index, chain, _ := col.machine.At()
	hash := col.machine.Hash()
	good := 0
	for _, path := range paths {
		glue := "?"
		if strings.Contains(path, "?") {
			glue = "&"
		}
		for _, q := range []string{path, path + glue + "do=open&reason=r&verdict=false&epoch=99&on=false&comment=c&name=alertname&value=x&for=2h&token=x"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				code := do(method, q, "", "")
				if code < 400 {
					good++
				}
				if now, _, _ := col.machine.At(); code >= 500 && code != http.StatusServiceUnavailable || now != index {
					t.Fatalf("%s %s: %d, entry %d, want none after %d", method, q, code, now, index)
				}
			}
		}
	}
	if good < 100 {
		t.Errorf("only %d of %d requests were answered: the walk saw little", good, 4*len(paths))
	}
	if now, after, _ := col.machine.At(); col.machine.Hash() != hash || after != chain {
		t.Errorf("entry %d, then %d; the state has changed", index, now)
	}
	t.Logf("%d paths, %d requests answered", len(paths), good)
}
