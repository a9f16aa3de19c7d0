package series

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRange asks for two agents' values over a minute, of which the first are
// before anything was measured.
func TestRange(t *testing.T) {
	r, at := filledStore(t)
	got := map[string]string{}
	err := r.Range(t.Context(), `max by (instance) (max_over_time(node_load[15s]))`, at.Add(-150*time.Second), at, 30*time.Second,
		func(labels map[string]string, times []int64, values []float64) {
			for i, ms := range times {
				got[labels["instance"]] += fmt.Sprintf("%d:%g ", (ms-at.UnixMilli())/1000, values[i])
			}
			if len(labels) != 1 {
				t.Errorf("the series has labels %v", labels)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	const want = "-90:29 -60:59 -30:89 0:119 "
	if len(got) != 2 || got["web1"] != want || got["web2"] != want {
		t.Errorf("got %q, want %q for both", got, want)
	}
}

// TestRangeBounds has ranges that are refused; none of them keeps a place.
func TestRangeBounds(t *testing.T) {
	r, at := filledStore(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, query string
		ctx         context.Context
		back, step  time.Duration
		want        string
	}{
		{"no step", "node_load", t.Context(), time.Hour, 0, "too short"},
		{"backwards", "node_load", t.Context(), -time.Hour, time.Second, "ends before it begins"},
		{"too many steps", "node_load", t.Context(), 24 * time.Hour, time.Second, "more than 11000 steps"},
		{"nonsense", "node_load{", t.Context(), time.Hour, time.Minute, "read the query"},
		{"too deep", strings.Repeat("(", 20_000), t.Context(), time.Hour, time.Minute, "10000 words"},
		{"text", `"x"`, t.Context(), time.Hour, time.Minute, "invalid expression type"},
		{"given up", "node_load", gone, time.Hour, time.Minute, "canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := r.Range(c.ctx, c.query, at.Add(-c.back), at, c.step, func(map[string]string, []int64, []float64) {
				t.Error("a series came")
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if n := len(r.queries.running); n != 0 {
		t.Errorf("%d queries seem to run", n)
	}
}
