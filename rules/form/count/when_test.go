package count

import (
	"testing"

	"github.com/tomeishi/tomeishi/rules/match"
)

// TestWhenKeepsOnce reads conditions that name the same twice.
func TestWhenKeepsOnce(t *testing.T) {
	for when, want := range map[string]int{
		"count() >= 3": 0,
		"sum(data.n) > min(data.n) + sum(data.n)":                                 2,
		"last(data.n) > 2 * max_before(data.n) + sum(data.n)":                     1,
		"count_before() > 3 && last(data.n) > last(data.m)":                       2,
		"distinct(data.a) > 1 || distinct(data.a, data.b) > 1":                    2,
		`distinct(data.a) > 1 || distinct(data["a"]) > 2 || distinct(data.b) > 1`: 2,
	} {
		c, measures, values, err := readWhen(match.NewLanguage(), when)
		if err != nil {
			t.Errorf("%s: %s", when, err.Text)
			continue
		}
		if len(values) != want {
			t.Errorf("%s keeps %d values, want %d", when, len(values), want)
		}
		for _, term := range c.Terms() {
			if m := measures[term.Of]; m.value >= len(values) || m.value < 0 != (m.of == number) {
				t.Errorf("%s: %q is %+v of %d values", when, term.Words, m, len(values))
			}
		}
	}
}
