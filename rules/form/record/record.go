// Package record is the form that raises no alert: it counts events, or adds up an
// amount of theirs, key by key, for whoever asks by PromQL.
//
// It promises that a sum is exact, that every event counts once when it comes, however
// late, and that amounts of several assets are never added. There is no window: what it
// counts only grows, as Prometheus wants it of a counter, so rate() and increase() say
// how much that was in any time.
package record

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Form reads rules that record.
type Form struct{}

// Keys implements form.Form.
func (Form) Keys() []form.Key {
	return []form.Key{
		{Name: "event", Must: "write which type of event it counts, as in `event: payout.sent`"},
		{Name: "where"},
		{Name: "by"},
		{Name: "value"},
		{Name: "limit"},
	}
}

// Begin implements form.Form.
func (Form) Begin(in form.Reader) form.Draft { return &draft{rule: rule{most: defaultMost}, in: in} }

// How many series a rule makes.
const (
	defaultMost = 1000
	mostMost    = 100_000
)

type draft struct {
	rule
	in            form.Reader
	wanted, value *yaml.Node // where, and value
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
	case "value":
		d.value = v
		d.readValue(v)
	case "limit":
		d.most = d.in.Number(v, "limit is a number of series", mostMost)
	}
}

func (d *draft) readValue(v *yaml.Node) {
	text, ok := d.in.Text(v, "value")
	if !ok {
		return
	}
	e, err := d.in.Language().Parse(text)
	if err == nil {
		d.sum, err = readValue(e)
	}
	if err != nil {
		d.in.ErrorIn(v, err)
	}
}

// readValue is the field whose sum is asked for; none for count().
func readValue(e *match.Expression) (*match.Field, *match.TextError) {
	part := e.Root()
	wrong := func() (*match.Field, *match.TextError) {
		return nil, e.Errorf(part, "`value` is count() or the sum of a field, as in `sum(data.amount)`; of what is recorded, PromQL makes the rest")
	}
	if part.Kind() != ast.CallKind || part.AsCall().IsMemberFunction() {
		return wrong()
	}
	switch call := part.AsCall(); {
	case call.FunctionName() == "count" && len(call.Args()) == 0:
		return nil, nil
	case call.FunctionName() == "sum" && len(call.Args()) == 1:
		if f, ok := match.FieldOf(call.Args()[0]); ok {
			return &f, nil
		}
	}
	return wrong()
}

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.source.Event == "" || d.wanted != nil && d.source.Where == nil {
		return nil
	}
	if d.sum == nil {
		return &d.rule
	}
	d.source.Values = []match.Value{{Kind: match.Sum, Fields: []match.Field{*d.sum}}}
	d.source.KeepAssets(d.in.Money(d.source.Event))
	if len(d.source.Values) > 1 {
		asset := d.source.Values[1].Fields[0]
		d.in.Error(d.value, "amounts of different assets cannot be added: add %s to `by`, or name it in `where`, as in `%s == \"BTC\"`", asset, asset)
		return nil
	}
	return &d.rule
}

// A rule counts events of one source, key by key.
type rule struct {
	source match.Source
	sum    *match.Field // nil: it counts
	most   int          // series
}

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return []match.Source{r.source} }

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("recording rule 1", group, name, r.source.Event)
	d.By(r.source.By)
	where, sum := "", ""
	if r.source.Where != nil {
		where = r.source.Where.String()
	}
	if r.sum != nil {
		sum = r.sum.String()
	}
	d.Add(where, sum)
}

// Explain implements form.Rule.
func (r *rule) Explain() string {
	what := "the number of " + r.source.Event + " events"
	if r.sum != nil {
		what = fmt.Sprintf("the sum of %s of %s events", r.sum, r.source.Event)
	}
	if r.source.Where != nil {
		what += " where " + form.OneLine(r.source.Where.String())
	}
	return what + form.OfOne(r.source.By)
}

// value is what an event adds.
func (r *rule) value(nums []decimal.Decimal) decimal.Decimal {
	if r.sum == nil {
		return decimal.FromInt(1)
	}
	return nums[0]
}
