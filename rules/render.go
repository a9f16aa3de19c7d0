package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// maxRendered bounds one rendered annotation, and what a function in it takes,
// in bytes.
const maxRendered = 64 << 10

// prelude gives templates the names that Prometheus gives them.
const prelude = `{{$labels := .Labels}}{{$value := .Value}}{{$evidence := .Evidence}}`

// scope is what a template can see.
type scope struct {
	Labels   map[string]string
	Value    exactText
	Evidence []string
}

// A Template is an annotation that is read once and filled in often, by many at
// once.
type Template struct {
	text string // as it is, if nothing in it is to be filled in
	err  error  // why it cannot be filled in

	mu     sync.Mutex // guards left, and is held over a rendering
	left   *budget    // of the rendering under way: what the template pays from
	parsed *template.Template
}

// Compile reads a template. One that is not sound says so when it is filled in,
// so that an alert is told all the same.
func Compile(text string) *Template {
	if !strings.Contains(text, "{{") {
		return &Template{text: text}
	}
	t := &Template{left: &budget{}}
	t.parsed, t.err = parseTemplate(text, t.left)
	return t
}

// Render fills in the template. Where that fails, the text is the error. What
// one rendering may cost does not depend on those before it.
func (t *Template) Render(labels map[string]string, value string, evidence []string) string {
	text, err := t.render(scope{labels, exactText(value), evidence})
	if err != nil {
		return fmt.Sprintf("<error expanding template: %v>", err)
	}
	return text
}

// Render fills in the annotations of the rule.
func (r *Rule) Render(labels map[string]string, value string, evidence []string) map[string]string {
	out := map[string]string{}
	for _, t := range r.Annotations {
		out[t.Name] = Compile(t.Value).Render(labels, value, evidence)
	}
	return out
}

func (t *Template) render(s scope) (string, error) {
	if t.parsed == nil {
		return t.text, t.err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left.left = maxWork
	var out limited
	if err := t.parsed.Execute(&out, s); err != nil {
		switch {
		case errors.Is(err, errWork):
			return "", errWork
		case errors.Is(err, errRendered):
			return out.String() + "…", nil
		}
		return "", trimTemplate(err)
	}
	return out.String(), nil
}

func parseTemplate(text string, b *budget) (*template.Template, error) {
	t, err := template.New("").Option("missingkey=zero").Funcs(b.funcs()).Parse(prelude + text)
	if err != nil {
		return nil, trimTemplate(err)
	}
	b.meter(t)
	return t, nil
}

var templatePlace = regexp.MustCompile(`^template: [^:]*:\d+(:\d+)?: (executing "[^"]*" at )?`)

// trimTemplate leaves out a place that counts the prelude.
func trimTemplate(err error) error {
	return errors.New(templatePlace.ReplaceAllString(err.Error(), ""))
}

var errRendered = errors.New("the text is too long")

// limited is a buffer that takes no more than maxRendered bytes.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	room := maxRendered - l.Len()
	if len(p) > room {
		l.Builder.Write(p[:room])
		return room, errRendered
	}
	return l.Builder.Write(p)
}

// exactText is the text of an exact number, which printf may still be asked to
// show as a floating-point one.
type exactText string

// Format writes the number as %f, %e or %g would, and else as it is.
func (x exactText) Format(f fmt.State, verb rune) {
	var value any = string(x)
	if strings.ContainsRune("eEfFgG", verb) {
		if n, err := strconv.ParseFloat(string(x), 64); err == nil {
			value = n
		}
	} else if verb == 'd' {
		verb = 's'
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), value)
}

const maxTemplate = 16 << 10 // bytes

// annotations reads templates.
func (p *parser) annotations(n *yaml.Node) []Pair {
	return p.pairs(n, "annotations", func(k, v *yaml.Node) {
		if !match.IsIdent(k.Value) {
			p.ErrorAt(k, "%s is not an annotation name: letters, digits and _, not first a digit", strictyaml.Clip(k.Value))
		}
		if len(v.Value) > maxTemplate {
			p.ErrorAt(v, "a template may have %d bytes, this one has %d", maxTemplate, len(v.Value))
			return
		}
		if _, err := parseTemplate(v.Value, &budget{}); err != nil {
			text := "this template is not sound: " + err.Error()
			if name, ok := laterFunction(err); ok {
				text = "not in this version: " + name + " in the templates of event rules"
			}
			p.ErrorIn(v, templateFault(v.Value, err), text)
		}
	})
}
