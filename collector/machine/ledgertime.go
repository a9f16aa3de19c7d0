package machine

import (
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// stepLeast is how far apart two entries are at least if, while ledger time is
// behind, it was stepped between them.
const stepLeast = int64(5 * time.Minute)

// stepped notes that ledger time was stepped to the clock that it was behind:
// nobody could be heard in between, and that is not silence.
func (m *Machine) stepped(to int64) {
	if m.Behind == 0 || to-m.Time < stepLeast {
		return
	}
	m.Behind = max(0, m.Behind-(to-m.Time))
	m.Serving, m.Steady = to, to
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
