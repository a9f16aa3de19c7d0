package machine

import (
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

// A BlocksOutcome says how far an agent's spool has been applied.
type BlocksOutcome struct {
	BatchOutcome
	Through uint64
	Ledger  int64 // time of the ledger
	// Clone says that another spool with this id was here: its sender must take
	// a new one.
	Clone bool
}

// blocks applies an agent's blocks, each exactly once and in order.
func (m *Machine) blocks(body []byte) any {
	out := BlocksOutcome{Ledger: m.Time}
	ordinal := 0
	for len(body) > 0 {
		b, rest, err := report.ReadBlock(body)
		if err != nil {
			m.Events.Malformed++
			return err
		}
		body = rest
		apply := m.place
		if m.Behavior < 3 {
			apply = m.placeBefore3
		}
		if !apply(&b, ordinal, &out) {
			return out
		}
		m.hear(b.Agent)
		// Only what this sender has sent: what a clone sent is not its to forget.
		out.Through = b.Seq
		ordinal += b.Batch.Len()
	}
	return out
}

// place applies a block, whose first event has the ordinal in its entry, if it was
// not applied before. It is false of one that is of another history than the
// stream's: that changes nothing.
func (m *Machine) place(b *report.Block, ordinal int, out *BlocksOutcome) bool {
	name, digest := spoolName(b.Head), b.Batch.Digest()
	s := m.Spools[name]
	known := s != nil
	if !known {
		s = &Spool{Agent: strings.Clone(b.Agent), ID: b.Spool.String()}
	}
	what := s.place(b.Seq, b.Prev, digest)
	if what == blockForeign {
		out.Clone, out.Through = true, s.Seq
		m.lostBlocks(s.Agent)
		if known {
			s.Clones++
			m.builtIn(agentCloned, Label{Name: "agent", Value: s.Agent})
		}
		return false
	}
	if !known {
		m.addSpool(name, s)
	}
	s.Entered = m.Time
	switch what {
	case blockNext:
		if b.Seq > s.Seq+1 {
			m.missing(s.Agent)
		}
		s.goOn(b.Seq, digest, m.Time)
	case blockLate:
		if s.fill(b.Seq, digest); m.sees(s.Agent) {
			m.endAbout(agentBlind, record.New(record.NoLongerTrue), Label{Name: "agent", Value: s.Agent})
			m.foundBlocks(s.Agent)
		}
	default:
		return true
	}
	m.events(b.Batch, ordinal, b.Agent, &out.BatchOutcome)
	return true
}

// blindKept is how long after the last gap AgentBlind stands for blocks that do not come.
const blindKept = 24 * time.Hour

// missing tells that blocks of an agent did not come, until they do.
func (m *Machine) missing(agent string) {
	labels := []Label{{Name: "agent", Value: agent}}
	m.builtIn(agentBlind, labels...)
	m.wake(m.about(agentBlind, labels), m.Time+int64(blindKept))
	m.lostBlocks(agent)
}

// giveUp ends AgentBlind of blocks that did not come.
func (m *Machine) giveUp(a *Alert) {
	for _, s := range m.spoolsOf[a.Label("agent")] {
		s.Over = false
	}
	m.end(a, record.New(record.NeverCame))
}

// placeBefore3 is place as it was before version 3: a sequence that the stream has
// passed is delivered again, unless the digest that is kept of it says otherwise.
func (m *Machine) placeBefore3(b *report.Block, ordinal int, out *BlocksOutcome) bool {
	name, digest := spoolName(b.Head), b.Batch.Digest()
	s := m.Spools[name]
	if s == nil {
		if len(m.Spools) >= maxSpools {
			m.dropSpool(m.Spools[longestSilent(m.Spools, func(s *Spool) int64 { return s.Entered })])
		}
		s = &Spool{Agent: strings.Clone(b.Agent), ID: b.Spool.String()}
		m.Spools[name] = s
		m.spoolsOf[s.Agent] = append(m.spoolsOf[s.Agent], s)
	}
	if kept := s.kept(b.Seq); kept != 0 && kept != short(digest) || b.Seq == s.Seq+1 && b.Prev != s.Digest {
		s.Clones++
		m.builtIn(agentCloned, Label{Name: "agent", Value: s.Agent})
		out.Clone, out.Through = true, s.Seq
		return false
	}
	s.Entered = m.Time
	if b.Seq <= s.Seq {
		return true
	}
	if b.Seq > s.Seq+1 {
		if r := (Range{s.Seq + 1, b.Seq - 1, m.Time}); len(s.Blind) == maxBlind {
			s.Blind[maxBlind-1].To = r.To
		} else {
			s.Blind = append(s.Blind, r)
		}
		s.Recent = s.Recent[:0]
		m.builtIn(agentBlind, Label{Name: "agent", Value: s.Agent})
	}
	s.Seq, s.Digest, s.Recent = b.Seq, digest, append(s.Recent, short(digest))
	s.Recent = s.Recent[max(0, len(s.Recent)-maxRecent):]
	m.events(b.Batch, ordinal, b.Agent, &out.BatchOutcome)
	return true
}
