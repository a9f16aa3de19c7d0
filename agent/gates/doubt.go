package gates

import (
	"maps"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// renewLate is how long after its end a lease is not missed: collectors start
// again, and lines break for a moment.
const renewLate = 10 * time.Second

// Doubts are why gates are answered without the collector's word now, for the
// collector to tell people.
func (c *Copy) Doubts() (out []report.Doubt) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch k := &c.kept; {
	case k.Damaged:
		out = append(out, report.Doubt{Why: report.DoubtMemory})
	case k.All != "":
		out = append(out, report.Doubt{Why: report.DoubtLedger})
	case len(k.Some) > 0:
		out = append(out, doubtOf(report.DoubtLedger, slices.Collect(maps.Keys(k.Some))))
	}
	late := map[string][]string{}
	now := time.Now().Add(-renewLate)
	for name, g := range c.kept.Gates {
		if g.Mode == report.ModeShadow || c.fresh(g, now) || now.Before(c.began.Add(time.Duration(g.Lease))) {
			continue
		}
		why := report.DoubtLease
		if g.IfUnreachable == report.UnreachableKeep {
			why = report.DoubtKeep
		}
		late[why] = append(late[why], name)
	}
	for _, why := range slices.Sorted(maps.Keys(late)) {
		out = append(out, doubtOf(why, late[why]))
	}
	return out
}

func doubtOf(why string, gates []string) report.Doubt {
	if len(gates) > report.MaxDoubtGates {
		gates = nil // all
	}
	slices.Sort(gates)
	return report.Doubt{Why: why, Gates: gates}
}
