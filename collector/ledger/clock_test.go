package ledger

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
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
		{"a minute of outage", 940 * s, 1000 * s, 0, s, s},
		{"an hour of outage, before it is believed", 1000*s - 3600*s, 1000 * s, 0, 119 * s, 119*s - 3600*s},
		{"an hour of outage, after two minutes", 1000*s - 3600*s, 1000 * s, 0, 125 * s, 125 * s},
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
				k.weigh(mono, c.wall+c.step+mono, proof{})
				now = k.now
			}
			if got := now - c.wall; got < c.want-s/10 || got > c.want+s/10 {
				t.Errorf("ledger time moved to %v, want %v", time.Duration(got), time.Duration(c.want))
			}
		})
	}
}

// try weighs a proof now and then.
func (c *clock) try(rnd *rand.Rand, mono, wall int64) (now int64, stepped bool) {
	was := c.doubted
	c.weigh(mono, wall, proof{kernel: rnd.IntN(50) == 0, hosts: word(rnd.IntN(3) - 1)})
	return c.now, was && !c.doubted
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
			doubted := k.doubted
			next := k.at(mono, wall)
			low, high := now+d/10, now+d+d/10
			if doubted {
				if low, high = now+d, now+d; !k.doubted {
					high = max(high, wall) // it was set right
				}
			}
			if next < low || next > high {
				t.Fatalf("seed %d: moved by %d in %d", seed, next-now, d)
			}
			now = next
			if again, stepped := k.try(rnd, mono, wall); stepped {
				if again < now || again > max(now, wall) {
					t.Fatalf("seed %d: stepped from %d to %d, the wall clock at %d", seed, now, again, wall)
				}
				now = again
			}
			if again := k.at(mono-rnd.Int64N(10), wall); again != now {
				t.Fatalf("seed %d: moved by %d in no time", seed, again-now)
			}
		}
	}
}

// A collector that is started again and again, on a host whose clock is wrong now
// and then, for less than two minutes, by up to years: ledger time never runs
// ahead of the true time by more than a lean, and where the clock has been right
// for two minutes it is not behind by more than it could crawl meanwhile.
func TestWrongClockIsNotBelieved(t *testing.T) {
	const step = int64(time.Second)
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		now := int64(1e18)
		last, wrong, until, right := now, int64(0), int64(0), now
		for range 30 { // starts
			now += rnd.Int64N(int64(time.Second) << rnd.IntN(20)) // up to six days away
			if rnd.IntN(2) == 0 {
				wrong, until = int64(6*time.Minute)+rnd.Int64N(int64(time.Minute)<<rnd.IntN(20)), now+rnd.Int64N(119*step)
			}
			begun, reading := now, now+wrong
			if now >= until {
				reading = now
			}
			k := newClock(last, 0, reading)
			for end := now + rnd.Int64N(int64(time.Hour)); now < end; now += step {
				wall := now
				if now < until {
					wall += wrong
					right = now
				}
				ok := now >= until && rnd.IntN(200) == 0
				k.weigh(now-begun, wall, proof{kernel: ok, boot: ok})
				if ahead := k.now - now; ahead > int64(time.Minute) {
					t.Fatalf("seed %d: ahead by %v", seed, time.Duration(ahead))
				}
				if behind := now - k.now; now-max(right, begun) > evenFor+step && behind > int64(3*time.Minute) {
					t.Fatalf("seed %d: behind by %v, and the clock is right since %v", seed, time.Duration(behind), time.Duration(now-right))
				}
			}
			last = k.now
		}
	}
}

