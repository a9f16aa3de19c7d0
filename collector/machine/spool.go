package machine

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	// maxSpoolsOfAgent bounds the streams of one agent: its data folder makes one,
	// and another when it turns out to be a copy.
	maxSpoolsOfAgent = 16
	// maxJump is how many blocks a spool may have lost at once.
	maxJump = 100_000
)

// What a block is to the stream of its spool.
type placing int

const (
	blockNext    placing = iota // it goes on, perhaps after a gap
	blockLate                   // it was blind until now
	blockAgain                  // it was applied
	blockForeign                // it is of another history
)

// place tells what a block is to the stream. What cannot be shown to be the same is
// another history: its sender takes a new spool id and sends again all that it has,
// and equal events count once.
func (s *Spool) place(seq uint64, prev, digest [32]byte) placing {
	switch kept := s.kept(seq); {
	case seq > s.Seq+1+maxJump, seq == s.Seq+1 && prev != s.Digest, kept != 0 && kept != short(digest):
		return blockForeign
	case seq > s.Seq:
		return blockNext
	case kept != 0:
		return blockAgain
	case s.isBlind(seq):
		if before := s.kept(seq - 1); before != 0 && before != short(prev) {
			return blockForeign
		}
		return blockLate
	}
	return blockForeign // nobody knows any more what it was
}

// kept is the beginning of the digest of a sequence; 0 if none is kept.
func (s *Spool) kept(seq uint64) uint64 {
	if back := s.Seq - seq; seq <= s.Seq && back < uint64(len(s.Recent)) {
		return s.Recent[len(s.Recent)-1-int(back)]
	}
	return 0
}

func (s *Spool) isBlind(seq uint64) bool {
	return slices.ContainsFunc(s.Blind, func(r Range) bool { return r.From <= seq && seq <= r.To })
}

// goOn takes in the next block. Sequences that it passes over are blind.
func (s *Spool) goOn(seq uint64, digest [32]byte, now int64) {
	if gap := seq - s.Seq - 1; gap > 0 {
		if len(s.Blind) == maxBlind {
			s.Blind, s.Over = slices.Delete(s.Blind, 0, 1), true
		}
		s.Blind = append(s.Blind, Range{s.Seq + 1, seq - 1, now})
		s.Recent = append(s.Recent, make([]uint64, min(gap, maxRecent))...)
	}
	s.Seq, s.Digest, s.Recent = seq, digest, append(s.Recent, short(digest))
	s.Recent = slices.Delete(s.Recent, 0, max(0, len(s.Recent)-maxRecent))
}

// fill takes in a block of a blind range.
func (s *Spool) fill(seq uint64, digest [32]byte) {
	if back := s.Seq - seq; back < uint64(len(s.Recent)) {
		s.Recent[len(s.Recent)-1-int(back)] = short(digest)
	}
	i := slices.IndexFunc(s.Blind, func(r Range) bool { return r.From <= seq && seq <= r.To })
	r := s.Blind[i]
	var left []Range
	if r.From < seq {
		left = append(left, Range{r.From, seq - 1, r.At})
	}
	if seq < r.To {
		left = append(left, Range{seq + 1, r.To, r.At})
	}
	s.Blind = slices.Replace(s.Blind, i, i+1, left...)
	if over := len(s.Blind) - maxBlind; over > 0 {
		s.Blind, s.Over = slices.Delete(s.Blind, 0, over), true
	}
}

func short(digest [32]byte) uint64 { return binary.LittleEndian.Uint64(digest[:]) }

func spoolName(h report.Head) string { return h.Agent + "/" + h.Spool.String() }

// addSpool makes a stream known. Too many of its agent displace the one that was
// silent longest, and none of another's.
func (m *Machine) addSpool(name string, s *Spool) {
	for all := m.spoolsOf[s.Agent]; len(all) >= maxSpoolsOfAgent; all = m.spoolsOf[s.Agent] {
		m.dropSpool(slices.MinFunc(all, func(a, b *Spool) int {
			return cmp.Or(cmp.Compare(a.Entered, b.Entered), strings.Compare(a.ID, b.ID))
		}))
	}
	m.Spools[name] = s
	m.spoolsOf[s.Agent] = append(m.spoolsOf[s.Agent], s)
}

func (m *Machine) dropSpool(s *Spool) {
	delete(m.Spools, s.Agent+"/"+s.ID)
	m.spoolsOf[s.Agent] = slices.DeleteFunc(m.spoolsOf[s.Agent], func(o *Spool) bool { return o == s })
	if len(m.spoolsOf[s.Agent]) == 0 {
		delete(m.spoolsOf, s.Agent)
	}
}

func (m *Machine) dropSpools(agent string) {
	for _, s := range slices.Clone(m.spoolsOf[agent]) {
		m.dropSpool(s)
	}
}

// sees tells whether nothing of an agent's streams is blind, or was when there was no
// room for it.
func (m *Machine) sees(agent string) bool {
	return !slices.ContainsFunc(m.spoolsOf[agent], func(s *Spool) bool { return len(s.Blind) > 0 || s.Over })
}
