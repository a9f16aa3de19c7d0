package series

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// Bounds that Prometheus's engine lacks, and whose lack ends a process
// for want of memory, which a single query can bring about.
const (
	// maxSteps bounds the steps of a subquery: the engine makes room for all of
	// them, 40 bytes each, before it counts samples. `up[1y:1ms]` is too much.
	maxSteps = 1_000_000
	// maxGrowth bounds how many times as long label_replace and label_join,
	// one inside another, may make a label.
	maxGrowth = 256
	// maxResult bounds a result, in bytes as it is answered.
	maxResult = 32 << 20
)

// boundedEngine is Prometheus's engine without such queries, be they of people
// or of rules.
type boundedEngine struct {
	*promql.Engine
	step time.Duration // of subqueries that name none
	room int           // for points: of the series that are selected, at all steps
}

// NewInstantQuery makes a query at one time.
func (e boundedEngine) NewInstantQuery(ctx context.Context, q storage.Queryable, o promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	counted := &countedQueryable{Queryable: q, room: e.room}
	made, err := e.Engine.NewInstantQuery(ctx, counted, o, text, at)
	return e.check(made, err, counted)
}

// NewRangeQuery makes a query at several times.
func (e boundedEngine) NewRangeQuery(ctx context.Context, q storage.Queryable, o promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	counted := &countedQueryable{Queryable: q, room: e.room}
	made, err := e.Engine.NewRangeQuery(ctx, counted, o, text, start, end, step)
	return e.check(made, err, counted)
}

func (e boundedEngine) check(q promql.Query, err error, counted *countedQueryable) (promql.Query, error) {
	if err != nil {
		return nil, err
	}
	if stmt, ok := q.Statement().(*parser.EvalStmt); ok {
		counted.steps = 1
		if stmt.Interval > 0 {
			counted.steps += int(stmt.End.Sub(stmt.Start) / stmt.Interval)
		}
		parser.Inspect(stmt.Expr, func(node parser.Node, path []parser.Node) error {
			if err == nil {
				var steps int
				steps, err = e.checkSteps(stmt, node, path)
				counted.steps = max(counted.steps, steps)
				err = errors.Join(err, checkGrowth(node, path))
			}
			return err
		})
	}
	if err != nil {
		q.Close()
		return nil, err
	}
	return boundedQuery{q}, nil
}

// boundedQuery is a query whose result is not larger than what can be answered.
type boundedQuery struct{ promql.Query }

// Exec asks the query. What ended it for want of memory is said.
func (q boundedQuery) Exec(ctx context.Context) *promql.Result {
	res := q.Query.Exec(ctx)
	switch {
	case res.Err != nil && errors.Is(context.Cause(ctx), errMemory):
		res.Err = errMemory
	case res.Err == nil && resultBytes(res.Value) > maxResult:
		res.Value = nil
		res.Err = fmt.Errorf("the result is larger than %d MB: ask for fewer series, a shorter range or a longer step", maxResult>>20)
	}
	return res
}

// resultBytes is about how large the answer will be.
func resultBytes(v parser.Value) (n int) {
	const point = 32 // as JSON
	size := func(l labels.Labels, points, histograms int) {
		n += int(l.ByteSize()) + point*points + 8*point*histograms
		l.Range(func(labels.Label) { n += 6 }) // quotes and the like
	}
	switch v := v.(type) {
	case promql.Vector:
		for i := range v {
			size(v[i].Metric, 1, 0)
		}
	case promql.Matrix:
		for i := range v {
			size(v[i].Metric, len(v[i].Floats), len(v[i].Histograms))
		}
	}
	return n
}

// checkSteps counts the steps of a subquery, and finds one with too many. One
// inside another runs over the ranges of both.
func (e boundedEngine) checkSteps(stmt *parser.EvalStmt, node parser.Node, path []parser.Node) (int, error) {
	sub, ok := node.(*parser.SubqueryExpr)
	if !ok {
		return 0, nil
	}
	span := stmt.End.Sub(stmt.Start).Seconds() + sub.Range.Seconds()
	for _, p := range path {
		if outer, ok := p.(*parser.SubqueryExpr); ok {
			span += outer.Range.Seconds()
		}
	}
	step := sub.Step
	if step <= 0 {
		step = e.step
	}
	steps := span / step.Seconds()
	if steps > maxSteps {
		return 0, fmt.Errorf("a subquery has %.0f steps, at most %d: use a longer step or a shorter range", steps, maxSteps)
	}
	return int(steps) + 1, nil
}

func checkGrowth(node parser.Node, path []parser.Node) error {
	total := growth(node)
	if total == 1 {
		return nil
	}
	for _, p := range path {
		total *= growth(p)
	}
	if total > maxGrowth {
		return fmt.Errorf("label_replace and label_join make labels %.0f times as long, at most %d times", total, maxGrowth)
	}
	return nil
}

// growth is how many times as long a call may make a label.
func growth(node parser.Node) float64 {
	call, ok := node.(*parser.Call)
	if !ok || len(call.Args) < 3 {
		return 1
	}
	switch call.Func.Name {
	case "label_replace":
		return float64(max(1, strings.Count(call.Args[2].String(), "$")))
	case "label_join":
		return float64(max(1, len(call.Args)-3))
	}
	return 1
}
