// Package sequence is the form of events in an order: a rule is true of a key when
// some of its events are the steps of a sequence, one after another within a time, and
// nothing that must not be between two of them is there.
//
// It promises that the order is that of the events' times, whatever order they come in,
// and that it is exact among what is kept of a key.
package sequence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Form reads rules about sequences.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "sequence", Must: "write its steps, as in `sequence: [{event: payout.attempt}, {event: payout.attempt}]`"},
		{Name: "by"},
		{Name: "within", Must: "write how long all of it may take, as in `within: 1h`"},
		{Name: "lateness"},
		{Name: "event"},
		{Name: "where"},
		{Name: "when"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft { return &draft{in: in} }

type draft struct {
	rule
	in          form.Reader
	steps, late *yaml.Node
	by          []match.Key
	broken      bool
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	switch key {
	case "sequence":
		d.steps = v // once the labels have their names
	case "by":
		d.by = d.in.By(v)
	case "within":
		d.within = d.in.Duration(v, "within", true)
	case "lateness":
		d.late, d.lateness = v, d.in.Duration(v, "lateness", false)
	case "event", "where":
		d.in.Error(v, "%s belongs to a step: write it in sequence, as in sequence: [{event: payout.attempt, where: …}, …]", key)
	case "when":
		d.in.Error(v, "a sequence counts nothing: it is true once its steps are complete; `when` makes another rule, without sequence")
	}
}

// maxSteps bounds the steps of a sequence.
const maxSteps = 8

// A step is an event that must come, or one that must not.
type step struct {
	at            *yaml.Node
	not           bool
	source        match.Source
	wanted, other *yaml.Node // where and by
}

// readStep reads one step.
func (d *draft) readStep(n *yaml.Node) {
	s := step{at: n}
	var event, not *yaml.Node
	ok := n.Kind == yaml.MappingNode
	d.in.Mapping(n, "a step of sequence", []string{"event", "not", "where", "by"}, func(key string, v *yaml.Node) {
		switch key {
		case "event":
			event, s.source.Event = v, d.in.Event(v)
		case "not":
			not, s.not, s.source.Event = v, true, d.in.Event(v)
		case "where":
			s.wanted, s.source.Where = v, d.in.Where(v)
		case "by":
			d.readBy(&s, v)
		}
	})
	switch {
	case ok && event == nil && not == nil:
		d.in.Error(n, "a step names no event: write {event: payout.attempt} for one that comes, or {not: payout.result} for one that does not")
	case event != nil && not != nil:
		d.in.Error(n, "a step is of an event that comes or of one that does not: write `event` or `not`")
	}
	if s.other == nil {
		s.source.By = d.by
	}
	d.broken = d.broken || s.source.Event == "" || event != nil && not != nil || s.wanted != nil && s.source.Where == nil
	d.all = append(d.all, s)
}

// readBy reads the fields of a step that stand for those of the rule.
func (d *draft) readBy(s *step, v *yaml.Node) {
	s.other = v
	if len(d.by) == 0 {
		d.in.Error(v, "`by` of a step says what the fields of the rule's own `by` are called there, and the rule has none")
		d.broken = true
		return
	}
	if s.source.By = d.in.By(v); len(s.source.By) != len(d.by) {
		d.in.Error(v, "`by` of a step has as many fields as that of the rule, each for the one in its place: there are %d, and %d here", len(d.by), len(s.source.By))
		d.broken = true
	}
}

// How long what can no longer be of a sequence with an event of now is kept, where the
// rule does not say how late events may be; and at least, so that what makes an alert
// stand is there.
const (
	leastSpare = stands
	mostSpare  = 24 * time.Hour
)

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.steps == nil {
		return nil
	}
	d.in.Each(d.steps, "sequence", d.readStep)
	if d.steps.Kind != yaml.SequenceNode || d.broken || !d.ordered() || d.within == 0 {
		return nil
	}
	spare := max(d.lateness, leastSpare)
	if d.late == nil {
		d.lateness, spare = d.within, min(max(d.within, leastSpare), mostSpare)
	}
	d.spec = window.Spec{Within: int64(d.within), Lateness: int64(d.lateness), Spare: int64(spare), Distinct: 1}
	d.compile()
	return &d.rule
}

