package query

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// maxPoints is how many points of a series Prometheus's API answers.
const maxPoints = 11_000

// window is a range of time, asked at every step.
type window struct {
	from, to time.Time
	step     time.Duration
}

// newWindow reads the flags of a range. The step is chosen so that each of so
// many dots has a value.
func newWindow(span, step, end string, now time.Time, dots int) (window, error) {
	length1, err := term.Length("--range", span)
	if err != nil {
		return window{}, err
	}
	w := window{}
	if w.to, err = term.Moment("--end", end, now); err != nil {
		return window{}, err
	}
	w.from = w.to.Add(-length1)
	if w.from.Unix() < 0 {
		return window{}, term.Usagef("--range %s before --end begins before 1970", span)
	}
	if step == "" {
		w.step = stepFor(length1, dots)
		return w, nil
	}
	if w.step, err = term.Length("--step", step); err != nil {
		return window{}, err
	}
	if n := int64(length1 / w.step); n >= maxPoints {
		return window{}, term.Usagef("--step %s makes %d points of %s, more than %d: use --step %s or longer",
			step, n+1, span, maxPoints, model.Duration(stepFor(length1, maxPoints-1)))
	}
	return w, nil
}

// stepFor is the shortest round step by which a range has no more than so many
// points; samples come every second.
func stepFor(span time.Duration, points int) time.Duration {
	least := span / time.Duration(points)
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200} {
		if s*time.Second >= least {
			return s * time.Second
		}
	}
	const day = 24 * time.Hour
	return (least + day - 1).Truncate(day)
}
