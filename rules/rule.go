package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/window"
)

type parsedRule struct {
	*Rule
	uses      []parsedUse
	threshold place
}

type parsedUse struct {
	name string
	mode Mode
	place
}

const (
	defaultLimit = 1000
	maxLimit     = 100_000
)

// draft is a rule while its keys are read; what depends on several of them is
// looked at when all are known.
type draft struct {
	*parsedRule
	node, condition, when, lateness *yaml.Node
}

// rule reads a rule on events.
func (p *parser) rule(item parsedItem, group string, common []Pair) {
	n := item.at
	d := &draft{parsedRule: &parsedRule{Rule: &Rule{File: p.file.Name, Group: group, Limit: defaultLimit}}, node: n}
	before := p.noted
	p.unmerged(n)
	p.known(item.said, "a rule", p.ruleKeys(d))
	if need := d.needs(); need != "" {
		p.lacks(n, before, "the rule has no %s", need)
		return
	}
	p.unique(n, "rule", group+"\x00"+d.Name, clip(d.Name)+" in group "+clip(group))
	if d.lateness == nil {
		d.Lateness = d.Within
	}
	d.Labels = merge(common, d.Labels)
	for _, k := range d.By {
		if slices.ContainsFunc(d.Labels, func(l Pair) bool { return l.Name == k.Label }) {
			p.errorAt(n, "the label %s is set twice: by labels and by `by`", k.Label)
		}
	}
	p.conditions(d)
	p.rules = append(p.rules, d.parsedRule)
}

func (p *parser) ruleKeys(d *draft) []key {
	r := d.Rule
	return []key{
		{name: "alert", read: func(v *yaml.Node) { r.Name = p.name(v, "the rule's name") }},
		{name: "event", read: func(v *yaml.Node) { r.Event = p.eventType(v) }},
		{name: "where", read: func(v *yaml.Node) {
			if text, ok := p.text(v, "where"); ok {
				r.Where, d.condition = text, v
			}
		}},
		{name: "by", read: func(v *yaml.Node) { p.by(v, r) }},
		{name: "within", read: func(v *yaml.Node) { r.Within = p.duration(v, "within", true) }},
		{name: "lateness", read: func(v *yaml.Node) { r.Lateness = p.duration(v, "lateness", false); d.lateness = v }},
		{name: "when", read: func(v *yaml.Node) { d.when = v }},
		{name: "labels", read: func(v *yaml.Node) { r.Labels = p.labels(v) }},
		{name: "annotations", read: func(v *yaml.Node) { r.Annotations = p.annotations(v) }},
		{name: "mitigate", read: func(v *yaml.Node) { p.each(v, "mitigate", func(n *yaml.Node) { d.uses = p.use(n, d.uses) }) }},
		{name: "limit", read: func(v *yaml.Node) { r.Limit = p.limit(v) }},
		{name: "keep_firing_for", read: func(v *yaml.Node) { r.KeepFiring = p.duration(v, "keep_firing_for", false) }},
		{name: "for", read: func(v *yaml.Node) {
			p.errorAt(v, "an event rule has no `for`: it fires at the event that makes it true; `within` says how long events count together")
		}},
		{name: "sequence", not: "makes a rule about events in an order"},
		{name: "reconcile", not: "makes a rule about two sides that must agree"},
		{name: "unless", not: "makes a rule about an event that does not follow"},
		{name: "settle", not: "belongs to reconcile"},
		{name: "except", not: "belongs to reconcile"},
		{name: "grace", not: "belongs to rules about what does not happen"},
		{name: "key", not: "belongs to reconcile; events are counted apart with `by`"},
	}
}

// needs is what every rule has and this one lacks.
func (d *draft) needs() string {
	switch {
	case d.Name == "":
		return "name: write `alert: Name`"
	case d.Event == "":
		return "event: write which type of event it counts, as in `event: payout.sent`"
	case d.Within == 0:
		return "within: write how long events count together, as in `within: 24h`"
	case d.when == nil:
		return "when: write from when on it is true, as in `when: count() >= 3`"
	}
	return ""
}

// conditions compiles where and when.
func (p *parser) conditions(d *draft) {
	if d.condition != nil {
		var err *exprError
		if d.where, err = p.lang.condition(d.Where); err != nil {
			p.errorIn(d.condition, err.offset, err.text)
			return
		}
	}
	text, ok := p.text(d.when, "when")
	if !ok {
		return
	}
	when, values, err := p.lang.when(text)
	if err != nil {
		p.errorIn(d.when, err.offset, err.text)
		return
	}
	d.When, d.Values = when, values
	d.threshold = p.here(d.when)
	d.units()
	p.reach(d)
	d.ID = d.identity()
}

