// Package join is the form of two to four sides that share a key and are compared by
// their totals and levels: a rule is true of a key when, after an event of one of its
// sides, what the sides hold satisfies a condition.
//
// It promises that the window of each event is exact, whatever order events come in;
// that what one side may still report is waited for, and what was not waited for is
// said to be uncertain; and that amounts of several assets are never added or compared.
package join

import (
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Form reads rules about sides that share a key.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "join", Must: "write two to four sides, as in `join: {charged: {event: charge.captured, by: [data.charge]}, refunded: {event: refund.sent, by: [data.charge]}}`"},
		{Name: "within", Must: "write how long events count together, as in `within: 24h`"},
		{Name: "when", Must: "write from when on it is true, as in `when: sum(refunded.data.amount) > sum(charged.data.amount)`"},
		{Name: "settle"},
		{Name: "grace"},
		{Name: "lateness"},
		{Name: "event"},
		{Name: "where"},
		{Name: "by"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft { return &draft{in: in, nodes: map[string]*yaml.Node{}} }

type draft struct {
	rule
	in     form.Reader
	nodes  map[string]*yaml.Node // of the rule's keys
	said   []saidSide
	broken bool
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	d.nodes[key] = v
	switch key {
	case "within":
		d.within = int64(d.in.Duration(v, key, true))
	case "settle":
		d.settle = int64(d.in.Duration(v, key, false))
	case "grace":
		d.grace = int64(d.in.Duration(v, key, false))
	case "lateness":
		d.lateness = int64(d.in.Duration(v, key, false))
	case "event", "where", "by":
		d.fail(v, "%s stands with each side: write join: {name: {event: …, where: …, by: […]}, …}", key)
	}
}

// fail notes an error without which there would be a rule.
func (d *draft) fail(n *yaml.Node, format string, args ...any) {
	d.broken = true
	d.in.Error(n, format, args...)
}

const (
	// mostSettle is how long the sides may lag behind each other, and mostGrace how
	// long more is waited for those who were not heard, where the rule does not say.
	mostSettle = int64(30 * time.Second)
	mostGrace  = int64(30 * time.Second)
	// How long what can no longer share a window with an event of now is kept.
	leastSpare = int64(time.Minute)
	mostSpare  = int64(24 * time.Hour)
)

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.nodes["join"] == nil {
		return nil
	}
	d.readSides(d.nodes["join"])
	if d.broken || d.within == 0 || d.nodes["when"] == nil || !d.readWhen(d.nodes["when"]) {
		return nil
	}
	d.ages()
	if d.keepAssets(); d.broken {
		return nil
	}
	d.lengths()
	d.specs()
	return &d.rule
}

// lengths are those that the rule does not say.
func (d *draft) lengths() {
	levels := false
	d.reach = d.within
	for i := range d.sides {
		levels = levels || d.sides[i].maxAge != 0
		d.reach = max(d.reach, d.sides[i].maxAge)
	}
	if d.nodes["settle"] == nil && !levels {
		d.settle = mostSettle
	}
	if d.nodes["grace"] == nil {
		d.grace = min(d.settle, mostGrace)
	}
	spare := max(d.lateness, leastSpare)
	if d.nodes["lateness"] == nil {
		d.lateness = d.within
		spare = min(max(d.within, leastSpare), mostSpare)
	}
	d.spare = spare + d.settle + d.grace + leastSpare
	d.levels = levels
}

// specs say what is kept of the events of each side.
func (d *draft) specs() {
	for i := range d.sources {
		distinct, nums := d.sources[i].Columns()
		d.all = append(d.all, window.Spec{Within: d.reach + d.settle, Lateness: d.lateness, Spare: d.spare, Distinct: distinct, Nums: nums, Aliased: d.sources[i].Payments()})
	}
}

// A rule compares the sides of a key. Times and lengths are nanoseconds.
type rule struct {
	sources []match.Source
	sides   []side
	all     []window.Spec // of the sides
	when    *condition.Condition
	asks    []ask  // of when
	alike   []pair // assets that must be equal
	within  int64
	settle  int64 // how long one side may lag behind another
	grace   int64 // how long more is waited for those who were not heard
	reach   int64 // how far before an event another may be that counts with it

	lateness, spare int64
	levels          bool // a side must not be older than so much
	common          bool // a side belongs to every key
	doubtful        bool // the condition may be a fault
}

// A side is one of the sources.
type side struct {
	name   string
	keyed  bool  // its events have a key; else they belong to all
	maxAge int64 // 0 if it may be of any age
	read   bool  // by when
	whole  bool  // all of its window is, not only the newest
	same   []int // columns of what its events must have in common
}

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return r.sources }

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("join rule 1", group, name, r.when.String(), strconv.Itoa(len(r.sides)))
	for i := range r.sides {
		s := &r.sources[i]
		d.Add(r.sides[i].name, s.Event, s.Where.String(), strconv.FormatBool(r.sides[i].keyed))
		d.By(s.By)
		for _, v := range s.Values {
			d.Add(string(v.Kind), v.Fields[0].String())
		}
		d.Length(time.Duration(r.sides[i].maxAge))
	}
	for _, t := range []int64{r.within, r.settle, r.grace, r.lateness} {
		d.Length(time.Duration(t))
	}
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration {
	return time.Duration(r.reach + r.settle + max(r.grace, r.lateness))
}
