// Package effects carries out and verifies effects.
//
// It promises that an effect is called verified only when it was seen from
// outside: for a closed gate, when every agent that may still let a payment
// pass has told that it knows, or can no longer do so. An agent whose copy
// ends with its lease can not once the longest lease that it was told is over.
// An agent that keeps its copy when nobody is reachable always can: if it is
// silent, the effect stays applied. Closing a gate itself happens in the
// machine; this version has no other action.
package effects

import (
	"strings"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// Leases is what the leader knows of the agents' copies of the gates. It lives
// in memory: after a start, nothing is known for one lease.
type Leases struct {
	mu      sync.Mutex // guards what follows
	started time.Time
	before  time.Duration   // the longest lease told before the start
	kept    map[string]bool // gates whose copies were kept for ever then
	agents  map[string]*agent
	lost    bool // there were more agents than are remembered
}

type agent struct {
	heard  time.Time // when it last asked or was answered
	acked  uint64    // the epoch that it has confirmed
	copies map[string]gateCopy
}

// gateCopy is what an agent's copy of one gate is good for.
type gateCopy struct {
	until time.Time // the longest lease that it was told ends
	keeps bool      // it was told to keep the copy after that
}

const (
	// forgotten is how long a silent agent is remembered whose leases are over.
	forgotten = time.Hour
	maxAgents = 10_000
)

// NewLeases begins to learn of leases. before are all gates that ever were, of
// which agents may hold copies: an agent that was away has the lease that it was
// told last, however long ago the rule files said so.
func NewLeases(before []machine.Gate) *Leases {
	l := &Leases{started: time.Now(), kept: map[string]bool{}, agents: map[string]*agent{}}
	for _, g := range before {
		l.before = max(l.before, g.Lease, g.Longest)
		l.kept[g.Name] = g.KeepUnreachable || g.EverKept
	}
	return l
}

// Asked notes that an agent asks again and thereby confirms all that it was
// told up to the epoch.
func (l *Leases) Asked(name string, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.agent(name); a != nil {
		a.acked, a.heard = epoch, time.Now()
	}
}

// Told notes that an agent is being answered with these gates. Its leases count
// from before this moment, so that they end before the leader believes it.
func (l *Leases) Told(name string, gates []machine.GateView) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.agent(name)
	if a == nil {
		return
	}
	a.heard = time.Now()
	for i := range gates {
		g := &gates[i]
		c := a.copies[g.Name]
		// A shorter lease, or an end of keeping, may not arrive.
		if until := a.heard.Add(g.Lease); until.After(c.until) {
			c.until = until
		}
		c.keeps = c.keeps || g.KeepUnreachable
		a.copies[g.Name] = c
	}
}

// agent finds or adds an agent; nil if there are too many.
func (l *Leases) agent(name string) *agent {
	if a := l.agents[name]; a != nil {
		return a
	}
	if len(l.agents) >= maxAgents {
		l.forget()
	}
	if len(l.agents) >= maxAgents {
		l.lost = true
		return nil
	}
	a := &agent{heard: time.Now(), copies: map[string]gateCopy{}}
	l.agents[name] = a
	return a
}

// forget drops the agents that can let nothing pass and are long gone.
func (l *Leases) forget() {
	for name, a := range l.agents {
		if time.Since(a.heard) > forgotten && !a.mayPass("") {
			delete(l.agents, name)
		}
	}
}

// mayPass tells whether the copy of the gate, or of one below it, may still let
// a payment pass; of any gate, if the name is empty.
func (a *agent) mayPass(gate string) bool {
	for name, c := range a.copies {
		if gate == "" || name == gate || strings.HasPrefix(name, gate+"/") {
			if c.keeps || time.Until(c.until) > 0 {
				return true
			}
		}
	}
	return false
}

// Confirmed tells how many agents know of the epoch, and how many do not and
// may still let a payment pass the gate.
func (l *Leases) Confirmed(epoch uint64, gate string) (know, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.agents {
		switch {
		case a.acked >= epoch:
			know++
		case a.mayPass(gate):
			open++
		}
	}
	return know, open
}

// Sure tells whether what is known of the agents is all that there is to know:
// not until what they were told before the start is over, and for a copy that
// is kept for ever, not while one of these agents has neither confirmed the
// epoch nor been told anything since.
func (l *Leases) Sure(epoch uint64, gate machine.Gate, reporters []string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost || time.Since(l.started) < max(l.before, gate.Lease) {
		return false
	}
	if !gate.KeepUnreachable && !l.kept[gate.Name] {
		return true
	}
	for _, name := range reporters {
		if l.agents[name] == nil {
			return false
		}
	}
	for _, a := range l.agents {
		if a.acked < epoch && len(a.copies) == 0 {
			return false
		}
	}
	return true
}
