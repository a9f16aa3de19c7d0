package term

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Moment reads a time as people write it: RFC 3339, Unix seconds, now, or how
// long ago (-5m).
func Moment(flag, text string, now time.Time) (time.Time, error) {
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
	return time.Time{}, Usagef("%s takes a time such as 2026-11-21T14:00:00Z, Unix seconds, or how long ago such as -5m; not %s", flag, Quote(text))
}

// Length reads a duration as Prometheus does.
func Length(flag, text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, Usagef("%s takes a duration such as 30s, 5m, 1h30m or 7d; not %s", flag, Quote(text))
	}
	return time.Duration(d), nil
}
