package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

//go:embed templates
var templateFiles embed.FS

// A speech is the pages of one language.
type speech struct {
	words *message.Words
	pages map[string]*template.Template // by the name of their file
}

// A view is what the template of every page gets.
type view struct {
	Page     string // the name of its template
	Lang     message.Language
	Asker    Asker
	Path     string // of the request, with its query
	Known    bool   // whoever asks may look
	Posted   bool   // it answers a form, and cannot be asked for again
	Versions string // of what the page was made from
	Now      time.Time
	Cell     string
	machine.Counts
	Data any
}

// May tells whether the asker has a right.
func (v view) May(right string) bool { return slices.Contains(v.Asker.May, right) }

// languages are those of the catalog, by the names that they call themselves.
var languages = []struct {
	ID   message.Language
	Name string
}{{message.English, "English"}, {message.Japanese, "日本語"}}

// readPages parses the templates, once for each language: files that begin with
// "part_" and the layout are in every page.
func (w *Web) readPages() {
	w.speech = map[message.Language]*speech{}
	for _, l := range languages {
		s := &speech{w.o.Message.Words(l.ID), map[string]*template.Template{}}
		base := template.Must(template.New("layout.html").Funcs(w.funcs(s.words)).
			ParseFS(templateFiles, "templates/layout.html", "templates/part_*.html"))
		files, err := fs.Glob(templateFiles, "templates/*.html")
		if err != nil {
			panic("web: " + err.Error()) // the pattern is right
		}
		for _, f := range files {
			name := strings.TrimSuffix(path.Base(f), ".html")
			if name != "layout" && !strings.HasPrefix(name, "part_") {
				s.pages[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, f))
			}
		}
		w.speech[l.ID] = s
	}
}

// language is the one that the browser has asked for here, else that of the
// configuration.
func (w *Web) language(r *http.Request) message.Language {
	if c, err := r.Cookie(languageCookie); err == nil && w.speech[message.Language(c.Value)] != nil {
		return message.Language(c.Value)
	}
	if w.speech[w.o.Language] != nil {
		return w.o.Language
	}
	return message.English
}

// A reader is who looks, and in which language.
type reader struct {
	Asker
	Lang    message.Language
	effects func() []machine.Effect // all of them, asked for once
}

func (w *Web) reader(r *http.Request) reader {
	return reader{w.o.Access.Asker(r), w.language(r), sync.OnceValue(w.o.Machine.EffectsView)}
}

// words are the words for who asks.
func (w *Web) words(r *http.Request) *message.Words { return w.speech[w.language(r)].words }

type versionsKey struct{}

// dated notes what the machine's counts were before a page was made, so that
// the browser can tell whether it has missed something.
func (w *Web) dated(r *http.Request) *http.Request {
	v, _ := w.o.Machine.Versions()
	return r.WithContext(context.WithValue(r.Context(), versionsKey{}, v))
}

// versions are those counts, in the order of GET /v1/stream; empty where no
// page is kept true.
func versions(r *http.Request) string {
	v, ok := r.Context().Value(versionsKey{}).(machine.Versions)
	if !ok {
		return ""
	}
	return fmt.Sprint(v.Gates, v.Alerts, v.Incidents, v.Told, v.Silences, v.Agents, v.Rules)
}

// page answers with a page that is as it should be.
func (w *Web) page(rw http.ResponseWriter, r *http.Request, name string, data any) {
	w.pageAs(rw, r, http.StatusOK, name, data)
}

// pageAs answers with a page and a status. Template templates/NAME.html defines
// "title" and "main", which get a view with data in it.
func (w *Web) pageAs(rw http.ResponseWriter, r *http.Request, status int, name string, data any) {
	v := view{Page: name, Lang: w.language(r), Path: r.URL.RequestURI(), Now: time.Now(), Posted: r.Method == http.MethodPost, Versions: versions(r), Data: data}
	if name != "login" { // who is not known is told nothing
		v.Known = true
		v.Asker = w.o.Access.Asker(r)
		v.Cell, v.Counts = w.o.Machine.CellID(), w.o.Machine.Counts()
	}
	var b bytes.Buffer
	if err := w.speech[v.Lang].pages[name].Execute(&b, v); err != nil {
		http.Error(rw, "this page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	guard(rw.Header())
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	send(rw, r, status, b.Bytes(), func() []byte { return squeeze(b.Bytes(), gzip.BestSpeed) })
}

// guard keeps a page from doing what only a page of somebody else would.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// A trouble is why a page is not what was asked for.
type trouble struct {
	Headline string
	Text     string // what is wrong
	Remedy   string // what to do
}

// notFound says that there is nothing at this path.
func (w *Web) notFound(rw http.ResponseWriter, r *http.Request) {
	t := w.words(r)
	w.pageAs(rw, r, http.StatusNotFound, "problem", trouble{
		t.T("Nothing is here"), t.T("There is nothing at %s, or no longer.", r.URL.Path), t.T("What has ended is kept with its incident."),
	})
}

// LoginPage asks who is there, and says what was wrong the last time.
func (w *Web) LoginPage(rw http.ResponseWriter, r *http.Request, status int, problem string) {
	if r.Body != nil {
		r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	}
	next := r.FormValue("next")
	w.pageAs(rw, r, status, "login", struct{ Problem, Next string }{problem, local(next)})
}
