package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// An EventType is what is declared of the events of one type.
type EventType struct {
	Name string
	// Varies are the fields that equal events may differ in: what a redelivery
	// changes.
	Varies []match.Field
}

type parsedEventType struct {
	EventType
	varies []place // of each field
}

const maxVaries = 32

// events reads what is declared of types of events.
func (p *parser) events(n *yaml.Node) {
	said, ok := p.Members(n, "events")
	if !ok {
		return
	}
	for _, m := range said {
		t := &parsedEventType{}
		t.Name = p.eventType(m.Key)
		p.unique(m.Key, "declaration", t.Name, "of "+strictyaml.Clip(t.Name))
		p.Mapping(m.Value, "an event type", []strictyaml.Key{
			{Name: "varies", Read: func(v *yaml.Node) { p.Each(v, "varies", func(n *yaml.Node) { p.varies(n, t) }) }},
			{Name: "sources", Not: "would say who may report the type"},
			{Name: "money", Not: "would declare more fields of money"},
			{Name: "address", Not: "would declare more fields that hold addresses"},
			{Name: "private", Not: "would mask fields for people"},
		})
		p.types = append(p.types, t)
	}
}

// varies reads a field of data, with or without data before it.
func (p *parser) varies(n *yaml.Node, t *parsedEventType) {
	text, ok := p.Text(n, "a field of varies")
	if !ok {
		return
	}
	if !strings.HasPrefix(text, "data.") && !strings.HasPrefix(text, "data[") {
		text = "data." + text
	}
	e, err := p.lang.Parse(text)
	f, isField := match.Field{}, false
	if err == nil {
		f, isField = match.FieldOf(e.Root())
	}
	switch {
	case !isField || len(f.Path()) == 0:
		p.ErrorAt(n, "%s is no field of data: write its name, such as sent_at, or its path, such as meta.trace_id", strictyaml.Clip(n.Value))
	case len(t.Varies) == maxVaries:
		p.ErrorAt(n, "more than %d fields that vary", maxVaries)
	case slices.ContainsFunc(t.Varies, f.Equal):
		p.ErrorAt(n, "%s stands twice", f)
	default:
		t.Varies, t.varies = append(t.Varies, f), append(t.varies, p.here(n))
	}
}

// linkEvents sees to it that no rule reads a field in which equal events may
// differ: whether one counts would hang on which of them came first.
func (p *parser) linkEvents() {
	for _, t := range p.types {
		kept := t.Varies[:0]
		for i, f := range t.Varies {
			if r := p.readerOf(t.Name, f); r != nil {
				t.varies[i].errorf("the rule %s reads %s: what may vary among equal events cannot decide; take it out of `varies`, or out of the rule", strictyaml.Clip(r.Name), f)
				continue
			}
			kept = append(kept, f)
		}
		t.Varies = kept
	}
}

// readerOf is a rule that reads the field of events of the type.
func (p *parser) readerOf(eventType string, f match.Field) *parsedRule {
	for _, r := range p.rules {
		if r.Body == nil {
			continue
		}
		for _, s := range r.Body.Sources() {
			if s.Event == eventType && slices.ContainsFunc(s.Fields(), f.Overlaps) {
				return r
			}
		}
	}
	return nil
}
