package machine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTimers compares timers with a list that is looked through: whoever sets a
// timer anew whenever it is reminded too early is reminded in time, and of
// nothing else.
func TestTimers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	timers := newTimers[int]()
	want := map[int]int64{} // when each is really due
	reminded := 0
	for now := range int64(20_000) {
		for range 3 {
			k := rnd.IntN(200)
			if rnd.IntN(5) == 0 {
				timers.drop(k)
				delete(want, k)
				continue
			}
			want[k] = now + 1 + rnd.Int64N(300)
			timers.set(k, want[k])
		}
		var due []int
		for _, k := range timers.due(now) {
			if want[k] > now {
				timers.set(k, want[k])
				continue
			}
			due = append(due, k)
		}
		slices.Sort(due)
		var all []int
		next := int64(0)
		for k := range 200 {
			switch at, ok := want[k]; {
			case ok && at <= now:
				all = append(all, k)
				delete(want, k)
			case ok && (next == 0 || at < next):
				next = at
			}
		}
		if !slices.Equal(due, all) {
			t.Fatalf("at %d due %v, want %v", now, due, all)
		}
		if at := timers.next(); at > next || at == 0 && next != 0 || at != 0 && at <= now {
			t.Fatalf("at %d the next is %d, want at most %d", now, at, next)
		}
		reminded += len(due)
	}
	if reminded < 1000 {
		t.Errorf("only %d were ever due: this shows nothing", reminded)
	}
	// Things that come and go leave nothing behind one that stays.
	for i := range 10_000 {
		timers.set(-1, 20_000)
		timers.set(i, 30_000)
		timers.drop(i)
	}
	if n := len(timers.heap); n > 2*200+64 {
		t.Errorf("%d reminders of at most 200 things", n)
	}
}
