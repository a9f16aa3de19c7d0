package notify

import (
	"testing"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/tomeishi/tomeishi/collector/silence"
)

// FuzzNaming compares what people are shown to be silenced with what is: the
// machine's word for matchers and the engine's agree about every value.
func FuzzNaming(f *testing.F) {
	for _, pattern := range []string{"db.*", "a|b", "", "(?i)x", "[", "x{2}", "^a$", ".", `\n`} {
		for _, value := range []string{"", "db1", "db10\nx", "a", "X", "xx", "支払い"} {
			f.Add(pattern, value)
		}
	}
	kinds := map[string]labels.MatchType{"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp, "!~": labels.MatchNotRegexp}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		for op, kind := range kinds {
			theirs, err := labels.NewMatcher(kind, "l", pattern)
			naming, ourErr := silence.NewMatchers([]silence.Matcher{{Name: "l", Op: op, Value: pattern}})
			if err != nil || ourErr != nil {
				if err != nil && ourErr == nil {
					t.Errorf("l%s%q is understood, but not by the engine: %v", op, pattern, err)
				}
				continue
			}
			ours := naming.Names(func(string) string { return value })
			if ours != theirs.Matches(value) {
				t.Errorf("l%s%q names %q: %v, the engine says %v", op, pattern, value, ours, !ours)
			}
		}
	})
}
