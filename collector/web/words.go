package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
)

const languageCookie = "lang"

// postLanguage changes the language of this browser.
func (w *Web) postLanguage(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	next := local(r.PostFormValue("next"))
	if l := r.PostFormValue("lang"); w.speech[message.Language(l)] != nil {
		http.SetCookie(rw, &http.Cookie{
			Name: languageCookie, Value: l, Path: "/", MaxAge: 365 * 24 * 60 * 60,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
		})
	}
	http.Redirect(rw, r, next, http.StatusSeeOther)
}

// local is a path of this screen; the first page if it leads elsewhere.
func local(path string) string {
	if !httpguard.LocalPath(path) {
		return "/"
	}
	return path
}

// funcs are the functions of the templates in one language.
func (w *Web) funcs(words *message.Words) template.FuncMap {
	return template.FuncMap{
		"T":          func(text string, args ...any) any { return say(words, text, args) },
		"time":       func(at any) template.HTML { return stamp(at, words.Time(moment(at)), "", "") },
		"clock":      func(at any) template.HTML { return stamp(at, words.Clock(moment(at)), words.Time(moment(at)), "") },
		"plainclock": words.Clock,
		"since": func(at any) template.HTML {
			return stamp(at, words.For(time.Since(moment(at)).Truncate(time.Second)), words.Time(moment(at)), "since")
		},
		"until": func(at any) template.HTML {
			return stamp(at, words.For(time.Until(moment(at)).Truncate(time.Second)), words.Time(moment(at)), "until")
		},
		"for":   func(d time.Duration) string { return words.For(d) },
		"units": func() string { return units(words) },

		"verdict":  func(v string) string { return verdict(words, v) },
		"mode":     func(m fmt.Stringer) string { return mode(words, m.String()) },
		"severity": func(s string) string { return severityName(words, s) },
		"state":    func(s machine.EffectState) string { return words.EffectState(string(s)) },
		"record":   func(n record.Note) string { return words.Record(n) },
		"named":    machine.Named,
		"amount":   words.Amount,
		"event":    eventName,
		"summary":  func(a machine.Alert) string { return w.o.Message.SummaryIn(words.Language(), a) },
		"lasted":   func(from, to int64) string { return words.For(time.Duration(to - from)) },
		"choices":  func() []time.Duration { return offChoices },
		"ofRule":   func(rule string) string { return "/alerts?q=" + url.QueryEscape(rule) },
		"link": func(url, text string) template.HTML {
			return template.HTML(`<a href="` + template.HTMLEscapeString(url) + `">` + template.HTMLEscapeString(text) + `</a>`)
		},

		"asset":    func(name string) string { return w.names[name] },
		"gateURL":  gateURL,
		"hostURL":  hostURL,
		"incident": func(id string) string { return "/incidents/" + url.PathEscape(id) },
		"alertURL": func(id string) string { return "/alerts/" + url.PathEscape(id) },
		"icon":     icon,
		"dict":     dict,
		"list":     func(of ...any) []any { return of },
		"languages": func() any {
			return languages
		},
	}
}

// gateURL is the path of a gate's page; its name needs no escape.
func gateURL(name string) string { return "/gates/" + name }

// hostURL is the path of a host's page.
func hostURL(id string) string { return "/hosts/" + url.PathEscape(id) }

// say is a text of the catalog with its arguments, escaped where one of them
// is markup.
func say(words *message.Words, text string, args []any) any {
	markup := false
	for _, a := range args {
		_, is := a.(template.HTML)
		markup = markup || is
	}
	if !markup {
		return words.T(text, args...)
	}
	escaped := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case template.HTML:
			escaped[i] = string(a)
		case string:
			escaped[i] = template.HTMLEscapeString(a)
		default:
			escaped[i] = a // a number
		}
	}
	return template.HTML(words.T(text, escaped...))
}

// moment is a time that a template names: time.Time or Unix nanoseconds.
func moment(at any) time.Time {
	switch at := at.(type) {
	case time.Time:
		return at
	case int64:
		return time.Unix(0, at)
	}
	panic("web: a time that is neither time.Time nor nanoseconds")
}

// stamp is a moment as HTML; as says how the browser keeps its text true.
func stamp(at any, text, title, as string) template.HTML {
	var b strings.Builder
	b.WriteString(`<time datetime="` + moment(at).UTC().Format("2006-01-02T15:04:05.000Z") + `"`)
	if title != "" {
		b.WriteString(` title="` + template.HTMLEscapeString(title) + `"`)
	}
	if as != "" {
		b.WriteString(` data-` + as)
	}
	b.WriteString(">" + template.HTMLEscapeString(text) + "</time>")
	return template.HTML(b.String())
}

// units tells the browser how durations are said, so that it can say them: as
// the words for two of each unit, the smallest first, and for two units together.
func units(words *message.Words) string {
	b, err := json.Marshal([]string{
		words.For(2 * time.Second), words.For(2 * time.Minute), words.For(2 * time.Hour), words.For(48 * time.Hour),
		words.For(2*time.Minute + 2*time.Second),
	})
	if err != nil {
		panic("web: " + err.Error()) // strings
	}
	return string(b)
}

// dict makes a map of names and values, for a template within another.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("a name without a value")
	}
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("a name that is no string")
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// severityName is a severity as people say it; one that is not ours as it is.
func severityName(words *message.Words, s string) string {
	switch s {
	case "critical":
		return words.T("critical|severity")
	case "warning":
		return words.T("warning|severity")
	case "info":
		return words.T("info|severity")
	case "":
		return words.T("no severity")
	}
	return s
}

// An eventID names an event of the evidence.
type eventID struct{ Source, ID string }

// eventName reads CELL/SOURCE/ID; a text that is none is all of the name.
func eventName(name string) eventID {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return eventID{"", name}
	}
	source, err := url.PathUnescape(parts[1])
	if err != nil {
		return eventID{"", name}
	}
	id, err := url.PathUnescape(parts[2])
	if err != nil {
		return eventID{"", name}
	}
	return eventID{source, id}
}
