// Package act carries out and verifies effects.
//
// It promises that an effect is called verified only when it was seen from
// outside: for a closed gate, when every agent that may still let a payment
// pass has told that it knows, or can no longer do so. Closing a gate itself
// happens in the machine; this version has no other action.
package act

import (
	"sync"
	"time"
)

// Leases is what the leader knows of the agents' copies of the gates. It lives
// in memory: after a start, nothing is known for one lease.
type Leases struct {
	mu      sync.Mutex
	started time.Time
	agents  map[string]lease
}

type lease struct {
	told  time.Time // when it was last answered
	acked uint64    // the epoch that it has confirmed
}

// forgotten is how long a silent agent is remembered, longer than any lease.
const forgotten = time.Hour

// NewLeases begins to learn of leases.
func NewLeases() *Leases {
	return &Leases{started: time.Now(), agents: map[string]lease{}}
}

// Asked notes that an agent asks again and thereby confirms all that it was
// told up to the epoch.
func (l *Leases) Asked(agent string, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.agents[agent]
	a.acked = epoch
	l.agents[agent] = a
}

// Told notes that an agent is being answered. Its lease counts from before
// this moment, so that it ends before the leader believes it to.
func (l *Leases) Told(agent string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	a := l.agents[agent]
	a.told = now
	l.agents[agent] = a
	for name, a := range l.agents {
		if now.Sub(a.told) > forgotten {
			delete(l.agents, name)
		}
	}
}

// Live is the agents whose leases of this length run, and when each was told.
func (l *Leases) Live(length time.Duration) map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]time.Time{}
	for name, a := range l.agents {
		if time.Since(a.told) < length {
			out[name] = a.told
		}
	}
	return out
}

// Confirmed tells how many agents know of the epoch and how many with a lease
// of this length may not. sure is false until one lease after the start.
func (l *Leases) Confirmed(epoch uint64, length time.Duration) (know, open int, sure bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.agents {
		switch live := time.Since(a.told) < length; {
		case a.acked >= epoch:
			know++
		case live:
			open++
		}
	}
	return know, open, time.Since(l.started) >= length
}
