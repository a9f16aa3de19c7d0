package machine

import (
	"time"

	"github.com/dchest/siphash"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A BatchOutcome says what became of the events of an entry.
type BatchOutcome struct{ Accepted, Duplicates int }

func (m *Machine) batch(body []byte) any {
	// Intake has opened it, and the ledger's checksum has kept it whole.
	b, err := report.TrustBatch(body)
	if err != nil {
		m.Events.Malformed++
		return err
	}
	var out BatchOutcome
	m.events(b, 0, "", &out)
	return out
}

// events applies a batch whose first event has the given ordinal in its entry.
// An agent's report of itself counts only where an agent sent it, which is empty
// for events that came without one.
func (m *Machine) events(b report.Batch, ordinal int, agent string, out *BatchOutcome) {
	r := b.Reader()
	for ev := (report.Event{}); r.Next(&ev); ordinal++ {
		if ev.Type == report.ProgressType && agent != "" && m.Behavior >= 3 {
			m.progressed(agent, &ev) // that it comes again is no news
			continue
		}
		t := m.typeOf(ev.Type)
		if m.isRepeat(&ev, t, window.MakeRef(m.Index, ordinal)) {
			out.Duplicates++
			m.Events.Duplicates++
			continue
		}
		out.Accepted++
		m.Events.Accepted++
		if agent != "" {
			m.own(agent, &ev)
		}
		if m.Behavior >= 3 {
			m.reported(agent, &ev)
		}
		if m.live != nil {
			m.evaluate(&ev, agent, t, window.MakeRef(m.Index, ordinal))
		}
	}
}

// isRepeat tells whether the event was applied before. Before version 3 any of the
// same source and id was one.
func (m *Machine) isRepeat(ev *report.Event, t *typeOf, ref window.Ref) bool {
	if m.Behavior >= 3 {
		return m.repeats(ev, t, ref)
	}
	return !m.seen.Add(uint32(m.Time/int64(time.Second)), m.print(ev.Source, ev.ID), t.horizon)
}

// print is the fingerprint of source and id. The zero byte keeps source and id
// apart; neither can hold one.
func (m *Machine) print(source, id string) dedup.Print {
	var room [256]byte
	b := append(room[:0], source...)
	b = append(b, 0)
	b = append(b, id...)
	return dedup.Print(m.hash(b))
}

func (m *Machine) hash(b []byte) window.Key {
	lo, hi := siphash.Hash128(m.Secret[0], m.Secret[1], b)
	return window.Key{lo, hi}
}
