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
		"distinct(data.a) > 1 || distinct(data.a, data.b) > 1":                    2,
		`distinct(data.a) > 1 || distinct(data["a"]) > 2 || distinct(data.b) > 1`: 2,
	} {
		c, values, err := readWhen(match.NewLanguage(), when)
		if err != nil {
			t.Errorf("%s: %s", when, err.Text)
			continue
		}
		if len(values) != want {
			t.Errorf("%s keeps %d values, want %d", when, len(values), want)
		}
		for _, term := range c.Terms() {
			if term.Of >= len(values) {
				t.Errorf("%s: %q is value %d of %d", when, term.Words, term.Of, len(values))
			}
		}
	}
}
