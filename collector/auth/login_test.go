package auth

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLogin gives a person a cookie, and sends the browser where it wanted to
// go.
func TestLogin(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig()})
	for name, tt := range map[string]struct {
		form url.Values
		code int
		want string // Location, or in the page
	}{
		"plain":                     {url.Values{"token": {"ann's"}}, 303, "/"},
		"pasted with a line's end":  {url.Values{"token": {" ann's\r\n"}}, 303, "/"},
		"to a page":                 {url.Values{"token": {"ann's"}, "next": {"/incidents/i1?a=1"}}, 303, "/incidents/i1?a=1"},
		"to another host":           {url.Values{"token": {"ann's"}, "next": {"//evil.example/"}}, 303, "/"},
		"wrong":                     {url.Values{"token": {"ann"}, "next": {"/gates"}}, 401, `login "This token is not known" next "/gates"`},
		"the digest is no token":    {url.Values{"token": {sum("ann's")}}, 401, ProblemWrong},
		"an agent's":                {url.Values{"token": {"web1's"}}, 403, ProblemAgent},
		"empty":                     {url.Values{"token": {" "}}, 400, ProblemNoToken},
		"none":                      {url.Values{"next": {"/"}}, 400, ProblemNoToken},
		"too large":                 {url.Values{"token": {strings.Repeat("x", maxForm)}}, 400, ProblemForm},
		"large, and still checked":  {url.Values{"token": {strings.Repeat("x", maxForm-100)}}, 401, ProblemWrong},
		"a person who may not look": {url.Values{"token": {"cat's"}}, 303, "/"},
	} {
		resp := h.ask(asking{method: "POST", path: "/login", form: tt.form.Encode()})
		got := resp.Header.Get("Location")
		if tt.code != 303 {
			got = text(t, resp)
		}
		if resp.StatusCode != tt.code || !strings.Contains(got, tt.want) || tt.code == 303 && got != tt.want {
			t.Errorf("%s: %d %q, want %d %q", name, resp.StatusCode, got, tt.code, tt.want)
		}
		if (len(resp.Cookies()) == 1) != (tt.code == 303) || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: cookies %v, %v", name, resp.Cookies(), resp.Header)
		}
	}
	// A token in an address would be in logs and histories.
	if resp := h.ask(asking{method: "POST", path: "/login?token=ann%27s", form: "x=y"}); resp.StatusCode != 400 {
		t.Errorf("a token in the address: %d", resp.StatusCode)
	}
	if resp := h.ask(asking{path: "/login?next=/gates"}); resp.StatusCode != 200 || text(t, resp) != `login "" next "/gates"` {
		t.Errorf("the page: %d", resp.StatusCode)
	}
}

// TestCookie looks at each attribute: over TLS, over TLS that ends before us,
// and without.
func TestCookie(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig(), External: "https://Tomeishi.example:8443"})
	for base, secure := range map[string]bool{
		"http://127.0.0.1:9311": false, "https://127.0.0.1:9311": true, "http://tomeishi.example:8443": true, "http://tomeishi.example": false,
	} {
		resp := h.ask(asking{method: "POST", path: base + "/login", form: "token=ann%27s"})
		c := resp.Cookies()[0]
		if c.Name != "tomeishi_session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" ||
			c.MaxAge != 30*24*60*60 || time.Until(c.Expires) < 29*24*time.Hour || c.Secure != secure {
			t.Errorf("%s: %s", base, c.Raw)
		}
		for _, secret := range []string{"ann's", sum("ann's"), string(h.ring.Load().key)} {
			if strings.Contains(c.Raw, secret) {
				t.Errorf("%s holds %q", c.Raw, secret)
			}
		}
	}
	resp := h.ask(asking{method: "POST", path: "/logout", cookie: h.session("ann's")})
	if c := resp.Cookies()[0]; resp.StatusCode != 303 || resp.Header.Get("Location") != "/login" || c.Name != cookieName || c.Value != "" || c.MaxAge != -1 {
		t.Errorf("logout: %d %s", resp.StatusCode, c.Raw)
	}
}

