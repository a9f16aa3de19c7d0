package collector

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules/window"
)

// maxCachedDiffers bounds the pairs of events that are remembered.
const maxCachedDiffers = 1000

// differ names the fields in which the events of pairs differ, each once. What the
// tape no longer has is left out.
func (c *core) differ(pairs []window.Ref) (names []string) {
	for pair := range slices.Chunk(pairs, 2) {
		if len(pair) < 2 {
			break
		}
		for _, name := range c.places.differ([2]place{placeOf(pair[0]), placeOf(pair[1])}, c.differOf) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (c *core) differOf(pair [2]place) ([]string, bool) {
	a, okA := c.event(pair[0])
	b, okB := c.event(pair[1])
	if !okA || !okB {
		return nil, false
	}
	return dedup.Differ(&a, &b), true
}

// differ is what is remembered of a pair, or what find says of it.
func (e *evidenceCache) differ(pair [2]place, find func([2]place) ([]string, bool)) []string {
	e.mu.Lock()
	names, known := e.differs[pair]
	e.mu.Unlock()
	if known {
		return names
	}
	names, ok := find(pair)
	if !ok {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.differs == nil || len(e.differs) >= maxCachedDiffers {
		e.differs = map[[2]place][]string{}
	}
	e.differs[pair] = names
	return names
}

// event reads an event from the tape.
func (c *core) event(p place) (found report.Event, ok bool) {
	err := c.eachEvent(p.index, func(ordinal int, ev *report.Event) bool {
		if ok = ordinal == p.ordinal; ok {
			found = *ev
		}
		return !ok
	})
	return found, ok && err == nil
}
