package ledger

import (
	"sync"
	"time"
)

// Ledger time follows the monotonic clock and leans towards the wall clock:
// a tenth faster or slower at most. When the wall clock is more than farBehind
// behind, ledger time crawls at a tenth of the pace until they meet. It never
// steps and never goes back, so that a wrong clock cannot end a window at once.
const farBehind = int64(10 * time.Second)

// clock is ledger time as a function of readings of the two other clocks.
type clock struct{ mono, now int64 }

// newClock starts at the later of the last applied entry and the wall clock.
func newClock(last, mono, wall int64) clock { return clock{mono: mono, now: max(last, wall)} }

// at returns ledger time at a reading of the monotonic and the wall clock.
func (c *clock) at(mono, wall int64) int64 {
	elapsed := max(mono-c.mono, 0)
	c.mono = max(c.mono, mono)
	c.now += elapsed
	c.now += slew(wall-c.now, elapsed)
	return c.now
}

func slew(off, elapsed int64) int64 {
	switch {
	case off >= 0:
		return min(off, elapsed/10)
	case off < -farBehind:
		return max(off, elapsed/10-elapsed)
	default:
		return max(off, -elapsed/10)
	}
}

// ledgerTime reads the real clocks for everyone who asks.
type ledgerTime struct {
	mu    sync.Mutex // guards clock
	start time.Time  // carries the monotonic reading
	clock clock
}

func newLedgerTime(last int64) *ledgerTime {
	start := time.Now()
	return &ledgerTime{start: start, clock: newClock(last, 0, start.UnixNano())}
}

// now returns ledger time and how far the wall clock is ahead of it.
func (t *ledgerTime) now() (now, ahead int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wall := time.Now()
	now = t.clock.at(int64(wall.Sub(t.start)), wall.UnixNano())
	return now, wall.UnixNano() - now
}
