package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/message"
)

// TestPagesSaid finds texts of these pages that the catalog lacks.
func TestPagesSaid(t *testing.T) {
	missing, err := message.Missing(os.DirFS("."),
		"alert*.go", "host*.go", "rules.go", "silences.go", "told.go", "chart/*.go",
		"templates/alert*.html", "templates/part_alert.html", "templates/host*.html", "templates/rules.html", "templates/silences.html", "templates/told.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range missing {
		t.Errorf("the catalog lacks %s", text)
	}
}

// TestTablesSaid finds texts of tables that the catalog lacks: what is said
// in Japanese is not English.
func TestTablesSaid(t *testing.T) {
	s := newScene(t)
	var texts []string
	for _, f := range fleetSignals {
		texts = append(texts, f.name)
	}
	for _, p := range hostPictures {
		texts = append(texts, p.title)
		for _, q := range p.queries {
			texts = append(texts, q.name)
		}
	}
	for _, ill := range agentIlls {
		texts = append(texts, ill.text)
	}
	for _, b := range builtIns {
		texts = append(texts, b.text)
	}
	ja := s.web.o.Message.Words(message.Japanese)
	for _, text := range texts {
		if said := ja.T(text); text != "" && !strings.ContainsFunc(said, func(r rune) bool { return r > 0x2fff }) {
			t.Errorf("%q is %q in Japanese", text, said)
		}
	}
}

// paths are the pages of this part of the screen.
func (s *scene) paths() []string {
	out := []string{"/alerts", "/hosts", "/hosts/db9", "/hosts/web1?span=7d", "/rules", "/silences", "/silences?matchers=note%3D" + url.QueryEscape(strconv.Quote(markup)), "/told"}
	for _, a := range s.AlertsView() {
		out = append(out, "/alerts/"+a.ID)
	}
	return out
}

// TestMarkup looks at every page for markup that came in a label, a comment or
// an error, in both languages.
func TestMarkup(t *testing.T) {
	s := newScene(t).busy()
	shown := 0
	for _, lang := range []message.Language{message.English, message.Japanese} {
		for _, path := range s.paths() {
			page := s.getIn(lang, path)
			s.lacks(page, "<script>alert", "<img")
			shown += strings.Count(page, "&lt;script&gt;alert")
			if strings.Contains(page, "%!") {
				t.Errorf("%s has a text with wrong arguments", path)
			}
		}
	}
	if shown < 10 {
		t.Errorf("the markup is shown as text only %d times: the test looks at too little", shown)
	}
}

// TestNoEnglish looks at pages in Japanese for English of ours.
func TestNoEnglish(t *testing.T) {
	s := newScene(t).busy()
	for _, path := range s.paths() {
		page := s.getIn(message.Japanese, path)
		if strings.HasPrefix(path, "/rules") || strings.HasPrefix(path, "/alerts/") {
			continue // they quote rules and annotations, which are in the language of their author
		}
		s.wants(page, `<html lang="ja"`)
		s.lacks(plain(page), "no data", "Nothing was heard", "evaluated", " ago", "Hosts", "Silence", "Show", "value ", "events")
	}
}

func (s *scene) getIn(lang message.Language, path string) string {
	s.t.Helper()
	return s.request(http.MethodGet, path, nil, http.StatusOK, &http.Cookie{Name: languageCookie, Value: string(lang)})
}

// TestWellMade looks at every page with the eyes of a screen reader and of the
// content security policy.
func TestWellMade(t *testing.T) {
	s := newScene(t).busy()
	for _, path := range s.paths() {
		for _, fault := range read(t, s.answer(http.MethodGet, path, nil)).faults() {
			t.Errorf("%s: %s", path, fault)
		}
	}
}

func TestToldPage(t *testing.T) {
	s := newScene(t)
	s.wants(s.get("/told", http.StatusOK), "Nobody has been told anything yet")
	for i := range 300 {
		s.json(entry.KindNotifyState, entry.NotifyState{Told: []entry.Notification{{
			At: s.now.Add(time.Duration(i) * time.Second).UnixNano(), Receiver: fmt.Sprintf("r%d<b>", i), Integration: "slack", Firing: 99, Resolved: 1, Alerts: slices.Repeat([]string{"a7"}, 100), Incidents: []string{"i3"},
		}}})
	}
	page := s.get("/told", http.StatusOK)
	s.wants(page, "r299&lt;b&gt;", "99 firing", "1 ended", `href="/alerts/a7"`, `href="/incidents/i3"`, "and 90 more", "and 200 more")
	s.lacks(page, "r199&lt;b&gt;")
	if len(page) > maxPage {
		t.Errorf("the page has %d bytes, want at most %d", len(page), maxPage)
	}
	if first, second := strings.Index(page, "r299&lt;"), strings.Index(page, "r298&lt;"); first > second {
		t.Error("the newest is not the first")
	}
}
