package collector

import (
	"fmt"
	"net/url"
	"sync"

	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules/window"
)

// evidenceCache keeps references that were looked up on the tape; an event
// never changes its name.
type evidenceCache struct {
	mu    sync.Mutex
	names map[window.Ref]string
}

const maxCachedEvidence = 10_000

// evidence names an event as cell/source/id, each percent-encoded.
func (c *Collector) evidence(ref window.Ref) (string, error) {
	c.places.mu.Lock()
	name, ok := c.places.names[ref]
	c.places.mu.Unlock()
	if ok {
		return name, nil
	}
	raw, err := c.tape.Get(ref.Index())
	if err != nil {
		return "", fmt.Errorf("entry %d event %d, no longer on the tape", ref.Index(), ref.Ordinal())
	}
	e, err := ledger.Decode(raw)
	if err != nil {
		return "", fmt.Errorf("entry %d: %w", ref.Index(), err)
	}
	ev, ok := machine.Locate(machine.Kind(e.Kind), e.Body, ref.Ordinal())
	if !ok {
		return "", fmt.Errorf("entry %d holds no event %d", ref.Index(), ref.Ordinal())
	}
	name = url.PathEscape(c.machine.CellID()) + "/" + url.PathEscape(ev.Source) + "/" + url.PathEscape(ev.ID)
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	if c.places.names == nil || len(c.places.names) >= maxCachedEvidence {
		c.places.names = map[window.Ref]string{}
	}
	c.places.names[ref] = name
	return name, nil
}
