package rules

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A formReader is the file for the form of one rule.
type formReader struct {
	*parser
	rule *parsedRule
}

var _ form.Reader = formReader{}

// Language implements form.Reader.
func (r formReader) Language() *match.Language { return r.lang }

// Text implements form.Reader.
func (r formReader) Text(n *yaml.Node, what string) (string, bool) { return r.parser.Text(n, what) }

// Duration implements form.Reader.
func (r formReader) Duration(n *yaml.Node, what string, positive bool) time.Duration {
	return r.duration(n, what, positive)
}

// Number implements form.Reader.
func (r formReader) Number(n *yaml.Node, what string, most int) int {
	return r.number(n, what, most)
}

// Mapping implements form.Reader.
func (r formReader) Mapping(n *yaml.Node, what string, names []string, read func(string, *yaml.Node)) {
	var keys []strictyaml.Key
	for _, name := range names {
		keys = append(keys, strictyaml.Key{Name: name, Read: func(v *yaml.Node) { read(name, v) }})
	}
	r.parser.Mapping(n, what, keys)
}

// Named implements form.Reader.
func (r formReader) Named(n *yaml.Node, what string, read func(name, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.WrongKind(n, what, "a mapping (name: value)")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !r.Exhausted(); i += 2 {
		if k, v := r.Visit(n.Content[i]), r.Visit(n.Content[i+1]); r.Once(k, seen) {
			read(k, v)
		}
	}
}

// Each implements form.Reader.
func (r formReader) Each(n *yaml.Node, what string, read func(*yaml.Node)) {
	r.parser.Each(n, what, read)
}

// Event implements form.Reader.
func (r formReader) Event(n *yaml.Node) string {
	event := r.eventType(n)
	r.misspelled(r.rule, n, event)
	return event
}

// Money implements form.Reader.
func (r formReader) Money(event string) []match.Field { return r.declaredOf(event).Money }

// Where implements form.Reader.
func (r formReader) Where(n *yaml.Node) *match.Expression {
	text, ok := r.Text(n, "where")
	if !ok {
		return nil
	}
	e, err := r.lang.Condition(text)
	if err != nil {
		r.ErrorIn(n, err)
		return nil
	}
	r.conditions[e] = r.here(n)
	return e
}

// By implements form.Reader. The first fields that are read name the labels of
// the rule's alerts.
func (r formReader) By(n *yaml.Node) []match.Key {
	keys := r.by(n)
	if r.rule.By == nil {
		r.rule.By = keys
	}
	return keys
}

// Error implements form.Reader.
func (r formReader) Error(n *yaml.Node, format string, args ...any) { r.ErrorAt(n, format, args...) }

// ErrorIn implements form.Reader.
func (r formReader) ErrorIn(n *yaml.Node, err *match.TextError) {
	r.parser.ErrorIn(n, err.Offset, err.Text)
}

// Finding implements form.Reader.
func (r formReader) Finding(n *yaml.Node, format string, args ...any) {
	r.rule.find(r.here(n), format, args...)
}

// by reads fields, each as a path, as label: path or as label: {field: path,
// optional: true}. With a label it may be a sum of fields.
func (p *parser) by(n *yaml.Node) (keys []match.Key) {
	labeled := func(n *yaml.Node) {
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content) && !p.Exhausted(); i += 2 {
			if k := p.Visit(n.Content[i]); p.Once(k, seen) {
				keys = p.labeled(k.Value, p.Visit(n.Content[i+1]), keys)
			}
		}
	}
	if n.Kind == yaml.MappingNode {
		labeled(n)
		return keys
	}
	p.Each(n, "by", func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			labeled(n)
			return
		}
		if path, ok := p.Text(n, "a field of by"); ok {
			keys = p.key(n, keys, match.Key{}, path)
		}
	})
	return keys
}

// labeled reads the field that has a label: its path, or a mapping.
func (p *parser) labeled(label string, n *yaml.Node, keys []match.Key) []match.Key {
	key := match.Key{Label: label}
	if n.Kind != yaml.MappingNode {
		if path, ok := p.Text(n, "by: "+label); ok {
			return p.key(n, keys, key, path)
		}
		return keys
	}
	path, at, before := "", n, p.Noted()
	p.Mapping(n, "by: "+label, []strictyaml.Key{
		{Name: "field", Read: func(v *yaml.Node) { at = v; path, _ = p.Text(v, "field") }},
		{Name: "optional", Read: func(v *yaml.Node) {
			if key.Optional = v.Value == "true"; !key.Optional && v.Value != "false" || v.Kind != yaml.ScalarNode {
				p.ErrorAt(v, "optional is true or false: whether an event may lack the field")
			}
		}},
	})
	if path == "" {
		p.lacks(n, before, "by: %s names no field: write {field: data.%s, optional: true}", strictyaml.Clip(label), label)
		return keys
	}
	return p.key(at, keys, key, path)
}

const maxKeys = 16

// key adds what the text says, a field under its last name if key has no label.
func (p *parser) key(n *yaml.Node, keys []match.Key, key match.Key, text string) []match.Key {
	of, err := p.lang.Key(text)
	if err != nil {
		p.ErrorIn(n, err.Offset, err.Text)
		return keys
	}
	switch key.Field, key.Terms = of.Field, of.Terms; {
	case key.Terms != nil && key.Label == "":
		p.ErrorAt(n, "what is calculated has no name of its own, and the alert needs one for its label: write {net: %s}", text)
		return keys
	case key.Terms != nil && key.Optional:
		p.ErrorAt(n, "what is calculated cannot be optional: without one of its fields it is no number")
		return keys
	case key.Label == "":
		key.Label = key.Field.Last()
		if !match.IsIdent(key.Label) {
			p.ErrorAt(n, "%s makes no label name; write one, as in {name: %s}", strictyaml.Clip(key.Label), text)
			return keys
		}
	}
	p.labelName(n, key.Label)
	switch {
	case slices.ContainsFunc(keys, func(k match.Key) bool { return k.Label == key.Label }):
		p.ErrorAt(n, "two fields of `by` make the label %s; name one of them, as in {other: %s}", key.Label, text)
	case len(keys) == maxKeys:
		p.ErrorAt(n, "`by` has more than %d fields", maxKeys)
	}
	return append(keys, key)
}