// ordered notes what is wrong with the order of the steps.
func (d *draft) ordered() bool {
	n := len(d.all)
	positive := 0
	for i := range d.all {
		if !d.all[i].not {
			positive++
		}
	}
	switch {
	case n > maxSteps:
		d.in.Error(d.all[maxSteps].at, "a sequence has at most %d steps", maxSteps)
	case n > 0 && d.all[0].not:
		d.in.Error(d.all[0].at, "a sequence begins with an event that comes: what must not come before it has no beginning")
	case n > 0 && d.all[n-1].not:
		d.in.Error(d.all[n-1].at, "a sequence ends with an event that comes; that one does not come after another is a rule of its own: event: %s, unless: {event: %s, within: …}", d.all[max(0, n-2)].source.Event, d.all[n-1].source.Event)
	case positive < 2:
		d.in.Error(d.steps, "a sequence has at least two events that come; for one alone write event, within and when")
	default:
		return true
	}
	return false
}

// A rule is a sequence of steps that events of one key must be.
type rule struct {
	all      []step
	within   time.Duration
	lateness time.Duration
	spec     window.Spec

	roles []role // of each source
	last  int    // of the steps that must come, counted from 0
	twice bool   // an event may be of two sources
}

// A role is what an event of a source is: a step, or what must not come after one.
type role struct {
	not bool
	at  int // of the steps that must come
}

// bits are the role of a source as an entry of the window keeps it.
func (r role) bits() uint64 {
	if r.not {
		return 1 << (maxSteps + r.at)
	}
	return 1 << r.at
}

func (r *rule) compile() {
	seen := map[string]bool{}
	at := -1
	for _, s := range r.all {
		if !s.not {
			at++
		}
		r.roles = append(r.roles, role{s.not, at})
		r.twice = r.twice || seen[s.source.Event]
		seen[s.source.Event] = true
	}
	r.last = at
}

// Sources implements form.Rule.
func (r *rule) Sources() (out []match.Source) {
	for _, s := range r.all {
		out = append(out, s.source)
	}
	return out
}

// Excuses implements form.Excuser.
func (r *rule) Excuses() (events []string) {
	for _, s := range r.all {
		if s.not && !slices.Contains(events, s.source.Event) {
			events = append(events, s.source.Event)
		}
	}
	return events
}

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("sequence rule 1", group, name)
	for _, s := range r.all {
		word := "event"
		if s.not {
			word = "not"
		}
		d.Add(word, s.source.Event, s.source.Where.String())
		d.By(s.source.By)
	}
	d.Length(r.within)
	d.Length(r.lateness)
}

// Explain implements form.Rule.
func (r *rule) Explain() string {
	var text strings.Builder
	var between []string
	for i, s := range r.all {
		what := s.source.Event + " event"
		if s.source.Where != nil {
			what += " where " + form.OneLine(s.source.Where.String())
		}
		switch {
		case s.not:
			between = append(between, "no "+what)
			continue
		case between != nil:
			fmt.Fprintf(&text, ", and after it, with %s between them,", form.And(between))
			between = nil
		case i > 0:
			text.WriteString(", and after it")
		}
		text.WriteString(" one " + what)
	}
	text.WriteString(" come")
	if by := form.OfOne(r.all[0].source.By); by != "" {
		text.WriteString(", all" + by + ",")
	}
	return text.String() + " within " + strictyaml.DurationText(r.within)
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration { return r.within + r.lateness }

// State implements form.Rule.
func (r *rule) State() form.State { return &state{rule: r, table: window.New(r.spec)} }

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	table, rest, err := window.Load(r.spec, b)
	if err != nil {
		return nil, nil, err
	}
	return &state{rule: r, table: table}, rest, nil
}
