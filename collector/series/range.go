package series

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/tomeishi/tomeishi/collector/series/syntax"
)

// maxRangeSteps bounds the values of one series in an answer, as Prometheus's
// API does.
const maxRangeSteps = 11_000

// Range asks PromQL for the values from one time to another, both included, at
// each step, and calls each with the labels, the times (Unix milliseconds) and
// the values of each series; a series has no value where it is not known. What
// each is given is its own. The query is one of those that people ask: a few run
// at once, the rest waits, and an error says when it waited in vain.
func (s *Store) Range(ctx context.Context, query string, from, to time.Time, step time.Duration, each func(labels map[string]string, at []int64, values []float64)) error {
	switch {
	case step < time.Millisecond:
		return fmt.Errorf("ask for a range: a step of %s is too short", step)
	case to.Before(from):
		return errors.New("ask for a range: it ends before it begins")
	case to.Sub(from)/step >= maxRangeSteps:
		return fmt.Errorf("ask for a range: more than %d steps: use a longer step or a shorter range", maxRangeSteps)
	}
	if err := syntax.CheckTokens(query); err != nil {
		return err
	}
	ctx, leave, err := s.queries.enter(ctx)
	if err != nil {
		s.met.busy.Inc()
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	// A panic of the TSDB must not be the page's.
	return s.guarded(func() error {
		q, err := s.engine.NewRangeQuery(ctx, s.db, nil, query, from, to, step)
		if err != nil {
			return fmt.Errorf("read the query: %w", err)
		}
		defer q.Close()
		matrix, err := q.Exec(ctx).Matrix()
		if err != nil {
			return fmt.Errorf("ask for a range: %w", err)
		}
		leave()
		for _, series := range matrix {
			at, values := floats(series)
			each(series.Metric.Map(), at, values)
		}
		return nil
	})
}

// floats are the values of a series that are numbers; histograms are none.
func floats(s promql.Series) (at []int64, values []float64) {
	at, values = make([]int64, len(s.Floats)), make([]float64, len(s.Floats))
	for i, p := range s.Floats {
		at[i], values[i] = p.T, p.F
	}
	return at, values
}
