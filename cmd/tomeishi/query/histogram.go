package query

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// promHistogram is [seconds, {a native histogram}].
type promHistogram struct {
	Time  int64 // Unix milliseconds
	Value struct {
		Count   string               `json:"count"`
		Sum     string               `json:"sum"`
		Buckets [][4]json.RawMessage `json:"buckets"` // boundary rule, low, high, count
	}
}

// UnmarshalJSON reads a histogram.
func (h *promHistogram) UnmarshalJSON(raw []byte) error { return unmarshalPair(raw, &h.Time, &h.Value) }

// text is the histogram on one line.
func (h *promHistogram) text(u chart.Unit) string {
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return math.NaN()
		}
		return v
	}
	values, sum := number(h.Value.Count), number(h.Value.Sum)
	text := fmt.Sprintf("histogram: %s values, sum %s, mean %s", exact(values), u.Format(sum), u.Format(sum/values))
	n := len(h.Value.Buckets)
	if n == 0 {
		return text
	}
	edge := func(raw json.RawMessage) float64 {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return math.NaN()
		}
		return number(s)
	}
	low, high := edge(h.Value.Buckets[0][1]), edge(h.Value.Buckets[n-1][2])
	return text + fmt.Sprintf(", from %s to %s in %s", u.Format(low), u.Format(high), term.Count(n, "bucket"))
}

// exact is a number with all its digits.
func exact(v float64) string {
	if size := math.Abs(v); size >= 1e21 || size != 0 && size < 1e-6 {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
