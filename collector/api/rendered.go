package api

import (
	"maps"
	"slices"
	"sync"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// maxRendered bounds the alerts whose annotations are remembered.
const maxRendered = 20_000

// rendered remembers annotations that were filled in: that takes a tenth of a
// millisecond, and screens ask for all alerts every few seconds.
type rendered struct {
	mu sync.Mutex
	of map[renderedKey]renderedText
}

type renderedKey struct {
	id       string // of the alert
	evidence int    // how much of it there is: lists have less than incidents
}

// renderedText is text and all that it was made of, beside what stays the same
// for an alert.
type renderedText struct {
	raised   int64
	value    string
	evidence []string
	text     map[string]string
}

// annotations are those of an event alert; the map is the caller's.
func (c *rendered) annotations(alert machine.Alert, evidence []string) map[string]string {
	key := renderedKey{alert.ID, len(evidence)}
	c.mu.Lock()
	have, ok := c.of[key]
	c.mu.Unlock()
	if ok && have.raised == alert.Raised && have.value == alert.Value && slices.Equal(have.evidence, evidence) {
		return maps.Clone(have.text)
	}
	var templates []rules.Pair
	for _, t := range alert.Annotations {
		templates = append(templates, rules.Pair{Name: t.Name, Value: t.Value})
	}
	text := rules.Render(templates, pairs(alert.Labels), alert.Value, evidence)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= maxRendered {
		c.of = map[renderedKey]renderedText{}
	}
	c.of[key] = renderedText{alert.Raised, alert.Value, evidence, text}
	return maps.Clone(text)
}
