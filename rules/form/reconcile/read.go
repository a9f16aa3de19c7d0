package reconcile

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Form reads rules of two sides that must agree.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "reconcile", Must: "write two sides with names of your own, as in `reconcile: {recorded: {event: payout.result, key: [data.address]}, on_chain: {event: chain.sent, key: [data.address]}}`"},
		{Name: "settle"},
		{Name: "except"},
		{Name: "when", Must: "write which side may not have more than the other, as in `when: on_chain > recorded`"},
		{Name: "within"},
		{Name: "grace"},
		{Name: "lateness"},
		{Name: "event"},
		{Name: "where"},
		{Name: "by"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft {
	return &draft{in: in, rule: rule{settle: defaultSettle, within: defaultWithin}}
}

type draft struct {
	rule
	in form.Reader
	// The values of keys, which are read once all are known: the key of the first side
	// names the labels, and `when` speaks of both.
	sides, except, when                *yaml.Node
	settled, reaches, waits, lateComes *yaml.Node
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	switch key {
	case "reconcile":
		d.sides = v
	case "except":
		d.except = v
	case "when":
		d.when = v
	case "settle":
		d.settled, d.settle = v, d.in.Duration(v, "settle", false)
	case "within":
		d.reaches, d.within = v, d.in.Duration(v, "within", true)
	case "grace":
		d.waits, d.grace = v, d.in.Duration(v, "grace", false)
	case "lateness":
		d.lateComes, d.lateness = v, d.in.Duration(v, "lateness", false)
	default: // event, where, by
		d.in.Error(v, "`%s` belongs to each side of a reconcile: write {event: payout.result, where: …, key: [data.address]} under the side's name", key)
	}
}

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.sides == nil || !d.readSides() {
		return nil
	}
	if d.except != nil && !d.readSide("except", d.except) {
		return nil
	}
	d.lengths()
	if !d.alike() || d.when == nil {
		return nil
	}
	text, ok := d.in.Text(d.when, "when")
	if !ok {
		return nil
	}
	asked, err := readWhen(d.in.Language(), text, d.names)
	if err != nil {
		d.in.ErrorIn(d.when, err)
		return nil
	}
	d.asked = asked
	return &d.rule
}

// readSides reads both sides; false if there are not two that could be read.
func (d *draft) readSides() bool {
	var names []string
	if d.sides.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(d.sides.Content); i += 2 {
			names = append(names, d.sides.Content[i].Value)
		}
	}
	sound := true
	d.in.Mapping(d.sides, "reconcile", names, func(name string, v *yaml.Node) {
		switch n := len(d.sources); {
		case n == len(d.names):
			d.in.Error(v, "a reconcile has two sides, and %s is one more: what is to be taken out of both is written as `except`", strictyaml.Clip(name))
			sound = false
		case !isName(d.in.Language(), name):
			d.in.Error(v, "`when` cannot name a side %s: a name is one word of letters, digits and _, such as on_chain", strictyaml.Clip(name))
			sound = false
		default:
			d.names[n] = name
			sound = d.readSide(name, v) && sound
		}
	})
	if d.sides.Kind != yaml.MappingNode || !sound {
		return false
	}
	if len(names) < len(d.names) {
		d.in.Error(d.sides, "a reconcile has two sides: write both with names of your own, as in {recorded: {event: payout.result, key: [data.address]}, on_chain: {event: chain.sent, key: [data.address]}}")
	}
	return len(d.sources) == len(d.names)
}

// readSide reads the events of a side and adds them; false if they could not be read.
func (d *draft) readSide(name string, n *yaml.Node) bool {
	s := match.Source{Name: name}
	var where, key *yaml.Node
	d.in.Mapping(n, name, []string{"event", "where", "key"}, func(k string, v *yaml.Node) {
		switch k {
		case "event":
			s.Event = d.in.Event(v)
		case "where":
			where, s.Where = v, d.in.Where(v)
		case "key":
			key, s.By = v, d.in.By(v)
		}
	})
	d.sources = append(d.sources, s)
	switch {
	case n.Kind != yaml.MappingNode:
		return false
	case s.Event == "":
		d.in.Error(n, "%s names no event: write which type its events are of, as in {event: chain.sent, key: [data.address]}", name)
		return false
	case key == nil:
		d.in.Error(n, "%s has no key: write the fields that its events have in common with those of the other side, as in key: [data.asset, data.address, data.amount]", name)
		return false
	}
	return (where == nil || s.Where != nil) && d.fits(key, s)
}

// fits tells whether the key can be compared with that of the first side.
func (d *draft) fits(n *yaml.Node, s match.Source) bool {
	by := d.sources[first].By
	if len(s.By) == 0 {
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 || n.Kind == yaml.MappingNode && len(n.Content) == 0 {
			d.in.Error(n, "the key has no field: write those that tell one event from another, as in [data.asset, data.address, data.amount]")
		}
		return false
	}
	if len(by) == 0 {
		return false // it was noted
	}
	if len(by) != len(s.By) {
		d.in.Error(n, "this key has %s and that of %s %s: each field stands for the one in its place", fields(len(s.By)), d.names[first], fields(len(by)))
		return false
	}
	for i, k := range s.By {
		event := s.Event // of the one that is no amount
		if d.money(s.Event, k) {
			event = d.sources[first].Event
		}
		if d.money(s.Event, k) != d.money(d.sources[first].Event, by[i]) {
			d.in.Finding(n, "%s and %s are compared as they are written, because only one of them is known to be an amount, so that 1.10 and 1.1 are two keys: name the other one in `events`, as in {%s: {money: [value]}}", k, by[i], event)
		}
	}
	return true
}

// money tells whether a key is an exact decimal, of which all spellings are one.
func (d *draft) money(event string, k match.Key) bool {
	return k.Terms != nil || k.Field.Money() || slices.ContainsFunc(d.in.Money(event), k.Field.Equal)
}

func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return strconv.Itoa(n) + " fields"
}

// lengths finds what does not fit of the durations, and what follows from them.
func (d *draft) lengths() {
	if d.reaches == nil {
		d.within = max(d.within, d.settle)
	}
	at := d.reaches
	if at == nil {
		at = d.settled
	}
	switch {
	case at == nil:
	case d.within < d.settle:
		d.in.Error(at, "within (%s) is how long an event can still get a partner, and settle (%s) how long that is no mismatch: within must be as long or longer", strictyaml.DurationText(d.within), strictyaml.DurationText(d.settle))
	case d.within > mostWithin:
		d.in.Error(at, "an event that has no partner is kept for as long as it can get one, and that is 400d at most")
	}
	if d.waits == nil {
		d.grace = min(d.settle, mostGrace)
	}
	d.spare = max(d.lateness, leastSpare)
	if d.lateComes == nil {
		d.lateness, d.spare = d.within, min(max(d.within, leastSpare), mostSpare)
	}
}

// alike finds sides that are the same events; false if they are.
func (d *draft) alike() bool {
	var keys [2]form.Digest
	for side := range keys {
		s := &d.sources[side]
		keys[side].Add(s.Event, s.Where.String())
		keys[side].By(s.By)
	}
	if keys[first].Sum() == keys[second].Sum() {
		d.in.Error(d.sides, "%s and %s are the same events, so that none of them is ever without a partner", d.names[first], d.names[second])
		return false
	}
	return true
}
