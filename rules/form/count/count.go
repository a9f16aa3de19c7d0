// Package count is the counting form: a rule is true of a key when its events
// within a sliding window are enough, by their number, their different values,
// or the sum, the smallest or the largest of an amount.
//
// It promises that the window is exact, whatever order events come in, and that
// amounts of several assets are never added: of a window that holds several it
// says nothing.
package count

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Form reads counting rules.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "event", Must: "write which type of event it counts, as in `event: payout.sent`"},
		{Name: "where"},
		{Name: "by"},
		{Name: "within", Must: "write how long events count together, as in `within: 24h`"},
		{Name: "lateness"},
		{Name: "when", Must: "write from when on it is true, as in `when: count() >= 3`"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft { return &draft{in: in} }

type draft struct {
	rule
	in               form.Reader
	at, late, wanted *yaml.Node // when, lateness, and where
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	switch s := &d.source; key {
	case "event":
		s.Event = d.in.Event(v)
	case "where":
		d.wanted, s.Where = v, d.in.Where(v)
	case "by":
		s.By = d.in.By(v)
	case "within":
		d.within = d.in.Duration(v, "within", true)
	case "lateness":
		d.late, d.lateness = v, d.in.Duration(v, "lateness", false)
	case "when":
		d.readWhen(v)
	}
}

func (d *draft) readWhen(v *yaml.Node) {
	text, ok := d.in.Text(v, "when")
	if !ok {
		return
	}
	c, measures, values, err := readWhen(d.in.Language(), text)
	if err != nil {
		d.in.ErrorIn(v, err)
		return
	}
	d.at, d.when, d.measures, d.source.Values = v, c, measures, values
}

// How long what can no longer share a window with an event of now is kept, where the
// rule does not say how late events may be: as long as a window, within these bounds.
// What comes still later counts too, by way of the tape.
const (
	leastSpare = time.Minute
	mostSpare  = 24 * time.Hour
)

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.when == nil || d.source.Event == "" || d.within == 0 || d.wanted != nil && d.source.Where == nil {
		return nil
	}
	spare := max(d.lateness, leastSpare)
	if d.late == nil {
		d.lateness, spare = d.within, min(max(d.within, leastSpare), mostSpare)
	}
	d.source.KeepAssets(d.in.Money(d.source.Event))
	d.mixes()
	d.reach()
	d.meet()
	d.columns = columnsOf(d.source.Values)
	d.own = slices.ContainsFunc(d.measures, measure.own)
	d.shares = slices.ContainsFunc(d.measures, func(m measure) bool { return m.of == share })
	if d.shares && len(d.source.By) == 0 {
		d.in.Error(d.at, "share() compares keys with one another, and this rule has none: write which fields make one, as in `by: [data.referrer]`")
	}
	distinct, nums := d.source.Columns()
	d.spec = window.Spec{Within: int64(d.within), Lateness: int64(d.lateness), Spare: int64(spare), Distinct: distinct, Nums: nums, Marks: d.own, Shares: d.shares, Aliased: d.source.Payments()}
	return &d.rule
}

// mixes finds that a window may hold amounts of several assets, and amounts beside
// what is none.
func (d *draft) mixes() {
	for _, text := range d.when.Findings() {
		d.in.Finding(d.at, "%s", text)
	}
	for _, v := range d.source.Values {
		if v.Kind == match.Same {
			asset := v.Fields[0]
			d.in.Finding(d.at, "amounts of different assets cannot be compared or added, and a window that holds more than one asset raises no alert and is an error of the rule: add %s to `by`, or name it in `where`, as in `%s == \"BTC\"` (or `!has(%s)` where there is none)", asset, asset, asset)
		}
	}
}

// meet sees to it that amounts which are added to one another or compared are of one
// asset, also where each has an asset of its own. Of one that is fixed by the key or by
// `where` the window knows nothing, so that the author has to say it of both.
func (d *draft) meet() {
	for _, terms := range d.when.Meets() {
		var at [2]int
		var assets [2]match.Field
		for i, t := range terms {
			assets[i] = d.source.Values[d.measures[t.Of].value].Fields[0].Asset()
			at[i] = slices.IndexFunc(d.source.Values, func(v match.Value) bool { return v.Kind == match.Same && v.Fields[0].Equal(assets[i]) })
		}
		switch {
		case assets[0].Equal(assets[1]), slices.Contains(d.alike, at):
		case at[0] >= 0 && at[1] >= 0:
			d.alike = append(d.alike, at)
		case d.source.Where.PinsAlike(assets[0], assets[1]):
		default:
			d.in.Finding(d.at, "amounts of %s and of %s are added or compared, and nothing sees that these are one asset: name both in `where`, as in `%s == \"BTC\" && %s == \"BTC\"`", assets[0], assets[1], assets[0], assets[1])
		}
	}
}

