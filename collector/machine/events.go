package machine

import (
	"bytes"
	"time"

	"github.com/dchest/siphash"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A BatchOutcome says what became of the events of an entry.
type BatchOutcome struct{ Accepted, Duplicates int }

// A BlocksOutcome says how far an agent's spool has been applied.
type BlocksOutcome struct {
	BatchOutcome
	Through uint64
	// Clone says that another spool with this id was here: its sender must take
	// a new one.
	Clone bool
}

// blocks applies an agent's blocks, each exactly once and in order.
func (m *Machine) blocks(body []byte) any {
	var out BlocksOutcome
	ordinal := 0
	for len(body) > 0 {
		b, rest, err := report.ReadBlock(body)
		if err != nil {
			m.Events.Malformed++
			return err
		}
		body = rest
		s := m.spool(b.Head)
		switch {
		case b.Seq <= s.Seq && !(b.Seq == s.Seq && b.Batch.Digest() != s.Digest):
			// Delivered again.
		case b.Seq <= s.Seq, b.Seq == s.Seq+1 && b.Prev != s.Digest:
			s.Clones++
			m.builtIn("AgentCloned", Label{"agent", b.Agent})
			out.Clone, out.Through = true, s.Seq
			return out
		default:
			if b.Seq > s.Seq+1 {
				s.blind(Range{s.Seq + 1, b.Seq - 1, m.Time})
				m.builtIn("AgentBlind", Label{"agent", b.Agent})
			}
			s.Seq, s.Digest = b.Seq, b.Batch.Digest()
			m.events(b.Batch, ordinal, &out.BatchOutcome)
		}
		s.Entered = m.Time
		out.Through = s.Seq
		ordinal += b.Batch.Len()
	}
	return out
}

func (m *Machine) spool(h report.Head) *Spool {
	name := h.Agent + "/" + h.Spool.String()
	s := m.Spools[name]
	if s == nil {
		s = &Spool{Agent: h.Agent, ID: h.Spool.String()}
		m.Spools[name] = s
	}
	return s
}

func (s *Spool) blind(r Range) {
	if len(s.Blind) == maxBlind {
		s.Blind[maxBlind-1].To = r.To
		return
	}
	s.Blind = append(s.Blind, r)
}

func (m *Machine) batch(body []byte) any {
	// Intake has opened it, and the ledger's checksum has kept it whole.
	b, err := report.TrustBatch(body)
	if err != nil {
		m.Events.Malformed++
		return err
	}
	var out BatchOutcome
	m.events(b, 0, &out)
	return out
}

// events applies a batch whose first event has the given ordinal in its entry.
func (m *Machine) events(b report.Batch, ordinal int, out *BatchOutcome) {
	r := b.Reader()
	now := uint32(m.Time / int64(time.Second))
	for ev := (report.Event{}); r.Next(&ev); ordinal++ {
		horizon := seconds(minHorizon)
		if m.live != nil {
			horizon = m.live.horizonOf(ev.Type)
		}
		if !m.seen.Add(now, m.print(ev.Source, ev.ID), horizon) {
			out.Duplicates++
			m.Events.Duplicates++
			continue
		}
		out.Accepted++
		m.Events.Accepted++
		if m.live != nil {
			m.evaluate(&ev, window.MakeRef(m.Index, ordinal))
		}
	}
}

// print is the fingerprint of an event. The zero byte keeps source and id
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

// Locate finds the event at ordinal in the body of an entry, for the evidence
// of an alert. It is false if the entry holds no such event.
func Locate(kind Kind, body []byte, ordinal int) (ev report.Event, ok bool) {
	for len(body) > 0 {
		var batch report.Batch
		var err error
		switch kind {
		case KindBlocks:
			var b report.Block
			b, body, err = report.ReadBlock(body)
			batch = b.Batch
		case KindBatch:
			batch, err = report.OpenBatch(bytes.Clone(body))
			body = nil
		default:
			return ev, false
		}
		if err != nil {
			return ev, false
		}
		if ordinal >= batch.Len() {
			ordinal -= batch.Len()
			continue
		}
		for r := batch.Reader(); r.Next(&ev); ordinal-- {
			if ordinal == 0 {
				return ev, true
			}
		}
	}
	return ev, false
}