// TestSessionEnds has a cookie hold for thirty days, and not a day longer than
// the person's token.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Config: testConfig(), Folder: t.TempDir()}
		h := newHouse(t, o)
		cookie := h.session("ann's")
		known := func(h *house) bool {
			t.Helper()
			resp := h.ask(asking{path: "/v1/gates", cookie: cookie})
			return resp.StatusCode == 200 && strings.HasPrefix(text(t, resp), "ann may ")
		}
		if !known(h) || !known(newHouse(t, o)) {
			t.Fatal("a session does not hold, or not over a restart")
		}
		for name, change := range map[string]func(*Config){
			"another token": func(c *Config) { c.People[0].TokenSHA256 = sum("new") },
			"removed":       func(c *Config) { c.People = c.People[1:] },
			"renamed":       func(c *Config) { c.People[0].Name = "anna" },
		} {
			changed := o
			changed.Config = testConfig()
			change(&changed.Config)
			if known(newHouse(t, changed)) {
				t.Errorf("%s: the session holds", name)
			}
		}
		if known(newHouse(t, Options{Config: testConfig()})) {
			t.Error("another collector takes the cookie")
		}
		seen := asking{path: "/v1/stream", cookie: cookie}.request(t)
		h.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r })).ServeHTTP(nil, seen)
		time.Sleep(30*24*time.Hour - time.Second)
		if err := h.Still(seen); !known(h) || err != nil {
			t.Errorf("ended early: %v", err)
		}
		time.Sleep(time.Second)
		if err := h.Still(seen); known(h) || err == nil {
			t.Error("holds after thirty days")
		}
	})
}

// TestForged changes each character of a cookie.
func TestForged(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig()})
	cookie := h.session("ann's")
	for i := range cookie {
		for _, c := range []byte("Ab9.-") {
			forged := []byte(cookie)
			forged[i] = c
			if string(forged) == cookie {
				continue
			}
			if p := h.holds(string(forged), time.Now()); p != nil {
				t.Fatalf("%s is taken for %s", forged, p.name)
			}
		}
	}
	for _, value := range []string{"", ".", "..", "...", cookie + ".", cookie + cookie, "YW5u", "YW5u.9999999999", "YW5u.9999999999."} {
		if h.holds(value, time.Now()) != nil {
			t.Errorf("%q holds", value)
		}
	}
	// Two cookies of the name, as of another path: the one that holds counts.
	if resp := h.ask(asking{path: "/v1/gates", cookie: "x; " + cookieName + "=" + cookie}); resp.StatusCode != 200 {
		t.Errorf("beside a foreign cookie: %d", resp.StatusCode)
	}
}

func FuzzCookie(f *testing.F) {
	h := newHouse(f, Options{Config: testConfig()})
	good := h.session("ann's")
	f.Add(good)
	f.Add("YW5u.9999999999.AAAA")
	f.Fuzz(func(t *testing.T, value string) {
		p := h.holds(value, time.Now())
		if p != nil && value[:strings.LastIndexByte(value, '.')] != good[:strings.LastIndexByte(good, '.')] {
			t.Errorf("%q is taken for %s", value, p.name)
		}
	})
}

func TestSessionKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "session.key")
	key, err := sessionKey(dir)
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := sessionKey(dir); err != nil || !bytes.Equal(again, key) {
		t.Errorf("another key, %v", err)
	}
	if other, err := sessionKey(t.TempDir()); err != nil || bytes.Equal(other, key) {
		t.Errorf("two collectors have one key, %v", err)
	}
	if err := os.Truncate(path, 31); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Log: slog.New(slog.DiscardHandler), Config: testConfig(), Folder: dir}); err == nil || !strings.Contains(err.Error(), "holds 31 bytes, not 32: remove it") {
		t.Errorf("a cut key: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestLocalPage(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/gates/a/b?x=1": "/gates/a/b?x=1", "/incidents/i1": "/incidents/i1", "/?next=//x": "/?next=//x",
		"": "/", "gates": "/", "//evil.example": "/", "/\\evil.example": "/", "/a\\..\\b": "/", "https://evil.example/": "/",
		"/\t/evil.example": "/", "/\n/evil.example": "/", "\t//evil.example": "/", "/a\x7f": "/", "/a\x00": "/", "/%0": "/", "/%76%31/backup": "/",
		"javascript:alert(1)": "/", "/login": "/", "/login?next=/login": "/", "/logout": "/", "/v1/backup": "/", "/static/x": "/",
		"/" + strings.Repeat("x", 3000): "/",
	} {
		if got := localPage(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

// FuzzLocalPage reads where the browser goes as a browser does.
func FuzzLocalPage(f *testing.F) {
	for _, next := range []string{"/gates", "//e", "/\\e", "/\t/e", "/..//e", "/%2f/e", "/@e", "/a?b#//c"} {
		f.Add(next)
	}
	h := newHouse(f, Options{Config: testConfig()})
	base := &url.URL{Scheme: "http", Host: "example.com", Path: "/login"}
	f.Fuzz(func(t *testing.T, next string) {
		h.t = t
		resp := h.ask(asking{method: "POST", path: "/login", form: url.Values{"token": {"ann's"}, "next": {next}}.Encode()})
		to := resp.Header.Get("Location")
		u, err := url.Parse(to)
		if resp.StatusCode != 303 || err != nil || base.ResolveReference(u).Host != base.Host || u.User != nil ||
			strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n") {
			t.Errorf("%q leads to %q, %v", next, to, err)
		}
	})
}
