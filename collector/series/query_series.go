package series

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// slicePoints is for how many points of a series the engine makes room at once,
// before it counts the first sample.
const slicePoints = 5000

// countedQueryable bounds the series that one query selects, as often as room is
// made for their points. A query selects one series after another.
type countedQueryable struct {
	storage.Queryable
	steps, room, series int
}

// Querier makes a querier whose series are counted.
func (c *countedQueryable) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := c.Queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return &countedQuerier{q, c}, nil
}

type countedQuerier struct {
	storage.Querier
	of *countedQueryable
}

// Select counts what is selected.
func (q *countedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return &countedSet{SeriesSet: q.Querier.Select(ctx, sorted, hints, matchers...), of: q.of}
}

type countedSet struct {
	storage.SeriesSet
	of  *countedQueryable
	err error
}

// Next goes on to the next series, unless they are too many.
func (s *countedSet) Next() bool {
	if s.err != nil || !s.SeriesSet.Next() {
		return false
	}
	if s.of.series++; s.of.series*min(s.of.steps, slicePoints) > s.of.room {
		s.err = fmt.Errorf("the query selects more than %d series at %d steps: ask for fewer series, a shorter range or a longer step",
			s.of.series-1, s.of.steps)
	}
	return s.err == nil
}

// Err is why there is no next series.
func (s *countedSet) Err() error {
	if s.err != nil {
		return s.err
	}
	return s.SeriesSet.Err()
}
