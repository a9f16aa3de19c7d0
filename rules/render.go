package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
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

// Render fills in annotation templates. Where one fails, its text is the error,
// so that an alert is told all the same.
func Render(templates []Pair, labels map[string]string, value string, evidence []string) map[string]string {
	out := map[string]string{}
	s := scope{labels, exactText(value), evidence}
	for _, t := range templates {
		text, err := render(t.Value, s)
		if err != nil {
			text = fmt.Sprintf("<error expanding template: %v>", err)
		}
		out[t.Name] = text
	}
	return out
}

// Render fills in the annotations of the rule.
func (r *Rule) Render(labels map[string]string, value string, evidence []string) map[string]string {
	return Render(r.Annotations, labels, value, evidence)
}

func render(text string, s scope) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	t, err := parseTemplate(text, &budget{left: maxWork})
	if err != nil {
		return "", err
	}
	var out limited
	if err := t.Execute(&out, s); err != nil {
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

// annotations reads templates.
func (p *parser) annotations(n *yaml.Node) []Pair {
	return p.pairs(n, "annotations", func(k, v *yaml.Node) {
		if !isIdent(k.Value) {
			p.errorAt(k, "%s is not an annotation name: letters, digits and _, not first a digit", clip(k.Value))
		}
		if len(v.Value) > maxExpression {
			p.errorAt(v, "a template may have %d bytes, this one has %d", maxExpression, len(v.Value))
			return
		}
		if _, err := parseTemplate(v.Value, &budget{}); err != nil {
			text := "this template is not sound: " + err.Error()
			if name, ok := laterFunction(err); ok {
				text = "not in this version: " + name + " in the templates of event rules"
			}
			p.errorIn(v, templateFault(v.Value, err), text)
		}
	})
}
