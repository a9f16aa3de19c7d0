package ledger

import "time"

// Ledger time follows the monotonic clock and leans towards the wall clock:
// a tenth faster or slower at most. When the wall clock is more than farBehind
// behind, ledger time crawls at a tenth of the pace until they meet. It never
// goes back, and steps only forward and only to a wall clock that is believed.
//
// At a start one reading of the wall clock is believed up to farAhead after the
// last entry. Beyond that it is doubted, and ledger time goes on from the last
// entry until something speaks for the wall clock (proof), or until it has run
// evenly with the monotonic clock for evenFor: a clock that is being set does
// not.
const (
	farBehind  = int64(10 * time.Second)
	farAhead   = int64(5 * time.Minute)
	evenFor    = int64(2 * time.Minute)
	evenWithin = int64(500 * time.Millisecond)
)

// clock is ledger time as a function of readings of the two other clocks.
type clock struct {
	mono, now int64
	doubted   bool
	// While doubted: how far the wall clock was from the monotonic one, and since
	// when, by the monotonic one, it has been.
	offset, since int64
}

// A proof is what speaks for the wall clock, or against it.
type proof struct {
	boot   bool // the time since boot ran as far since the last entry
	kernel bool // the kernel says that the clock is synchronized
	hosts  word // of other hosts' clocks
}

// A word is what somebody says of the wall clock.
type word int8

const (
	against word = iota - 1
	nothing
	agrees
)

// newClock starts at the later of the last applied entry and the wall clock, if
// that can be believed. A ledger without entries has nothing to compare with.
func newClock(last, mono, wall int64) clock {
	c := clock{mono: mono, now: last, offset: wall - mono, since: mono}
	if c.doubted = last != 0 && wall-last > farAhead; !c.doubted {
		c.believe(wall)
	}
	return c
}

// believe ends the doubt and steps to the wall clock.
func (c *clock) believe(wall int64) {
	c.now, c.doubted = max(c.now, wall), false
}

// at returns ledger time at a reading of the monotonic and the wall clock.
func (c *clock) at(mono, wall int64) int64 {
	elapsed := max(mono-c.mono, 0)
	c.mono = max(c.mono, mono)
	c.now += elapsed
	if !c.doubted {
		c.now += slew(wall-c.now, elapsed)
		return c.now
	}
	if off := wall - mono; max(off-c.offset, c.offset-off) > evenWithin {
		c.offset, c.since = off, c.mono
	}
	if wall-c.now <= farAhead { // it was set right
		c.believe(wall)
	}
	return c.now
}

// weigh ends the doubt if the proof is enough. Other hosts that contradict the
// wall clock leave it doubted however evenly it runs: then a person decides.
func (c *clock) weigh(mono, wall int64, p proof) {
	c.at(mono, wall)
	even := p.hosts != against && c.mono-c.since >= evenFor
	if c.doubted && (p.boot || p.kernel || p.hosts == agrees || even) {
		c.believe(wall)
	}
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
