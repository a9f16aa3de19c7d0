package ledger

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	const s = int64(time.Second)
	for _, c := range []struct {
		name       string
		last, wall int64 // at the start
		step       int64 // of the wall clock, after the start
		run        int64 // on the monotonic clock
		want       int64 // ledger time, since wall at the start
	}{
		{"follows the wall clock", 0, 1000 * s, 0, 100 * s, 100 * s},
		{"starts at the last entry", 1005 * s, 1000 * s, 0, 10 * s, 14 * s},
		{"meets a wall clock a little behind", 1005 * s, 1000 * s, 0, 100 * s, 100 * s},
		{"crawls when far ahead of it", 4600 * s, 1000 * s, 0, 100 * s, 3610 * s},
		{"runs after a step forward", 0, 1000 * s, 50 * s, 100 * s, 110 * s},
		{"waits after a small step back", 0, 1000 * s, -5 * s, 10 * s, 9 * s},
		{"crawls after a large step back", 0, 1000 * s, -3600 * s, 100 * s, 10 * s},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newClock(c.last, 0, c.wall)
			var now int64
			for mono := int64(0); mono <= c.run; mono += s / 100 {
				now = k.at(mono, c.wall+c.step+mono)
			}
			if got := now - c.wall; got < c.want-s/10 || got > c.want+s/10 {
				t.Errorf("ledger time moved to %v, want %v", time.Duration(got), time.Duration(c.want))
			}
		})
	}
}

// Whatever the clocks do, ledger time never goes back, never gains more than a
// tenth, and never stands still while the monotonic clock moves.
func TestClockNeverGoesBack(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		wall := rnd.Int64N(int64(1e18))
		k := newClock(rnd.Int64N(int64(1e18)), 0, wall)
		now, mono := k.now, int64(0)
		for range 500 {
			d := rnd.Int64N(int64(time.Second) << rnd.IntN(8))
			if rnd.IntN(20) == 0 {
				wall += rnd.Int64N(int64(2*time.Hour)) - int64(time.Hour)
			}
			mono, wall = mono+d, wall+d
			next := k.at(mono, wall)
			if low, high := now+d/10, now+d+d/10; next < low || next > high {
				t.Fatalf("seed %d: moved by %d in %d", seed, next-now, d)
			}
			now = next
			if again := k.at(mono-rnd.Int64N(10), wall); again != now {
				t.Fatalf("seed %d: moved by %d in no time", seed, again-now)
			}
		}
	}
}
