package web

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/message"
)

// everyPage is a screen with something of everything, and the paths of its
// pages.
func everyPage(t testing.TB, language message.Language) (*screen, []string) {
	s := newScreen(t, language)
	s.hears(3, time.Now())
	s.paysTwice("<script>alert(1)</script>")
	s.fires()
	s.close("withdrawals")
	s.apply(entry.KindNotifyState, entry.NotifyState{Told: []entry.Notification{{At: time.Now().UnixNano(), Receiver: "on-call", Integration: "webhook", Firing: 1, Alerts: []string{"a1"}, Incidents: []string{"i1"}}}})
	return s, []string{
		"/", "/gates", btc, "/gates/withdrawals", "/gates/withdrawals/eth", "/gates/none", "/incidents", "/incidents/i1", "/incidents/i9",
		"/alerts", "/alerts/a1", "/alerts/none", "/hosts", "/hosts/none", "/rules", "/silences", "/told",
	}
}

// TestEveryPage is well made, in both languages, and shows markup in a label as
// text.
func TestEveryPage(t *testing.T) {
	for _, language := range []message.Language{message.English, message.Japanese} {
		s, paths := everyPage(t, language)
		for _, path := range paths {
			w := s.get(path)
			want := http.StatusOK
			if strings.HasSuffix(path, "/none") || strings.HasSuffix(path, "i9") {
				want = http.StatusNotFound
			}
			if w.Code != want {
				t.Errorf("%s %s: status %d, want %d: %.300s", language, path, w.Code, want, w.Body)
				continue
			}
			page := read(t, w)
			for _, fault := range page.faults() {
				t.Errorf("%s %s: %s", language, path, fault)
			}
			if got := page.all("html")[0].attr("lang"); got != string(language) {
				t.Errorf("%s: the page says that it is in %q", path, got)
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %s: %q, want %q", path, name, got, want)
				}
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q", path, policy)
			}
		}
		says(t, s.get("/incidents/i1"), http.StatusOK, "2 payments for withdrawal <script>alert(1)</script>")
	}
}

// TestGetChangesNothing asks for everything, as a preview of a chat does, and
// for what only a POST may do.
func TestGetChangesNothing(t *testing.T) {
	s, paths := everyPage(t, message.English)
	before, _, _ := s.At()
	hash := s.Hash()
	for _, path := range append(paths, "/automatic?on=false&for=2h&reason=x", "/effects/e1", "/language?lang=ja", btc+"?do=false&verdict=false&epoch=9&reason=x") {
		w := s.get(path)
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%s sets a cookie", path)
		}
	}
	if after, _, _ := s.At(); after != before || s.Hash() != hash {
		t.Error("a GET changed something")
	}
}

// TestLanguage follows the cookie that the form sets, and sends nobody
// elsewhere.
func TestLanguage(t *testing.T) {
	s := newScreen(t, message.English)
	w := s.send("/language", "lang", "ja", "next", "/gates")
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/gates" || len(cookies) != 1 || !cookies[0].HttpOnly {
		t.Fatalf("%d to %q with %v", w.Code, w.Header().Get("Location"), cookies)
	}
	says(t, s.get("/gates", cookies...), http.StatusOK, "ゲート", "自動停止")
	for _, next := range []string{"https://elsewhere.example", "//elsewhere.example", `/\elsewhere.example`, "", "/a\r\nSet-Cookie: x=y", "/\t/elsewhere.example"} {
		w := s.send("/language", "lang", "xx", "next", next)
		if got := w.Header().Get("Location"); got != "/" || len(w.Result().Cookies()) != 0 {
			t.Errorf("next %q leads to %q with %v", next, got, w.Result().Cookies())
		}
	}
}

// TestLogin tells nothing to those who are not known, and keeps where they
// wanted to go.
func TestLogin(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	s.mux.HandleFunc("GET /login", func(rw http.ResponseWriter, r *http.Request) {
		s.web.LoginPage(rw, r, http.StatusUnauthorized, "This token is <nobody's>.")
	})
	w := s.get("/login?next=%2Fincidents%2Fi1")
	says(t, w, http.StatusUnauthorized, "Sign in", "This token is <nobody's>.")
	page := read(t, w)
	for _, secret := range []string{"c1", "closed", "btc", "hanako"} {
		if strings.Contains(page.text(), secret) {
			t.Errorf("the page tells %q to anybody", secret)
		}
	}
	fields := map[string]string{}
	for _, in := range page.all("input") {
		fields[in.attr("name")] = in.attr("value")
	}
	if token, ok := fields["token"]; !ok || token != "" || fields["next"] != "/incidents/i1" {
		t.Errorf("fields %v", fields)
	}
	for _, fault := range page.faults() {
		t.Error(fault)
	}
}

// TestAssets may be kept for good, because their names tell their content.
func TestAssets(t *testing.T) {
	s := newScreen(t, message.English)
	page := read(t, s.get("/"))
	var paths []string
	for _, e := range page.all("link", "script") {
		paths = append(paths, e.attr("href")+e.attr("src"))
	}
	if len(paths) < 3 {
		t.Fatalf("the page loads %v", paths)
	}
	for _, path := range paths {
		w := s.get(path)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := s.get("/static/app.000000000000.css"); w.Code != http.StatusNotFound {
		t.Errorf("another version: %d", w.Code)
	}
}

// TestCatalog says only what the catalog has.
func TestCatalog(t *testing.T) {
	missing, err := message.Missing(os.DirFS("."), "*.go", "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		t.Error(m)
	}
}

// TestTemplatesSpeak finds words in templates that are not said by the
// catalog.
func TestTemplatesSpeak(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	word := regexp.MustCompile(`\pL{2,}`)
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := templateFiles.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		said := tag.ReplaceAllString(action.ReplaceAllString(string(text), ""), "")
		for _, found := range word.FindAllString(said, -1) {
			if found != "Tomeishi" {
				t.Errorf("%s says %q by itself", f.Name(), found)
			}
		}
	}
}
