package series

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
)

// boundedEngine is Prometheus's engine without such queries, be they of people
// or of rules.
type boundedEngine struct {
	*promql.Engine
	step time.Duration // of subqueries that name none
}

// NewInstantQuery makes a query at one time.
func (e boundedEngine) NewInstantQuery(ctx context.Context, q storage.Queryable, o promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	return e.check(e.Engine.NewInstantQuery(ctx, q, o, text, at))
}

// NewRangeQuery makes a query at several times.
func (e boundedEngine) NewRangeQuery(ctx context.Context, q storage.Queryable, o promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	return e.check(e.Engine.NewRangeQuery(ctx, q, o, text, start, end, step))
}

func (e boundedEngine) check(q promql.Query, err error) (promql.Query, error) {
	if err != nil {
		return nil, err
	}
	if stmt, ok := q.Statement().(*parser.EvalStmt); ok {
		parser.Inspect(stmt.Expr, func(node parser.Node, path []parser.Node) error {
			if err == nil {
				err = errors.Join(e.checkSteps(stmt, node, path), checkGrowth(node, path))
			}
			return err
		})
	}
	if err != nil {
		q.Close()
		return nil, err
	}
	return q, nil
}

// checkSteps finds a subquery with too many steps. One inside another runs over
// the ranges of both.
func (e boundedEngine) checkSteps(stmt *parser.EvalStmt, node parser.Node, path []parser.Node) error {
	sub, ok := node.(*parser.SubqueryExpr)
	if !ok {
		return nil
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
	if steps := span / step.Seconds(); steps > maxSteps {
		return fmt.Errorf("a subquery has %.0f steps, at most %d: use a longer step or a shorter range", steps, maxSteps)
	}
	return nil
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
