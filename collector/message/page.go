package message

import (
	"net/url"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// Bounds of a page. Each of its parts that others wrote is clipped so far that
// the whole fits.
const (
	maxLine  = 500  // bytes of a headline, and of a line's text
	minLine  = 100  // below which no line is clipped
	maxPage  = 4000 // bytes of all lines
	maxNamed = 10   // pieces of evidence that templates see
	maxShown = 5    // pieces of evidence, effects or sums that a page shows
)

// A Page is what a person is told of one alert.
type Page struct {
	Headline string // one line of at most 500 bytes, the gravest first
	Lines    []Line // in the order in which they are read, 4 kB at most
	URL      string // of the one-screen view; empty if the screen has none
}

// A Line is one thing that a page says.
type Line struct{ Name, Text string }

// Text is the lines below the headline, one a line: the name, a colon, the
// text.
func (p Page) Text() string {
	var b strings.Builder
	for i, l := range p.Lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.Name + ": " + l.Text)
	}
	return b.String()
}

// Page is what to say of the alert now, in the language of the configuration.
func (w *Writer) Page(a machine.Alert) Page { return w.PageIn("", a) }

// PageIn is what to say of the alert now, in a language; in that of the
// configuration if the catalog does not speak it.
func (w *Writer) PageIn(l Language, a machine.Alert) Page {
	p := w.look(w.Words(l), a)
	out := Page{Headline: oneLine(p.headline(), maxLine), URL: w.url(a, p.around)}
	out.Lines = fit(p.lines(), out.URL, p.words.T("Link"))
	return out
}

// page is one alert and what belongs to it, about to be told.
type page struct {
	words    *Words
	alert    machine.Alert
	around   machine.Around
	now      time.Time
	texts    map[string]string // its annotations
	evidence []string          // the newest, oldest first
	what     string            // in one line
	detail   string            // of a condition, as an error says it
}

func (w *Writer) look(words *Words, a machine.Alert) *page {
	p := &page{words: words, alert: a, around: w.o.Machine.Around(a), now: time.Now()}
	if refs := a.Evidence[max(0, len(a.Evidence)-maxNamed):]; len(refs) > 0 && w.o.Evidence != nil {
		p.evidence = w.o.Evidence(refs)
	}
	p.texts = w.annotationsIn(words, a, p.evidence)
	p.what = oneLine(p.summary(), maxLine)
	if w.o.Detail != nil && isBuiltIn(a) {
		p.detail = w.o.Detail(a)
	}
	return p
}

// summary is what the alert says, or its name and labels.
func (p *page) summary() string {
	if text := p.texts["summary"]; strings.TrimSpace(text) != "" {
		return text
	}
	return p.name()
}

// url is where the alert is seen with all that belongs to it.
func (w *Writer) url(a machine.Alert, around machine.Around) string {
	switch {
	case w.o.External == "":
		return ""
	case a.Incident != "":
		return w.o.External + "/incidents/" + url.PathEscape(a.Incident)
	case isBuiltIn(a) && a.Rule == gateClosed:
		return w.o.External + "/gates/" + (&url.URL{Path: a.Label("gate")}).EscapedPath()
	}
	return w.o.External + "/alerts/" + url.PathEscape(a.ID)
}

// fit clips lines, all alike, until they and the link fit on a page.
func fit(lines []Line, link, linkName string) []Line {
	room := maxPage - len(link) - len(linkName)
	out := make([]Line, len(lines))
	for most := maxLine; ; most = max(minLine, most*3/4) {
		size := 0
		for i, l := range lines {
			out[i] = Line{l.Name, oneLine(l.Text, most)}
			size += len(l.Name) + len(": ") + len(out[i].Text) + len("\n")
		}
		if size <= room || most == minLine {
			break
		}
	}
	if link != "" {
		out = append(out, Line{linkName, link})
	}
	return out
}
