package ledger

import (
	"sync"
	"time"
)

// hosts are the clocks of other hosts, by what they last said: how far each was
// ahead of this one's.
type hosts struct {
	mu  sync.Mutex // guards what follows
	was map[string]hostClock
}

type hostClock struct{ mono, ahead int64 }

const (
	hostsNeeded = 2
	hostsFresh  = int64(30 * time.Second)
	hostsWithin = int64(time.Minute)
	maxHosts    = 4096
)

// saw notes at a monotonic time how far a host's clock is ahead of this one's.
func (h *hosts) saw(host string, mono, ahead int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.was == nil {
		h.was = map[string]hostClock{}
	}
	if _, ok := h.was[host]; ok || len(h.was) < maxHosts {
		h.was[host] = hostClock{mono, ahead}
	}
}

// say is what the hosts that spoke lately say of this host's clock: two that
// agree with it within a minute speak for it, two that do not and agree with
// each other speak against it, and both at once is nothing.
func (h *hosts) say(mono int64) word {
	h.mu.Lock()
	defer h.mu.Unlock()
	var others []int64
	with := 0
	for _, c := range h.was {
		switch {
		case mono-c.mono > hostsFresh:
		case max(c.ahead, -c.ahead) <= hostsWithin:
			with++
		default:
			others = append(others, c.ahead)
		}
	}
	other := together(others)
	switch {
	case with >= hostsNeeded && with > other:
		return agrees
	case other >= hostsNeeded && other > with:
		return against
	}
	return nothing
}

// together is how many of the offsets at most are within a minute of one of
// them.
func together(offsets []int64) (most int) {
	for _, a := range offsets {
		n := 0
		for _, b := range offsets {
			if max(a-b, b-a) <= hostsWithin {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