func TestWhatSpeaksForAClock(t *testing.T) {
	const hour, day = int64(time.Hour), 24 * int64(time.Hour)
	last, wall := int64(1e18), int64(1e18)+day
	for _, c := range []struct {
		name string
		p    proof
		want bool
	}{
		{"nothing", proof{}, false},
		{"the time since boot", proof{boot: true}, true},
		{"the kernel", proof{kernel: true}, true},
		{"the kernel, and hosts contradict", proof{kernel: true, hosts: against}, true},
		{"two hosts", proof{hosts: agrees}, true},
		{"hosts contradict", proof{hosts: against}, false},
	} {
		k := newClock(last, 0, wall)
		k.weigh(1, wall+1, c.p)
		if k.doubted == c.want || c.want && k.now != wall+1 || !c.want && k.now != last+1 {
			t.Errorf("%s: doubted %v, %v after the last entry", c.name, k.doubted, time.Duration(k.now-last))
		}
		for mono := int64(0); mono < hour; mono += int64(time.Second) {
			k.weigh(mono, wall+mono, c.p)
		}
		if k.doubted != (c.p.hosts == against && !c.want) {
			t.Errorf("%s: after an hour, doubted %v", c.name, k.doubted)
		}
	}
}

func TestOtherHosts(t *testing.T) {
	const s, day = int64(time.Second), 24 * int64(time.Hour)
	for _, c := range []struct {
		name  string
		ahead []int64
		at    int64
		want  word
	}{
		{"none", nil, s, nothing},
		{"one", []int64{0}, s, nothing},
		{"two agree", []int64{-s, 2 * s}, s, agrees},
		{"two of long ago", []int64{-s, 2 * s}, 40 * s, nothing},
		{"two contradict", []int64{-day, -day + s}, s, against},
		{"two are wrong, each by itself", []int64{-day, -2 * day}, s, nothing},
		{"two against two", []int64{0, 0, -day, -day}, s, nothing},
		{"three against two", []int64{0, 0, -day, -day, -day}, s, against},
	} {
		var h hosts
		for i, ahead := range c.ahead {
			h.saw(string(rune('a'+i)), 0, ahead)
			h.saw(string(rune('a'+i)), 1, ahead)
		}
		if got := h.say(c.at); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTimeSinceBoot(t *testing.T) {
	const m = int64(time.Minute)
	dir := t.TempDir()
	b := openBootFile(dir)
	if b.confirms(100*m, 100*m) {
		t.Error("confirmed without a note")
	}
	b.id = "one"
	if err := b.keep(5*m, 1000*m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, boot  string
		since, wall int64
		want        bool
	}{
		{"an hour later", "one", 65 * m, 1060 * m, true},
		{"an hour later, the clock a day ahead", "one", 65 * m, 2500 * m, false},
		{"another boot", "two", 65 * m, 1060 * m, false},
		{"no boot id", "", 65 * m, 1060 * m, false},
		{"before", "one", 4 * m, 999 * m, false},
	} {
		again := openBootFile(dir)
		again.id = c.boot
		if got := again.confirms(c.since, c.wall); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if err := os.WriteFile(dir+"/boot", []byte(`{"version":1,"bo`), 0o600); err != nil {
		t.Fatal(err)
	}
	if torn := openBootFile(dir); torn.was != (bootNote{}) {
		t.Errorf("a torn note was read: %+v", torn.was)
	}
}

// A real ledger whose last entry is a day old, on a host that nothing confirms.
func TestLedgerTimeIsAccepted(t *testing.T) {
	dir, was := t.TempDir(), time.Now().Add(-24*time.Hour)
	head := Head{Index: 7, Hash: [32]byte{1}, Time: was.UnixNano()}
	err := Seed(dir, head, func(w io.Writer) error { _, err := w.Write(appendHead(nil, "TEST", head)); return err })
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Ledger {
		l, err := Open(t.Context(), Options{Dir: dir, Applier: &record{}, synced: func() bool { return false }})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	if now := l.Now(); !l.TimeDoubted() || now < head.Time || now > head.Time+int64(time.Minute) {
		t.Errorf("doubted %v, time %v", l.TimeDoubted(), time.Unix(0, now))
	}
	if err := l.AcceptTime(); err != nil || l.TimeDoubted() || l.TimeBehind().Abs() > time.Second {
		t.Errorf("accepted: %v, behind %v", err, l.TimeBehind())
	}
	if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindTick}); err != nil {
		t.Error(err)
	}
	l.time.clock.now += int64(time.Hour)
	if err := l.AcceptTime(); !errors.Is(err, ErrTimeAhead) {
		t.Errorf("accepted a clock that is behind: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
