package series

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A rule whose metric does not come selects nothing, which is what it selects when
// all is well. So it is looked whether what a rule that guards a gate reads comes.

const (
	// firstSample is how long a rule waits for a metric that never came.
	firstSample = 10 * time.Minute
	unfedEvery  = 15 * time.Second
)

// An Unfed is a metric that a rule reads and of which nothing comes.
type Unfed struct {
	Group, Rule, Metric string
	Near                string // a metric that comes, and may be meant; empty if there is none
	Sure                bool   // it did not come for long enough to say so
}

// fed is what was found last.
type fed struct {
	mu    sync.Mutex // guards what follows, so that one looks at a time
	at    time.Time
	set   string
	since map[machine.RuleID]time.Time // the rules that guard a gate, and when they were looked at first
	found []Unfed
}

// Unfed are the metrics of which nothing comes, of the rules of the set that guard a
// gate, in the order of the groups. It is not known while these rules are not
// evaluated.
func (r *Rules) Unfed(ctx context.Context, set *rules.Set, name string) (found []Unfed, known bool) {
	now := r.loaded.Load()
	if now == nil || set == nil || now.set != name || r.Blind() != "" {
		return nil, false
	}
	f := &r.fed
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Now()
	if f.set == name && at.Sub(f.at) < unfedEvery {
		return f.found, true
	}
	err := r.store.guarded(func() (err error) {
		found, err = r.unfed(ctx, now, set, at)
		return err
	})
	if err != nil {
		return nil, false
	}
	f.at, f.set, f.found = at, name, found
	return found, true
}

func (r *Rules) unfed(ctx context.Context, now *loaded, set *rules.Set, at time.Time) (found []Unfed, err error) {
	since := map[machine.RuleID]time.Time{}
	for _, m := range set.Metrics {
		if len(set.Guarded(m.Mitigate)) > 0 {
			since[m.ID] = at
			if first, ok := r.fed.since[m.ID]; ok {
				since[m.ID] = first
			}
		}
	}
	r.fed.since = since
	l := &look{ctx: ctx, at: at, db: r.store.db, recorded: now.recorded, comes: map[string]bool{}, counted: map[string]bool{}}
	for _, rule := range set.Rules {
		if rule.Records {
			l.counted[rule.Name] = true
		}
	}
	for _, g := range now.groups {
		for _, a := range g.rules {
			if first, guards := since[a.id]; guards {
				for _, metric := range l.lacking(a.twins[0].Query()) {
					found = append(found, l.tell(g.Name(), a.twins[0].Name(), metric, at.Sub(first)))
				}
			}
		}
	}
	return found, l.err
}

// A look looks at which metrics come.
type look struct {
	ctx      context.Context // of this one look
	at       time.Time
	db       storage.Queryable
	recorded recordings
	counted  map[string]bool // recorded of events: no event, no series
	comes    map[string]bool // by selector and how far back
	names    []string        // of all metrics of the last day, once they are asked for
	err      error
}

// lacking are the metrics without which an expression selects nothing, and which do
// not come, in its order. What the expression itself asks the absence of is none.
func (l *look) lacking(expr parser.Expr) []string {
	asked := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if call, ok := node.(*parser.Call); ok && asksAbsence(call) {
			parser.Inspect(call, func(inner parser.Node, _ []parser.Node) error {
				if v, ok := inner.(*parser.VectorSelector); ok {
					asked[metricOf(v)] = true
				}
				return nil
			})
		}
		return nil
	})
	var out []string
	for _, metric := range l.lacks(expr, 0, nil) {
		if !asked[metric] && !slices.Contains(out, metric) {
			out = append(out, metric)
		}
	}
	return out
}

func asksAbsence(call *parser.Call) bool {
	return call.Func.Name == "absent" || call.Func.Name == "absent_over_time"
}

// lacks is lacking, for a part of an expression that looks back, and inside of
// recordings. One side of `or` is enough, so `or vector(0)` says what nothing means.
func (l *look) lacks(node parser.Node, back time.Duration, inside []string) (out []string) {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return l.selected(n, back, inside)
	case *parser.MatrixSelector:
		return l.lacks(n.VectorSelector, back+n.Range, inside)
	case *parser.SubqueryExpr:
		return l.lacks(n.Expr, back+n.Range, inside)
	case *parser.Call:
		if asksAbsence(n) {
			return nil
		}
	case *parser.BinaryExpr:
		left := l.lacks(n.LHS, back, inside)
		if n.Op == parser.LUNLESS || n.Op == parser.LOR && len(left) == 0 {
			return left
		}
		right := l.lacks(n.RHS, back, inside)
		if n.Op == parser.LOR && len(right) == 0 {
			return nil
		}
		return append(left, right...)
	}
	for child := range parser.ChildrenIter(node) {
		out = append(out, l.lacks(child, back, inside)...)
	}
	return out
}

