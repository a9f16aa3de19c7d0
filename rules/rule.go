package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/window"
)

type parsedRule struct {
	*Rule
	place
	said      []strictyaml.Member // its keys
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
	condition, when, lateness *yaml.Node
}

// rule reads a rule on events.
func (p *parser) rule(item parsedItem, group string, common []Pair) {
	n := item.at
	d := &draft{parsedRule: &parsedRule{Rule: &Rule{File: p.File.Name, Group: group, Limit: defaultLimit}, place: p.here(n), said: item.said}}
	p.Unmerged(n)
	p.Known(item.said, "a rule", p.ruleKeys(d))
	if !ofLater(item.said) {
		for _, need := range d.needs() {
			p.Lacks(n, item.said, need.key, "the rule has no %s", need.remedy)
		}
	}
	if d.Name != "" {
		p.unique(n, "rule", group+"\x00"+d.Name, strictyaml.Clip(d.Name)+" in group "+strictyaml.Clip(group))
	}
	if d.lateness == nil {
		d.Lateness = d.Within
	}
	d.Labels = merge(common, d.Labels)
	for _, k := range d.By {
		if slices.ContainsFunc(d.Labels, func(l Pair) bool { return l.Name == k.Label }) {
			p.ErrorAt(n, "the label %s is set twice: by labels and by `by`", k.Label)
		}
	}
	p.conditions(d)
	p.rules = append(p.rules, d.parsedRule)
}

func (p *parser) ruleKeys(d *draft) []strictyaml.Key {
	r := d.Rule
	return []strictyaml.Key{
		{Name: "alert", Read: func(v *yaml.Node) { r.Name = p.name(v, "the rule's name") }},
		{Name: "event", Read: func(v *yaml.Node) { r.Event = p.eventType(v) }},
		{Name: "where", Read: func(v *yaml.Node) {
			if text, ok := p.Text(v, "where"); ok {
				r.Where, d.condition = text, v
			}
		}},
		{Name: "by", Read: func(v *yaml.Node) { p.by(v, r) }},
		{Name: "within", Read: func(v *yaml.Node) { r.Within = p.duration(v, "within", true) }},
		{Name: "lateness", Read: func(v *yaml.Node) { r.Lateness = p.duration(v, "lateness", false); d.lateness = v }},
		{Name: "when", Read: func(v *yaml.Node) { d.when = v }},
		{Name: "labels", Read: func(v *yaml.Node) { r.Labels = p.labels(v) }},
		{Name: "annotations", Read: func(v *yaml.Node) { r.Annotations = p.annotations(v) }},
		{Name: "mitigate", Read: func(v *yaml.Node) { p.Each(v, "mitigate", func(n *yaml.Node) { d.uses = p.use(n, d.uses) }) }},
		{Name: "limit", Read: func(v *yaml.Node) { r.Limit = p.limit(v) }},
		{Name: "keep_firing_for", Read: func(v *yaml.Node) { r.KeepFiring = p.duration(v, "keep_firing_for", false) }},
		{Name: "for", Read: func(v *yaml.Node) {
			p.ErrorAt(v, "an event rule has no `for`: it fires at the event that makes it true; `within` says how long events count together")
		}},
		{Name: "sequence", Not: "makes a rule about events in an order"},
		{Name: "reconcile", Not: "makes a rule about two sides that must agree"},
		{Name: "unless", Not: "makes a rule about an event that does not follow"},
		{Name: "settle", Not: "belongs to reconcile"},
		{Name: "except", Not: "belongs to reconcile"},
		{Name: "grace", Not: "belongs to rules about what does not happen"},
		{Name: "key", Not: "belongs to reconcile; events are counted apart with `by`"},
	}
}

// A need is a key that every rule has, and what to write.
type need struct{ key, remedy string }

// needs is what this rule lacks.
func (d *draft) needs() (out []need) {
	if d.Name == "" {
		out = append(out, need{"alert", "name: write `alert: Name`"})
	}
	if d.Event == "" {
		out = append(out, need{"event", "event: write which type of event it counts, as in `event: payout.sent`"})
	}
	if d.Within == 0 {
		out = append(out, need{"within", "within: write how long events count together, as in `within: 24h`"})
	}
	if d.when == nil {
		out = append(out, need{"when", "when: write from when on it is true, as in `when: count() >= 3`"})
	}
	return out
}

