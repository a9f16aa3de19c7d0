package api

import (
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestRendered remembers annotations only as long as all that they are made of
// is the same.
func TestRendered(t *testing.T) {
	var c rendered
	a := machine.Alert{
		ID: "a1", Raised: 1, Value: "2", Labels: []machine.Label{{Name: "request", Value: "w1"}},
		Annotations: []machine.Label{{Name: "summary", Value: `{{ $value }} for {{ $labels.request }}{{ range $evidence }} {{ . }}{{ end }}`}},
	}
	check := func(want string, evidence ...string) {
		t.Helper()
		for range 2 {
			got := c.annotations(a, evidence)
			if got["summary"] != want {
				t.Errorf("%q, want %q", got["summary"], want)
			}
			got["summary"] = "the caller's own"
		}
	}
	check("2 for w1")
	check("2 for w1 x", "x")
	check("2 for w1 y", "y")
	check("2 for w1")
	a.Value = "3"
	check("3 for w1 y", "y")
	a.Raised, a.Labels[0].Value = 2, "w2" // another alert with this id
	check("3 for w2 y", "y")
	c.of = make(map[renderedKey]renderedText, maxRendered)
	for i := range maxRendered {
		c.of[renderedKey{evidence: i}] = renderedText{}
	}
	a.ID = "a2"
	check("3 for w2")
	if len(c.of) > maxRendered {
		t.Errorf("%d remembered", len(c.of))
	}
}
