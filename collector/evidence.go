package collector

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules/window"
)

// evidenceCache keeps references that were looked up on the tape; an event
// never changes its name.
type evidenceCache struct {
	mu      sync.Mutex // guards what follows
	names   map[place]string
	differs map[[2]place][]string // fields in which pairs of events differ
}

// place is where an event stands: its entry, and which one of it.
type place struct {
	index   uint64
	ordinal int
}

func placeOf(r window.Ref) place { return place{r.Index(), r.Ordinal()} }

const maxCachedEvidence = 50_000

// get is what is known of the places.
func (e *evidenceCache) get(places []place) map[place]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := make(map[place]string, len(places))
	for _, p := range places {
		if name, ok := e.names[p]; ok {
			known[p] = name
		}
	}
	return known
}

func (e *evidenceCache) put(found map[place]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.names == nil || len(e.names)+len(found) > maxCachedEvidence {
		e.names = map[place]string{}
	}
	for p, name := range found {
		if len(e.names) == maxCachedEvidence {
			return
		}
		e.names[p] = name
	}
}

// evidence names events as cell/source/id, each percent-encoded, in the order
// of refs. One that cannot be read any more is named by its place. Each entry
// is read once.
func (c *core) evidence(refs []window.Ref) []string {
	places := make([]place, len(refs))
	for i, r := range refs {
		places[i] = placeOf(r)
	}
	known := c.places.get(places)
	wanted := slices.DeleteFunc(slices.Clone(places), func(p place) bool { return known[p] != "" })
	slices.SortFunc(wanted, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.ordinal, b.ordinal))
	})
	found := map[place]string{}
	for rest := slices.Compact(wanted); len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].index == rest[0].index {
			n++
		}
		if why := c.readEntry(rest[:n], found); why != "" {
			for _, p := range rest[:n] {
				known[p] = fmt.Sprintf("entry %d event %d, %s", p.index, p.ordinal, why)
			}
		}
		rest = rest[n:]
	}
	c.places.put(found)
	names := make([]string, len(places))
	for i, p := range places {
		name, ok := found[p]
		if !ok {
			name = known[p]
		}
		names[i] = name
	}
	return names
}

// readEntry names the events at places of one entry, which are in order. It
// says why it cannot.
func (c *core) readEntry(places []place, found map[place]string) (why string) {
	cell := url.PathEscape(c.machine.CellID())
	err := c.eachEvent(places[0].index, func(ordinal int, ev *report.Event) bool {
		if ordinal == places[0].ordinal {
			found[places[0]] = cell + "/" + url.PathEscape(ev.Source) + "/" + url.PathEscape(ev.ID)
			places = places[1:]
		}
		return len(places) > 0
	})
	if err != nil {
		return err.Error()
	}
	for _, p := range places {
		found[p] = fmt.Sprintf("entry %d event %d, which the entry does not hold", p.index, p.ordinal)
	}
	return ""
}

var errTrimmed = errors.New("no longer on the tape")

// eachEvent reads the events of an entry from the tape, until do says that it has
// enough.
func (c *core) eachEvent(index uint64, do func(ordinal int, ev *report.Event) bool) error {
	sealed, err := c.tape.Get(index)
	if err != nil {
		return errTrimmed
	}
	e, err := sealed.Open()
	if err != nil {
		return err
	}
	ordinal, more := 0, true
	return machine.EachBatch(e, func(b report.Batch) bool {
		r := b.Reader()
		for ev := (report.Event{}); more && r.Next(&ev); ordinal++ {
			more = do(ordinal, &ev)
		}
		return more
	})
}