// units sees to it that amounts of different assets are not added up. Where
// neither the key nor the condition says the asset, the windows keep it.
func (d *draft) units() {
	for _, v := range d.Values {
		f := v.fields[0]
		if v.Kind == Distinct || !f.money() {
			continue
		}
		asset := field{"data", append(slices.Clone(f.path[:len(f.path)-1]), "asset")}
		is := func(k field) bool { return k.key() == asset.key() }
		switch {
		case slices.ContainsFunc(d.fields, is), d.where != nil && d.where.pins(asset):
		case slices.ContainsFunc(d.Values, func(v Value) bool { return v.Kind == Same && is(v.fields[0]) }):
		default:
			d.Values = append(d.Values, Value{Kind: Same, Paths: []string{asset.String()}, fields: []field{asset}})
		}
	}
}

// reach refuses to count further than windows do.
func (p *parser) reach(d *draft) {
	distinct, nums := d.Columns()
	bound := window.Spec{Distinct: distinct, Nums: nums}.Bound()
	n := d.When.root.unreachable(bound)
	if n == nil {
		return
	}
	why := ""
	switch {
	case slices.ContainsFunc(d.Values, func(v Value) bool { return v.Kind == Distinct }):
		why = " where it must tell values apart"
	case distinct > 0:
		why = " where it must see that all amounts are of one asset"
	case nums > 0:
		why = " where it must add or compare numbers"
	}
	p.errorIn(d.when, n.at, fmt.Sprintf("this is never true: of one key a window keeps %d events at most%s", bound, why))
}

func (p *parser) eventType(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		p.errorAt(n, "event is one event type, a text")
		return "?" // it was noted
	}
	s := p.name(n, "event")
	if strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "*") {
		p.errorAt(n, "%s is not an event type: it is one word, such as payout.sent, without * and spaces", clip(s))
	}
	return s
}

func (p *parser) limit(n *yaml.Node) int {
	limit, err := strconv.Atoi(n.Value)
	if err != nil || limit < 1 || limit > maxLimit {
		p.errorAt(n, "limit is a number of alerts from 1 to %d, not %s", maxLimit, clip(n.Value))
	}
	return limit
}

// by reads fields, each as a path or as label: path.
func (p *parser) by(n *yaml.Node, r *Rule) {
	if n.Kind == yaml.MappingNode {
		p.labeled(n, r)
		return
	}
	p.each(n, "by", func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			p.labeled(n, r)
			return
		}
		if path, ok := p.text(n, "a field of by"); ok {
			p.key(n, r, "", path)
		}
	})
}

func (p *parser) labeled(n *yaml.Node, r *Rule) {
	p.pairs(n, "by", func(k, v *yaml.Node) { p.key(v, r, k.Value, v.Value) })
}

const maxKeys = 16

func (p *parser) key(n *yaml.Node, r *Rule, label, path string) {
	f, err := p.lang.field(path)
	if err != nil {
		p.errorIn(n, err.offset, err.text)
		return
	}
	if label == "" {
		label = f.last()
		if !isIdent(label) {
			p.errorAt(n, "%s makes no label name; write one, as in {name: %s}", clip(label), path)
			return
		}
	}
	p.labelName(n, label)
	switch {
	case slices.ContainsFunc(r.By, func(k Key) bool { return k.Label == label }):
		p.errorAt(n, "two fields of `by` make the label %s; name one of them, as in {other: %s}", label, path)
	case len(r.By) == maxKeys:
		p.errorAt(n, "`by` has more than %d fields", maxKeys)
	}
	r.By = append(r.By, Key{label, f.String()})
	r.fields = append(r.fields, f)
}

// use reads a mitigation's name, or {use: name, mode: mode}, and adds it.
func (p *parser) use(n *yaml.Node, uses []parsedUse) []parsedUse {
	use, before := parsedUse{place: p.here(n)}, p.noted
	if n.Kind == yaml.MappingNode {
		p.mapping(n, "an entry of mitigate", []key{
			{name: "use", read: func(v *yaml.Node) { use.name, use.place = p.name(v, "use"), p.here(v) }},
			{name: "mode", read: func(v *yaml.Node) { use.mode = p.mode(v) }},
		})
		if use.name == "" {
			p.lacks(n, before, "an entry of mitigate is a name or {use: name, mode: mode}")
			return uses
		}
	} else if use.name = p.name(n, "an entry of mitigate"); use.name == "" {
		return uses
	}
	if slices.ContainsFunc(uses, func(u parsedUse) bool { return u.name == use.name }) {
		p.errorAt(n, "the rule names the mitigation %s twice", clip(use.name))
	}
	return append(uses, use)
}

// merge puts what a rule says over what its group says.
func merge(group, rule []Pair) []Pair {
	out := slices.DeleteFunc(slices.Clone(group), func(g Pair) bool {
		return slices.ContainsFunc(rule, func(r Pair) bool { return r.Name == g.Name })
	})
	return append(out, rule...)
}
