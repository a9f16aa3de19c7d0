package join

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/match"
)

const (
	leastSides = 2
	mostSides  = 4
)

// A saidSide is where a side says what.
type saidSide struct {
	at, event, by, age *yaml.Node
}

// readSides reads what the sides are.
func (d *draft) readSides(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "join names its sides: write join: {charged: {event: charge.captured, by: [data.charge]}, refunded: {event: refund.sent, by: [data.charge]}}")
		return
	}
	count := len(n.Content) / 2
	d.in.Named(n, "join", func(name, v *yaml.Node) {
		if len(d.sides) < mostSides {
			d.readSide(name, v)
		}
	})
	d.broken = d.broken || len(d.sides) < min(count, mostSides)
	switch {
	case count > mostSides:
		d.fail(n, "join has %d sides; a rule compares %d to %d: make two rules of it", count, leastSides, mostSides)
	case count < leastSides && !d.broken:
		d.fail(n, "join has %s; a rule compares %d to %d: for one write a rule with `event` instead", sidesText(count), leastSides, mostSides)
	}
	if !d.broken {
		d.keys()
	}
}

func sidesText(n int) string {
	if n == 1 {
		return "one side"
	}
	return "no side"
}

// taken are names that mean something in `when`.
var taken = []string{"data", "source", "subject", "type", "id", "vars", "lists", "event"}

func (d *draft) readSide(name, v *yaml.Node) {
	s, said := match.Source{Name: name.Value}, saidSide{at: name}
	next := side{name: name.Value}
	switch {
	case !match.IsIdent(name.Value):
		d.fail(name, "%s does not name a side: letters, digits and _, not first a digit, so that `when` can write it", strconv.Quote(name.Value))
	case slices.Contains(taken, name.Value):
		d.fail(name, "the name %s means something else in conditions: name the side by what it is, such as charged or refunded", name.Value)
	}
	d.in.Mapping(v, "the side "+name.Value, []string{"event", "where", "by", "max_age"}, func(key string, v *yaml.Node) {
		switch key {
		case "event":
			said.event, s.Event = v, d.in.Event(v)
			d.broken = d.broken || s.Event == ""
		case "where":
			s.Where = d.in.Where(v)
			d.broken = d.broken || s.Where == nil
		case "by":
			said.by, s.By = v, d.in.By(v)
		case "max_age":
			said.age, next.maxAge = v, int64(d.in.Duration(v, "max_age", true))
			d.broken = d.broken || next.maxAge == 0
		}
	})
	switch {
	case v.Kind != yaml.MappingNode:
		d.broken = true
	case said.event == nil:
		d.fail(v, "the side %s names no event: write which type of event it is, as in %s: {event: charge.captured, by: [data.charge]}", name.Value, name.Value)
	}
	d.sources, d.sides, d.said = append(d.sources, s), append(d.sides, next), append(d.said, said)
}

// keys sees to it that the keys of the sides are alike: each field of one stands for
// the field of the others in its place. Without any, all events are of one key.
func (d *draft) keys() {
	first := slices.IndexFunc(d.sources, func(s match.Source) bool { return len(s.By) > 0 })
	none := !slices.ContainsFunc(d.said, func(s saidSide) bool { return s.by != nil })
	for i := range d.sides {
		s, said := &d.sides[i], &d.said[i]
		n := len(d.sources[i].By)
		s.keyed = n > 0 || none
		d.common = d.common || !s.keyed
		switch {
		case none || first == i:
		case said.by == nil:
			d.fail(said.at, "the side %s has no by, and others have: write the fields of its key, or by: [] if its events belong to every key", s.name)
		case first < 0:
			d.fail(said.at, "no side has a field in by: one must have a key that its events are compared by; leave out by everywhere if all events are of one")
			return
		case n > 0 && n != len(d.sources[first].By):
			d.fail(said.by, "the side %s has %s in by, and %s has %s: each field stands for the one in its place", s.name, fields(n), d.sides[first].name, fields(len(d.sources[first].By)))
		}
	}
}

func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return strconv.Itoa(n) + " fields"
}
