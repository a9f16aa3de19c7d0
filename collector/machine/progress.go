package machine

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// far is when all is heard that goes by ledger time.
const far = int64(1) << 62

// longestBlind bounds for how long what an agent lost keeps rules from proof whose
// events may matter longer.
const longestBlind = 7 * 24 * time.Hour

// progressed takes in up to when all that an agent accepted has come: no further than
// its own clock says, and than the ledger was when it said so. So a clock that is ahead
// proves nothing too early, and no clock is asked how far it is off.
func (m *Machine) progressed(agent string, ev *report.Event) {
	var said report.Progress
	if json.Unmarshal(ev.Data, &said) != nil {
		m.Events.Malformed++
		return
	}
	a := m.hear(agent)
	if through := min(ev.Seen, said.Ledger, m.Time); through > a.Through {
		a.Through = through
		m.moved(a.reports)
	}
}

// lostBlocks notes that something an agent sent never came, or that two send under
// its name.
func (m *Machine) lostBlocks(agent string) {
	if m.Behavior < 3 {
		return
	}
	a := m.hear(agent)
	if a.BlindAt == 0 {
		a.Before = a.Through
	}
	a.BlindAt = m.Time
}

// foundBlocks notes that all of it came.
func (m *Machine) foundBlocks(agent string) {
	a := m.hear(agent)
	if a.BlindAt != 0 && !slices.ContainsFunc(m.spoolsOf[agent], func(s *Spool) bool { return s.Clones > 0 }) {
		a.BlindAt, a.Before = 0, 0
		m.askAll()
	}
}

// heard is up to when all has come that an agent accepted. What it lost is unknown to
// rules that look back as far as reach, and until says when that is over; 0 if nothing
// was lost.
func (a *Agent) heard(now, reach int64) (at, until int64) {
	if over := a.BlindAt + reach; a.BlindAt != 0 && now < over {
		return min(a.Before, a.Through), over
	}
	return a.Through, 0
}

// heard is up to when all has come that a source reported: as its beats say, if it has
// any, else as the way by which it comes.
func (r *Reporter) heard(now, reach int64) (at, until int64) {
	at = far
	if r.path != nil {
		at, until = r.path.heard(now, reach)
	} else if r.Agent != "" {
		return 0, 0
	}
	if r.beat != nil {
		at = min(at, r.beat.Time)
	}
	return at, until
}

// heardOf is up to when all events of a type have come: the least of all who report
// it, and 0 if that is not known of all. It is far where all goes by ledger time.
func (m *Machine) heardOf(w *waits, reach int64) (at, until int64) {
	k := &w.known[0]
	if reach != 0 {
		k = &w.known[1]
	}
	if k.index != m.Index || k.reach != reach {
		*k = heardThen{index: m.Index, reach: reach}
		k.at, k.until = m.hears(w, reach)
	}
	return k.at, k.until
}

func (m *Machine) hears(w *waits, reach int64) (at, until int64) {
	all := m.Reporters[w.event]
	if all == nil || len(all.All) == 0 || all.Over != 0 || m.ReportersOver != 0 {
		return 0, 0
	}
	for _, source := range w.declared {
		if !slices.ContainsFunc(all.All, func(r *Reporter) bool { return r.Source == source }) {
			return 0, 0
		}
	}
	at = far
	for _, r := range all.All {
		if !w.counts(r.Source) {
			continue
		}
		h, u := r.heard(m.Time, reach)
		at = min(at, h)
		if u != 0 && (until == 0 || u < until) {
			until = u
		}
	}
	return at, until
}
