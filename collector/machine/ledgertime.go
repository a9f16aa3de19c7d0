package machine

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// stepLeast is how far apart two entries are at least if, while ledger time is
// behind, it was stepped between them.
const stepLeast = int64(5 * time.Minute)

// stepSlack is how much less than what ledger time was behind a step may be: how much that
// is was said a while before.
const stepSlack = int64(time.Minute)

// lessBehind is how far ledger time is behind after a jump of it. One of less than all
// that it was behind is no step to the right clock, but a pause in which nothing came.
func lessBehind(behind, jump int64) int64 {
	if jump < stepLeast || jump < behind-stepSlack {
		return behind
	}
	return max(0, behind-jump)
}

// A TimeStep is a step of ledger time that was behind. What came before it may be of any
// time up to To, though it entered at an earlier one.
type TimeStep struct {
	Since int64 // ledger time since when it was known to be behind
	To    int64
}

// maxTimeSteps bounds those that are remembered; the oldest two become one that holds both.
const maxTimeSteps = 16

// stepped notes that ledger time was stepped to the clock that it was behind:
// nobody could be heard in between, and that is not silence.
func (m *Machine) stepped(to int64) {
	if m.Behind == 0 || to-m.Time < stepLeast {
		return
	}
	m.Stepped = append(m.Stepped, TimeStep{m.behindSince(), to})
	if len(m.Stepped) > maxTimeSteps {
		m.Stepped[1].Since = m.Stepped[0].Since
		m.Stepped = slices.Delete(m.Stepped, 0, 1)
	}
	m.Behind = lessBehind(m.Behind, to-m.Time)
	m.Serving, m.Steady = to, to
}

// behindSince is since when ledger time is known to be behind; now if it is not.
func (m *Machine) behindSince() int64 {
	if a := m.alertOf[m.aboutKey(ledgerTimeOff, nil)]; a != nil && m.Behind > 0 {
		return a.Raised
	}
	return m.Time
}

// enteredSince is the ledger time since when events of a time or later may have
// entered.
func (m *Machine) enteredSince(at int64) int64 {
	at = min(at, m.behindSince())
	for _, s := range slices.Backward(m.Stepped) {
		if at <= s.To {
			at = min(at, s.Since)
		}
	}
	return at
}

// acceptTime puts on record who said that the clock of the host that leads is
// right. The edge steps ledger time once that is durable.
func (m *Machine) acceptTime(d entry.Decision) *Refusal {
	switch {
	case m.Behavior < 3:
		return invalid("do", record.NoDecision, clip(d.Do))
	case blank(d.Reason):
		return invalid("reason", record.WantReasonTime)
	}
	return nil
}
