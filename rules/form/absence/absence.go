// Package absence is the form of what did not happen: a rule is true of a key when
// an event of it was not followed, within a time, by another that excuses it.
//
// It promises that an absence is proven, or says that it is not: what would excuse
// an event has not come once those who report it were heard past the deadline; until
// then it is unknown, and after a grace that is what is said.
package absence

import (
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Form reads rules about what does not happen.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "unless", Must: "write which event must follow, and how soon, as in `unless: {event: payout.recorded, within: 60s}`"},
		{Name: "event", Must: "write which type of event must be followed by another, as in `event: payout.sent`"},
		{Name: "where"},
		{Name: "by"},
		{Name: "grace"},
		{Name: "lateness"},
		{Name: "within"},
		{Name: "when"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft { return &draft{in: in} }

type draft struct {
	rule
	in                           form.Reader
	unless, wanted, graced, late *yaml.Node
	otherWanted, otherBy, limit  *yaml.Node // in unless
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	switch s := &d.sources[needs]; key {
	case "unless":
		d.unless = v // once the labels have their names
	case "event":
		s.Event = d.in.Event(v)
	case "where":
		d.wanted, s.Where = v, d.in.Where(v)
	case "by":
		s.By = d.in.By(v)
	case "grace":
		d.graced, d.grace = v, d.in.Duration(v, "grace", false)
	case "lateness":
		d.late, d.lateness = v, d.in.Duration(v, "lateness", false)
	case "within":
		d.in.Error(v, "how soon the other event must follow stands with it: write unless: {event: …, within: 60s}")
	case "when":
		d.in.Error(v, "a rule with `unless` counts nothing: it is true of each event that was not followed; a threshold makes another rule, without `unless`")
	}
}

// readUnless reads the event that must follow.
func (d *draft) readUnless() {
	s := &d.sources[excuses]
	d.in.Mapping(d.unless, "unless", []string{"event", "where", "by", "key", "within"}, func(key string, v *yaml.Node) {
		switch key {
		case "event":
			s.Event = d.in.Event(v)
		case "where":
			d.otherWanted, s.Where = v, d.in.Where(v)
		case "by", "key":
			if d.otherBy != nil {
				d.in.Error(v, "`by` and `key` are the same in unless: write one of them")
				return
			}
			d.otherBy, s.By = v, d.in.By(v)
		case "within":
			d.limit, d.within = v, d.in.Duration(v, "within", true)
		}
	})
	if d.unless.Kind != yaml.MappingNode {
		return
	}
	if s.Event == "" {
		d.in.Error(d.unless, "unless names no event: write which type of event must follow, as in unless: {event: payout.recorded, within: 60s}")
	}
	if d.limit == nil {
		d.in.Error(d.unless, "unless has no within: write how soon the event must follow, as in within: 60s")
	}
}

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.unless == nil {
		return nil
	}
	a, b := &d.sources[needs], &d.sources[excuses]
	a.Name, b.Name = "event", "unless"
	d.readUnless()
	switch {
	case a.Event == "" || b.Event == "" || d.within == 0,
		d.wanted != nil && a.Where == nil, d.otherWanted != nil && b.Where == nil:
		return nil
	case d.otherBy == nil:
		b.By = a.By
	case len(a.By) != len(b.By):
		d.in.Error(d.otherBy, "the events of unless are told apart by %s and those of the rule by %s: each field of one stands for the field of the other in its place", fields(len(b.By)), fields(len(a.By)))
		return nil
	}
	if d.graced == nil {
		d.grace = min(d.within, mostGrace)
	}
	d.spare = max(d.lateness, leastSpare)
	if d.late == nil {
		d.lateness, d.spare = d.within, min(max(d.within, leastSpare), mostSpare)
	}
	return &d.rule
}

const (
	// mostGrace bounds how long after its deadline an absence that is not proven is
	// told, where the rule does not say.
	mostGrace = 30 * time.Second
	// How long what may excuse an event that comes late is kept, beside the time
	// within which it does.
	leastSpare = time.Minute
	mostSpare  = 24 * time.Hour
	// stands is how long an alert stands for the last event that nothing followed.
	stands = time.Hour
	// mostDoubt is how long what was said without proof may still be proven.
	mostDoubt = 24 * time.Hour
	// pastStands is how long an alert stands for what was over when people heard.
	pastStands = 15 * time.Minute
)

// The sources of a rule.
const (
	needs   = 0 // an event that must be followed
	excuses = 1 // one that follows
)

type rule struct {
	sources  [2]match.Source
	within   time.Duration
	grace    time.Duration
	lateness time.Duration
	spare    time.Duration
}

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return r.sources[:] }

// Excuses implements form.Excuser.
func (r *rule) Excuses() []string { return []string{r.sources[excuses].Event} }

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("absence rule 1", group, name)
	for i := range r.sources {
		d.Add(r.sources[i].Event, r.sources[i].Where.String())
		d.By(r.sources[i].By)
	}
	d.Length(r.within)
	d.Length(r.grace)
	d.Length(r.lateness)
}

// Explain implements form.Rule.
func (r *rule) Explain() string {
	a, b := &r.sources[needs], &r.sources[excuses]
	text := " no " + b.Event + " event" + which(b)
	if len(a.By) > 0 {
		text += " with the same " + same(b.By, a.By)
	}
	text += " comes within " + strictyaml.DurationText(r.within) + " of a " + a.Event + " event" + which(a)
	if r.grace != min(r.within, mostGrace) {
		text += ", or none is known " + strictyaml.DurationText(r.grace) + " later"
	}
	return text
}

// same are the fields that both events have in common.
func same(by, of []match.Key) string {
	var words []string
	for i, k := range by {
		word := k.String()
		if other := of[i].String(); other != word {
			word += " as " + other
		}
		words = append(words, word)
	}
	return form.And(words)
}

func which(s *match.Source) string {
	if s.Where == nil {
		return ""
	}
	return " where " + form.OneLine(s.Where.String())
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration { return r.within + max(r.grace, r.lateness) }

func fields(n int) string {
	switch n {
	case 0:
		return "no field"
	case 1:
		return "1 field"
	}
	return strconv.Itoa(n) + " fields"
}
