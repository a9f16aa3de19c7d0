package message

import (
	"maps"
	"slices"
	"sync"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// Bounds of what is remembered; when one is reached, all is forgotten.
const (
	maxRendered     = 20_000  // alerts whose annotations are kept
	maxTemplates    = 2_000   // distinct texts
	maxTemplateText = 1 << 20 // bytes of all of them
)

// rendered remembers annotations that were filled in, because screens ask for
// all alerts every few seconds, and the templates of which they were made, each
// of which many alerts share.
type rendered struct {
	mu        sync.Mutex // guards what follows
	of        map[renderedKey]renderedText
	templates map[string]*rules.Template
	bytes     int // of the templates' texts
}

type renderedKey struct {
	id       string // of the alert
	evidence int    // how much of it there is: lists have less than incidents
}

// renderedText is text and all that it was made of, beside what stays the same
// for an alert.
type renderedText struct {
	raised   int64
	labels   []machine.Label
	value    string
	evidence []string
	text     map[string]string
}

// Annotations are an alert's annotations as text, with the evidence named in
// them; and its incident. The map is the caller's.
func (w *Writer) Annotations(a machine.Alert, evidence []string) map[string]string {
	return w.annotationsIn(w.Words(w.o.Language), a, evidence)
}

func (w *Writer) annotationsIn(words *Words, a machine.Alert, evidence []string) map[string]string {
	var out map[string]string
	switch {
	case isBuiltIn(a):
		out = words.builtIn(a)
		if text := w.differs(words, a); text != "" {
			out["summary"] += " " + text
		}
	case a.Rendered():
		out = pairs(a.Annotations)
	default:
		out = w.rendered.annotations(a, evidence)
	}
	if a.Incident != "" {
		out["incident"] = a.Incident
	}
	return out
}

// Summary is what an alert says in one line, as its rule says it: its name and
// labels if it says nothing.
func (w *Writer) Summary(a machine.Alert) string {
	if s := w.Annotations(a, nil)["summary"]; s != "" {
		return s
	}
	return a.Rule + ": " + machine.Text(a.Labels)
}

// SummaryIn is what an alert says in one line; one that is built in says it in a
// language: in that of the configuration if the catalog does not speak it.
func (w *Writer) SummaryIn(l Language, a machine.Alert) string {
	p := page{words: w.Words(l), alert: a, texts: w.annotationsIn(w.Words(l), a, nil)}
	return oneLine(p.summary(), maxLine)
}

// annotations are those of an event alert; the map is the caller's.
func (c *rendered) annotations(a machine.Alert, evidence []string) map[string]string {
	key := renderedKey{a.ID, len(evidence)}
	c.mu.Lock()
	have, ok := c.of[key]
	c.mu.Unlock()
	if ok && have.raised == a.Raised && have.value == a.Value && slices.Equal(have.labels, a.Labels) && slices.Equal(have.evidence, evidence) {
		return maps.Clone(have.text)
	}
	text, labels := make(map[string]string, len(a.Annotations)+1), pairs(a.Labels)
	for _, t := range a.Annotations {
		text[t.Name] = c.template(t.Value).Render(labels, a.Value, evidence)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= maxRendered {
		c.of = map[renderedKey]renderedText{}
	}
	c.of[key] = renderedText{a.Raised, a.Labels, a.Value, evidence, text}
	return maps.Clone(text)
}

// template is the template of a text.
func (c *rendered) template(text string) *rules.Template {
	c.mu.Lock()
	t := c.templates[text]
	c.mu.Unlock()
	if t != nil {
		return t
	}
	t = rules.Compile(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.templates == nil || len(c.templates) >= maxTemplates || c.bytes+len(text) > maxTemplateText {
		c.templates, c.bytes = map[string]*rules.Template{}, 0
	}
	if c.templates[text] == nil {
		c.bytes += len(text)
	}
	c.templates[text] = t
	return t
}

func pairs(labels []machine.Label) map[string]string {
	out := make(map[string]string, len(labels)+1)
	for _, l := range labels {
		out[l.Name] = l.Value
	}
	return out
}