// reach refuses to count further than windows do.
func (d *draft) reach() {
	distinct, nums := d.source.Columns()
	bound := window.Spec{Distinct: distinct, Nums: nums}.Bound()
	most := decimal.FromInt(int64(bound))
	zero, one := decimal.Decimal{}, decimal.FromInt(1)
	fixed := d.when.Fixed(func(t *condition.Term) condition.Range {
		switch t.Kind {
		case condition.Counted:
			return condition.Range{Most: &most}
		case condition.Part:
			return condition.Range{Least: &zero, Most: &one}
		default:
			return condition.Range{}
		}
	})
	never := slices.IndexFunc(fixed, func(f condition.Fixed) bool { return !f.Always || f.Term.Kind == condition.Part })
	if never < 0 {
		return
	}
	if f := fixed[never]; f.Term.Kind == condition.Part {
		word := "never"
		if f.Always {
			word = "always"
		}
		d.in.ErrorIn(d.at, &match.TextError{Offset: f.At, Text: "this is " + word + " true: share() is from 0 to 1, as in `share() > 0.6`"})
		return
	}
	why := ""
	switch {
	case slices.ContainsFunc(d.source.Values, func(v match.Value) bool { return v.Kind == match.Distinct }):
		why = " where it must tell values apart"
	case distinct > 0:
		why = " where it must see that all amounts are of one asset"
	case nums > 0:
		why = " where it must add or compare numbers"
	}
	d.in.ErrorIn(d.at, &match.TextError{Offset: fixed[never].At, Text: fmt.Sprintf("this is never true: of one key a window keeps %d events at most%s", bound, why)})
}

// columnsOf is the place of each value among those that a window keeps as it does.
func columnsOf(values []match.Value) (columns []int) {
	var next [2]int
	for i := range values {
		kind := 0
		if values[i].Apart() {
			kind = 1
		}
		columns = append(columns, next[kind])
		next[kind]++
	}
	return columns
}

// A rule counts events of one source in a sliding window, key by key. Two
// events exactly within apart share one.
type rule struct {
	source   match.Source
	within   time.Duration
	lateness time.Duration // how late an event may come and still count
	when     *condition.Condition
	measures []measure // its terms
	shares   bool      // it compares keys
	own      bool      // it is about one event and the window that ends there
	columns  []int     // of each of the source's values, among those of its kind
	alike    [][2]int  // values, by their places: assets that must be one, because amounts of them meet
	spec     window.Spec
}

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return []match.Source{r.source} }

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("event rule 1", group, name, r.source.Event, r.source.Where.String(), r.when.String())
	d.By(r.source.By)
	for _, v := range r.source.Values {
		if v.Kind == match.Same { // the others follow from when
			d.Add("value", string(v.Kind), v.Fields[0].String())
		}
	}
	d.Length(r.within)
	d.Length(r.lateness)
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration {
	if r.own { // what an event was compared with matters as long as that does
		return r.within + max(r.within, r.lateness)
	}
	return r.within + r.lateness
}

// State implements form.Rule.
func (r *rule) State() form.State {
	var w *whole
	if r.shares {
		w = newWhole(r.spec)
	}
	return r.state(window.New(r.spec), w)
}

func (r *rule) state(t *window.Table, w *whole) *state {
	return &state{rule: r, table: t, whole: w, asked: asked{rule: r, table: t, whole: w, arrived: window.Newest}}
}

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	table, rest, err := window.Load(r.spec, b)
	if err != nil {
		return nil, nil, err
	}
	var w *whole
	if r.shares {
		w = newWhole(r.spec)
		if w.table, rest, err = window.Load(wholeSpec(r.spec), rest); err != nil {
			return nil, nil, err
		}
	}
	return r.state(table, w), rest, nil
}