// ofLater tells whether a rule is of a form that this version lacks, and so needs
// other keys.
func ofLater(said []strictyaml.Member) bool {
	for _, name := range []string{"sequence", "reconcile", "unless"} {
		if strictyaml.ValueOf(said, name) != nil {
			return true
		}
	}
	return false
}

// conditions compiles where and when. Each is looked at whatever is wrong with
// the rest, so that all errors of a rule are told at once.
func (p *parser) conditions(d *draft) {
	before := p.Noted()
	if d.condition != nil {
		var err *exprError
		if d.where, err = p.lang.condition(d.Where); err != nil {
			p.ErrorIn(d.condition, err.offset, err.text)
		}
	}
	if d.when == nil {
		return
	}
	text, ok := p.Text(d.when, "when")
	if !ok {
		return
	}
	when, values, err := p.lang.when(text)
	if err != nil {
		p.ErrorIn(d.when, err.offset, err.text)
	}
	if p.Noted() > before {
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
	p.ErrorIn(d.when, n.at, fmt.Sprintf("this is never true: of one key a window keeps %d events at most%s", bound, why))
}

func (p *parser) eventType(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		p.ErrorAt(n, "event is one event type, a text")
		return "?" // it was noted
	}
	s := p.name(n, "event")
	if strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "*") {
		p.ErrorAt(n, "%s is not an event type: it is one word, such as payout.sent, without * and spaces", strictyaml.Clip(s))
	}
	return s
}

func (p *parser) limit(n *yaml.Node) int {
	limit, err := strconv.Atoi(n.Value)
	if err != nil || limit < 1 || limit > maxLimit {
		p.ErrorAt(n, "limit is a number of alerts from 1 to %d, not %s", maxLimit, strictyaml.Clip(n.Value))
	}
	return limit
}

// by reads fields, each as a path or as label: path.
func (p *parser) by(n *yaml.Node, r *Rule) {
	if n.Kind == yaml.MappingNode {
		p.labeled(n, r)
		return
	}
	p.Each(n, "by", func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			p.labeled(n, r)
			return
		}
		if path, ok := p.Text(n, "a field of by"); ok {
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
		p.ErrorIn(n, err.offset, err.text)
		return
	}
	if label == "" {
		label = f.last()
		if !isIdent(label) {
			p.ErrorAt(n, "%s makes no label name; write one, as in {name: %s}", strictyaml.Clip(label), path)
			return
		}
	}
	p.labelName(n, label)
	switch {
	case slices.ContainsFunc(r.By, func(k Key) bool { return k.Label == label }):
		p.ErrorAt(n, "two fields of `by` make the label %s; name one of them, as in {other: %s}", label, path)
	case len(r.By) == maxKeys:
		p.ErrorAt(n, "`by` has more than %d fields", maxKeys)
	}
	r.By = append(r.By, Key{label, f.String()})
	r.fields = append(r.fields, f)
}

// use reads a mitigation's name, or {use: name, mode: mode}, and adds it.
func (p *parser) use(n *yaml.Node, uses []parsedUse) []parsedUse {
	use, before := parsedUse{place: p.here(n)}, p.Noted()
	if n.Kind == yaml.MappingNode {
		p.Mapping(n, "an entry of mitigate", []strictyaml.Key{
			{Name: "use", Read: func(v *yaml.Node) { use.name, use.place = p.name(v, "use"), p.here(v) }},
			{Name: "mode", Read: func(v *yaml.Node) { use.mode = p.mode(v) }},
		})
		if use.name == "" {
			p.lacks(n, before, "an entry of mitigate is a name or {use: name, mode: mode}")
			return uses
		}
	} else if use.name = p.name(n, "an entry of mitigate"); use.name == "" {
		return uses
	}
	if slices.ContainsFunc(uses, func(u parsedUse) bool { return u.name == use.name }) {
		p.ErrorAt(n, "the rule names the mitigation %s twice", strictyaml.Clip(use.name))
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