// selected is the metric of a selector, if it does not come. What a rule records may be
// nothing while all is well: what it is recorded from has to come.
func (l *look) selected(v *parser.VectorSelector, back time.Duration, inside []string) (out []string) {
	metric := metricOf(v)
	switch {
	case l.counted[metric], metric == "ALERTS", metric == "ALERTS_FOR_STATE", slices.Contains(inside, metric):
		return nil
	case len(l.recorded[metric]) == 0:
		if l.come(nameMatchers(v), max(back, lookback)) {
			return nil
		}
		return []string{metric}
	}
	for _, r := range l.recorded[metric] {
		lacks := l.lacks(r.expr, back, append(slices.Clone(inside), metric))
		if len(lacks) == 0 {
			return nil
		}
		out = append(out, lacks...)
	}
	return out
}

// nameMatchers are the matchers of a selector that are about the name of the metric.
func nameMatchers(v *parser.VectorSelector) (out []*labels.Matcher) {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			out = append(out, m)
		}
	}
	return out
}

// metricOf is the name of the metric of a selector; where that is no single one, what
// is said of it, and empty where nothing is.
func metricOf(v *parser.VectorSelector) string {
	all := nameMatchers(v)
	if len(all) == 1 && all[0].Type == labels.MatchEqual {
		return all[0].Value
	}
	var said []string
	for _, m := range all {
		said = append(said, m.String())
	}
	return strings.Join(said, ",")
}

// come tells whether a metric has a sample that is no older than back.
func (l *look) come(metric []*labels.Matcher, back time.Duration) bool {
	if len(metric) == 0 || l.err != nil {
		return true
	}
	parts := []string{back.String()}
	for _, m := range metric {
		parts = append(parts, m.String())
	}
	key := strings.Join(parts, "")
	comes, known := l.comes[key]
	if !known {
		comes = l.anySample(metric, l.at.Add(-back).UnixMilli())
		l.comes[key] = comes
	}
	return comes
}

func (l *look) anySample(metric []*labels.Matcher, from int64) bool {
	to := l.at.UnixMilli()
	q, err := l.db.Querier(from, to)
	if err != nil {
		l.err = err
		return true
	}
	defer func() { _ = q.Close() }() // nothing was written
	series := q.Select(l.ctx, false, &storage.SelectHints{Start: from, End: to}, metric...)
	var it chunkenc.Iterator
	for series.Next() {
		it = series.At().Iterator(it)
		if holdsSample(it, from) {
			return true
		}
	}
	if l.err = series.Err(); l.err != nil {
		return true
	}
	return false
}

// holdsSample tells whether a series has a sample since from that does not say that it
// has ended.
func holdsSample(it chunkenc.Iterator, from int64) bool {
	for kind := it.Seek(from); kind != chunkenc.ValNone; kind = it.Next() {
		if kind != chunkenc.ValFloat {
			return true
		}
		if _, v := it.At(); !value.IsStaleNaN(v) {
			return true
		}
	}
	return false
}

// tell says of a metric that does not come what can be said of it.
func (l *look) tell(group, rule, metric string, watched time.Duration) Unfed {
	names := l.allNames()
	is := Unfed{Group: group, Rule: rule, Metric: metric, Sure: watched >= firstSample}
	if slices.Contains(names, metric) {
		is.Sure = watched >= lookback // it came within a day
	}
	others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == metric })
	if near := match.Near(metric, others); near != "" {
		m := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, near)
		if l.come([]*labels.Matcher{m}, lookback) {
			is.Near = near
		}
	}
	return is
}

func (l *look) allNames() []string {
	if l.names != nil || l.err != nil {
		return l.names
	}
	q, err := l.db.Querier(l.at.Add(-oldest).UnixMilli(), l.at.UnixMilli())
	if err != nil {
		l.err = err
		return nil
	}
	defer func() { _ = q.Close() }() // nothing was written
	l.names, _, l.err = q.LabelValues(l.ctx, model.MetricNameLabel, nil)
	l.names = slices.Clone(l.names) // they are the index's until it is closed
	for i, n := range l.names {
		l.names[i] = strings.Clone(n)
	}
	return l.names
}
