package main

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// maxPoints is how many points of a series Prometheus's API answers.
const maxPoints = 11_000

// moment reads a time as people write it: RFC 3339, Unix seconds, now, or how
// long ago (-5m).
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" || text == "now" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		if d, err := model.ParseDuration(ago); err == nil {
			return now.Add(-time.Duration(d)), nil
		}
	}
	if unix, err := strconv.ParseFloat(text, 64); err == nil && unix >= 0 && unix < 1e11 {
		whole, part := math.Modf(unix)
		return time.Unix(int64(whole), int64(math.Round(part*1e3))*1e6), nil
	}
	return time.Time{}, usagef("%s takes a time such as 2026-11-21T14:00:00Z, Unix seconds, or how long ago such as -5m; not %s", flag, quote(text))
}

// length reads a duration as Prometheus does.
func length(flag, text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usagef("%s takes a duration such as 30s, 5m, 1h30m or 7d; not %s", flag, quote(text))
	}
	return time.Duration(d), nil
}

// window is a range of time, asked at every step.
type window struct {
	from, to time.Time
	step     time.Duration
}

// newWindow reads the flags of a range. The step is chosen so that each of so
// many dots has a value.
func newWindow(span, step, end string, now time.Time, dots int) (window, error) {
	length1, err := length("--range", span)
	if err != nil {
		return window{}, err
	}
	w := window{}
	if w.to, err = moment("--end", end, now); err != nil {
		return window{}, err
	}
	w.from = w.to.Add(-length1)
	if w.from.Unix() < 0 {
		return window{}, usagef("--range %s before --end begins before 1970", span)
	}
	if step == "" {
		w.step = stepFor(length1, dots)
		return w, nil
	}
	if w.step, err = length("--step", step); err != nil {
		return window{}, err
	}
	if n := int64(length1 / w.step); n >= maxPoints {
		return window{}, usagef("--step %s makes %d points of %s, more than %d: use --step %s or longer",
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
