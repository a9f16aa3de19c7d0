package ledger

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ledgerTime reads the real clocks for everyone who asks.
type ledgerTime struct {
	start  time.Time // carries the monotonic reading
	boot   bootFile
	synced func() bool
	hosts  hosts

	mu    sync.Mutex // guards clock
	clock clock
}

func newLedgerTime(dir string, last int64, synced func() bool) *ledgerTime {
	start := time.Now()
	t := &ledgerTime{start: start, boot: openBootFile(dir), synced: synced, clock: newClock(last, 0, start.UnixNano())}
	t.look()
	return t
}

// now returns ledger time and how far the wall clock is ahead of it.
func (t *ledgerTime) now() (now, ahead int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mono, wall := t.read()
	now = t.clock.at(mono, wall)
	return now, wall - now
}

func (t *ledgerTime) read() (mono, wall int64) {
	at := time.Now()
	return int64(at.Sub(t.start)), at.UnixNano()
}

// look weighs what speaks for a wall clock that is doubted, and reports whether
// it is doubted still.
func (t *ledgerTime) look() (doubted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.clock.doubted {
		return false
	}
	mono, wall := t.read()
	t.clock.weigh(mono, wall, proof{
		boot:   t.boot.confirms(bootTime(), wall),
		kernel: t.synced(),
		hosts:  t.hosts.say(mono),
	})
	return t.clock.doubted
}

// ErrTimeAhead is returned where nothing can be accepted.
var ErrTimeAhead = errors.New("ledger time is not behind this host's clock, and it never goes back: set the clock right and wait")

func (t *ledgerTime) accept() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	mono, wall := t.read()
	if t.clock.at(mono, wall) >= wall {
		return ErrTimeAhead
	}
	t.clock.believe(wall)
	return nil
}

func (t *ledgerTime) saw(host string, clock time.Time) {
	at := time.Now()
	t.hosts.saw(host, int64(at.Sub(t.start)), clock.UnixNano()-at.UnixNano())
}

// synchronized is what the kernel says of its clock: that something sets it. In
// a container it may not be asked, and says nothing.
func synchronized() bool {
	var x unix.Timex
	state, err := unix.Adjtimex(&x)
	return err == nil && state != unix.TIME_ERROR && x.Status&unix.STA_UNSYNC == 0
}

const (
	lookEvery = 250 * time.Millisecond
	keepEvery = time.Minute
)

// keepTime looks at the clocks until the ledger ends, and keeps what the next
// start compares with.
func (l *Ledger) keepTime() {
	look, keep := time.NewTicker(lookEvery), time.NewTicker(keepEvery)
	defer look.Stop()
	defer keep.Stop()
	doubted := l.time.look()
	for {
		select {
		case <-l.life.Done():
			l.keepBoot()
			return
		case <-keep.C:
			l.keepBoot()
		case <-look.C:
			l.lookForFiles()
			if was := doubted; was {
				if doubted = l.time.look(); !doubted {
					l.o.Log.Info("this host's clock is believed; ledger time is stepped to it")
					l.keepBoot()
				}
			}
		}
	}
}

// keepBoot notes how ledger time and the time since boot stand to each other. A
// note that cannot be written costs the next start two minutes at most.
func (l *Ledger) keepBoot() {
	now, _ := l.time.now()
	if err := l.time.boot.keep(bootTime(), now); err != nil {
		l.o.Log.Debug("note the time since boot", "error", err)
	}
}

// TimeDoubted tells whether this host's clock is too far ahead of the last entry
// to be believed yet: ledger time goes on from that entry meanwhile.
func (l *Ledger) TimeDoubted() bool {
	l.time.mu.Lock()
	defer l.time.mu.Unlock()
	return l.time.clock.doubted
}

// TimeBehind is how far ledger time is behind this host's clock; negative if it
// is ahead.
func (l *Ledger) TimeBehind() time.Duration {
	_, ahead := l.time.now()
	return time.Duration(ahead)
}

// AcceptTime steps ledger time to this host's clock, because a person says that
// it is right. The error is ErrTimeAhead.
func (l *Ledger) AcceptTime() error {
	err := l.time.accept()
	if err == nil {
		l.keepBoot()
	}
	return err
}

// SawClock is told what the clock of another host showed just now.
func (l *Ledger) SawClock(host string, clock time.Time) { l.time.saw(host, clock) }
