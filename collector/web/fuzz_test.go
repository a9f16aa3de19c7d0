package web

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
)

// FuzzLocal sends nobody to another place than this screen, as a browser reads
// the answer.
func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "/gates/a?b=c", "//elsewhere", `/\elsewhere`, "/\t/elsewhere", "https://elsewhere", "/.//elsewhere", ""} {
		f.Add(s)
	}
	here := &url.URL{Scheme: "https", Host: "here.example", Path: "/language"}
	f.Fuzz(func(t *testing.T, next string) {
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/language", nil), local(next), http.StatusSeeOther)
		to := w.Header().Get("Location")
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.Trim(to, "\x00 "))
		u, err := here.Parse(read)
		if err == nil && u.Host != here.Host {
			t.Errorf("next %q leads to %q", next, to)
		}
	})
}

// FuzzPhrase shows what strangers wrote into a timeline as text: the only
// element that comes of it is a link to an alert.
func FuzzPhrase(f *testing.F) {
	words := message.New(message.Options{}).Words(message.Japanese)
	for _, s := range []string{"a1", "<b>", `"><script>`, "a1 %s%d", "{alert}[x]"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, alert, text string) {
		note := record.New(record.AlertEnded, alert).After(record.New(record.Legacy, text))
		said := phrase(words, machine.Step{Said: note})
		markup, ok := said.Text.(template.HTML)
		if !ok {
			return
		}
		for z := html.NewTokenizer(strings.NewReader(string(markup))); z.Next() != html.ErrorToken; {
			if token := z.Token(); token.Type != html.TextToken && token.Data != "a" {
				t.Errorf("%s became %q", note, markup)
			}
		}
	})
}
