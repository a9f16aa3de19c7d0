package machine

import (
	"encoding/binary"
	"strings"
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
		digest := b.Batch.Digest()
		switch {
		case s.cloned(b.Seq, b.Prev, digest):
			s.Clones++
			m.builtIn(agentCloned, Label{Name: "agent", Value: s.Agent})
			out.Clone, out.Through = true, s.Seq
			return out
		case b.Seq <= s.Seq:
			// Delivered again.
		default:
			if b.Seq > s.Seq+1 {
				s.blind(Range{s.Seq + 1, b.Seq - 1, m.Time})
				m.builtIn(agentBlind, Label{Name: "agent", Value: s.Agent})
			}
			s.advance(b.Seq, digest)
			m.events(b.Batch, ordinal, b.Agent, &out.BatchOutcome)
		}
		s.Entered = m.Time
		m.hear(b.Agent)
		// Only what this sender has sent: what a clone sent is not its to forget.
		out.Through = b.Seq
		ordinal += b.Batch.Len()
	}
	return out
}

func (m *Machine) spool(h report.Head) *Spool {
	name := h.Agent + "/" + h.Spool.String()
	s := m.Spools[name]
	if s == nil {
		m.forgetSpool()
		s = &Spool{Agent: strings.Clone(h.Agent), ID: h.Spool.String()}
		m.Spools[name] = s
	}
	return s
}

// forgetSpool makes room for one more stream: the one that was silent longest
// goes. If it speaks again, its blocks are taken for new.
func (m *Machine) forgetSpool() {
	if len(m.Spools) < maxSpools {
		return
	}
	delete(m.Spools, longestSilent(m.Spools, func(s *Spool) int64 { return s.Entered }))
}

// cloned tells whether a block cannot be of the stream that was here so far:
// its sequence came with other contents, or after another predecessor. Beyond
// the digests that are kept nobody can tell.
func (s *Spool) cloned(seq uint64, prev, digest [32]byte) bool {
	switch {
	case seq > s.Seq+1:
		return false
	case seq == s.Seq+1:
		return prev != s.Digest
	}
	back := s.Seq - seq
	return back < uint64(len(s.Recent)) && s.Recent[len(s.Recent)-1-int(back)] != short(digest)
}

func (s *Spool) advance(seq uint64, digest [32]byte) {
	if seq != s.Seq+1 {
		s.Recent = s.Recent[:0]
	}
	if len(s.Recent) == maxRecent {
		s.Recent = append(s.Recent[:0], s.Recent[1:]...)
	}
	s.Seq, s.Digest, s.Recent = seq, digest, append(s.Recent, short(digest))
}

func short(digest [32]byte) uint64 { return binary.LittleEndian.Uint64(digest[:]) }

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
	m.events(b, 0, "", &out)
	return out
}

// events applies a batch whose first event has the given ordinal in its entry.
// An agent's report of itself counts only where an agent sent it, which is empty
// for events that came without one.
func (m *Machine) events(b report.Batch, ordinal int, agent string, out *BatchOutcome) {
	r := b.Reader()
	for ev := (report.Event{}); r.Next(&ev); ordinal++ {
		if m.isRepeat(&ev, window.MakeRef(m.Index, ordinal)) {
			out.Duplicates++
			m.Events.Duplicates++
			continue
		}
		out.Accepted++
		m.Events.Accepted++
		if agent != "" {
			m.own(agent, &ev)
		}
		if m.live != nil {
			m.evaluate(&ev, window.MakeRef(m.Index, ordinal))
		}
	}
}

// isRepeat tells whether the event was applied before. Before version 3 any of the
// same source and id was one.
func (m *Machine) isRepeat(ev *report.Event, ref window.Ref) bool {
	if m.Behavior >= 3 {
		return m.repeats(ev, ref)
	}
	return !m.seen.Add(uint32(m.Time/int64(time.Second)), m.print(ev.Source, ev.ID), m.typeOf(ev.Type).horizon)
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
