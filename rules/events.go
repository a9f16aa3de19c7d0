package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// An EventType is what is declared of the events of one type.
type EventType struct {
	Name string
	// Varies are the fields that equal events may differ in: what a redelivery
	// changes.
	Varies []match.Field
	// Sources are those whose events of the type count; none: everybody's.
	Sources []string
	// Money are the fields that are exact decimals, beside those whose names say so.
	Money []match.Field
	// Address are the fields that hold addresses or transaction ids, beside those
	// whose names say so: they have one spelling.
	Address []match.Field
	// Private are the fields that are masked for people without the right to see them.
	Private []match.Field
}

type parsedEventType struct {
	EventType
	place
	varies []place // of each field
}

const (
	maxDeclared = 32  // fields of one kind
	maxSources  = 100 // of one type
)

// events reads what is declared of types of events.
func (p *parser) events(n *yaml.Node) {
	said, ok := p.Members(n, "events")
	if !ok {
		return
	}
	for _, m := range said {
		t := &parsedEventType{place: p.here(m.Key)}
		t.Name = p.eventType(m.Key)
		p.unique(m.Key, "declaration", t.Name, "of "+strictyaml.Clip(t.Name))
		p.Mapping(m.Value, "an event type", []strictyaml.Key{
			{Name: "varies", Read: func(v *yaml.Node) {
				p.Each(v, "varies", func(n *yaml.Node) {
					if p.declared(n, "varies", &t.Varies) {
						t.varies = append(t.varies, p.here(n))
					}
				})
			}},
			{Name: "sources", Read: func(v *yaml.Node) { p.reporters(v, t) }},
			{Name: "money", Read: func(v *yaml.Node) {
				p.Each(v, "money", func(n *yaml.Node) { p.declared(n, "money", &t.Money) })
			}},
			{Name: "address", Read: func(v *yaml.Node) {
				p.Each(v, "address", func(n *yaml.Node) { p.declared(n, "address", &t.Address) })
			}},
			{Name: "private", Read: func(v *yaml.Node) {
				p.Each(v, "private", func(n *yaml.Node) { p.declared(n, "private", &t.Private) })
			}},
		})
		p.types = append(p.types, t)
		p.typeOf[t.Name] = t
	}
}

// declared reads a field of data, with or without data before it, and adds it to
// those of a kind; false if it could not be.
func (p *parser) declared(n *yaml.Node, kind string, fields *[]match.Field) bool {
	text, ok := p.Text(n, "a field of "+kind)
	if !ok {
		return false
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
	case len(*fields) == maxDeclared:
		p.ErrorAt(n, "more than %d fields in %s", maxDeclared, kind)
	case slices.ContainsFunc(*fields, f.Equal):
		p.ErrorAt(n, "%s stands twice", f)
	default:
		*fields = append(*fields, f)
		return true
	}
	return false
}

// reporters reads who may report a type. A source is compared as it stands.
func (p *parser) reporters(n *yaml.Node, t *parsedEventType) {
	p.Each(n, "sources", func(n *yaml.Node) {
		s := p.name(n, "a source")
		switch {
		case s == "":
		case slices.Contains(t.Sources, s):
			p.ErrorAt(n, "the source %s stands twice", strictyaml.Clip(s))
		case len(t.Sources) == maxSources:
			p.ErrorAt(n, "more than %d sources", maxSources)
		default:
			t.Sources = append(t.Sources, s)
		}
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.ErrorAt(n, "sources names nobody, so that no event of the type would count: name a source, or leave sources out")
	}
}

// declaredOf is what is declared of a type.
func (p *parser) declaredOf(eventType string) EventType {
	if t := p.typeOf[eventType]; t != nil {
		return t.EventType
	}
	return EventType{}
}

// sources are what a rule reads, with what is declared of it.
func (p *parser) sources(r *parsedRule) []match.Source {
	out := slices.Clone(r.Body.Sources())
	for i := range out {
		t := p.declaredOf(out[i].Event)
		out[i].Addresses, out[i].Money = t.Address, t.Money
	}
	return out
}

// respell gives a rule another identity whose keys or amounts mean something else
// because of what is declared, or for which events of others count: its windows
// were counted by other keys, or hold other events. So it is with one that tells
// payments apart, if others may say which took the place of which: what they said
// before is read back from the tape.
func (p *parser) respell(r *parsedRule) {
	var d form.Digest
	for _, s := range p.sources(r) {
		for _, f := range s.Respelled() {
			d.Add("address", s.Event, f.String())
		}
		for _, f := range s.Money {
			if !f.Money() && slices.ContainsFunc(s.Fields(), f.Equal) {
				d.Add("money", s.Event, f.String())
			}
		}
		if reporters := p.declaredOf(s.Event).Sources; len(reporters) > 0 {
			d.Add(append([]string{"sources", s.Event}, slices.Sorted(slices.Values(reporters))...)...)
		}
	}
	if believed := p.declaredOf(match.Replaced).Sources; len(believed) > 0 && r.tellsPaymentsApart() {
		d.Add(append([]string{"sources", match.Replaced}, slices.Sorted(slices.Values(believed))...)...)
	}
	p.reidentify(r, d)
}

// reidentify makes of a rule another one by what was added to the digest; by
// nothing it stays the same.
func (p *parser) reidentify(r *parsedRule, d form.Digest) {
	if d.Empty() {
		return
	}
	d.Add(string(r.ID[:]))
	r.ID = d.Sum()
}

// linkMoney sees to it that what is declared to be money is compared with numbers.
func (p *parser) linkMoney(r *parsedRule) {
	for _, s := range p.sources(r) {
		if err := s.Where.VetMoney(s.Money); err != nil {
			at := p.conditions[s.Where]
			at.in.ErrorIn(at.at, err.Offset, err.Text)
		}
	}
}

// excusing are the types that can make others count for nothing.
var excusing = []string{"transfer.declared", match.Replaced}

// Excuses tells whether events of a type can make others count for nothing.
func Excuses(eventType string) bool { return slices.Contains(excusing, eventType) }

// trusting finds rules that believe what keeps an alert away whoever says it.
func (p *parser) trusting() {
	for _, r := range p.rules {
		var of []string
		if e, ok := r.Body.(form.Excuser); ok {
			of = e.Excuses()
		}
		for _, s := range r.Body.Sources() {
			if Excuses(s.Event) && !slices.Contains(of, s.Event) {
				of = append(of, s.Event)
			}
		}
		for _, event := range of {
			if len(p.declaredOf(event).Sources) == 0 {
				r.findingf("the rule %s takes events of type %s for an excuse, whoever reports them: say who may with `events: {%s: {sources: [SOURCE]}}`", strictyaml.Clip(r.Name), event, event)
			}
		}
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

// Reads tells whether a rule reads a field of the data of events of the type, or
// something in it.
func (s *Set) Reads(event, name string) bool {
	if s == nil {
		return false
	}
	for _, r := range s.Rules {
		for _, source := range r.Body.Sources() {
			if source.Event == event && slices.ContainsFunc(source.Fields(), func(f match.Field) bool {
				return f.Attribute() == "data" && (len(f.Path()) == 0 || f.Path()[0] == name)
			}) {
				return true
			}
		}
	}
	return false
}
