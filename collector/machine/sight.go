package machine

import "math/bits"

// Bounds of how well a rule reads the events of one source.
const (
	sightLast  = 100 // events that are looked back at
	sightFew   = 20  // of them at least, to speak of a share
	sightShare = 5   // one in so many may be unread
	sightRun   = 5   // unread one after another say that the rule is blind
	sightGap   = 4   // times the longest gap between two unread ones, without one: it was mended
)

// A Sight is how well a rule reads the events of one type from one source: those
// that its condition does not reject.
type Sight struct {
	Source string `json:",omitempty"` // empty: of all sources beyond those that are told apart
	Event  string
	Side   string `json:",omitempty"` // which source of its rule, where several are of the type
	Agent  string `json:",omitempty"` // by whose blocks the first came; empty: by the collector's own intake
	At     int64  // ledger time of the last of them
	Seen   int    // how many are looked back at
	Lost   sight  `json:",omitzero"`
	Blind  bool   `json:",omitempty"` // RuleBlind stands
	Mixed  bool   `json:",omitempty"` // since it is blind, it has read some, and then not
	Where  bool   `json:",omitempty"` // the last that was unread was so by the condition
	Before int64  `json:",omitempty"` // up to when the events were heard when the first of Lost came
	Mended int64  `json:",omitempty"` // ledger time at which it last was blind
	Passed uint64 `json:",omitempty"` // events that the condition has rejected since then
	Gap    uint64 `json:",omitempty"` // the most that it has rejected between two unread ones
}

// sight is which of the last events were unread: the lowest bit is the newest.
type sight [2]uint64

func (s *sight) push(unread bool) {
	s[1] = (s[1]<<1 | s[0]>>63) & (1<<(sightLast-64) - 1)
	s[0] <<= 1
	if unread {
		s[0] |= 1
	}
}

func (s sight) lost() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// run is how many of the newest were unread, one after another.
func (s sight) run() int { return bits.TrailingZeros64(^s[0]) }

// read notes an event that was read, and tells whether the rule no longer is
// blind because of it: it was for some events, and now has read as many one after
// another; more where it had read some all along.
func (s *Sight) read(now int64) (mended bool) {
	s.note(now, false)
	need := sightRun
	if s.Mixed {
		need = sightFew
	}
	if run := min(bits.TrailingZeros64(s.Lost[0]), s.Seen); s.Blind && run >= need {
		s.mend(need, now)
		return true
	}
	return false
}

// unread notes an event that was not read, and tells whether the rule is blind.
func (s *Sight) unread(now int64, where bool) bool {
	s.Mixed = s.Mixed || s.Blind && s.Lost[0]&1 == 0
	s.note(now, true)
	if s.Where {
		s.Gap = max(s.Gap, s.Passed)
	}
	s.Where, s.Passed = where, 0
	run := s.Lost.run() >= sightRun
	share := s.Seen >= sightFew && s.Lost.lost()*sightShare > s.Seen
	s.Mixed = s.Mixed || share && !run && !s.Blind
	return run || share
}

// passed notes an event that the condition rejects, so that it can decide again,
// and tells whether the rule no longer is blind because of it.
func (s *Sight) passed(now int64) (mended bool) {
	s.At = now
	if s.Passed++; s.Blind && s.Passed >= max(sightFew, sightGap*s.Gap) {
		s.mend(0, now)
		return true
	}
	return false
}

func (s *Sight) note(now int64, unread bool) {
	s.At, s.Seen = now, min(s.Seen+1, sightLast)
	s.Lost.push(unread)
}

// mend begins anew with as many events that were read.
func (s *Sight) mend(seen int, now int64) {
	*s = Sight{Source: s.Source, Event: s.Event, Side: s.Side, Agent: s.Agent, At: s.At, Seen: seen, Before: s.Before, Mended: now}
}

// lately tells whether the rule was blind, and what it did not read may still matter to
// it, which looks back as far as reach.
func (s *Sight) lately(now, reach int64) bool { return s.Mended != 0 && now < s.Mended+reach }

// watched tells whether events that the condition rejects say anything.
func (s *Sight) watched() bool { return s.Where && s.Lost != sight{} }
