package auth

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Claim is the id of an agent for which somebody asks who does not show its
// token, and the address from which. Whether it is that agent nobody knows.
type Claim struct{ Agent, Address string }

const (
	maxClaims   = 100
	maxClaimed  = 100              // bytes of an id
	claimStays  = 90 * time.Second // after the last refusal
	claimSteady = 20 * time.Second // how long it is refused until it is told: an agent goes on
)

// claims are those of late. Whoever can reach the collector can make them, so
// they are few and short.
type claims struct {
	mu sync.Mutex // guards what follows
	of map[Claim]*refusals
}

// refusals are when the first and the last were.
type refusals struct{ first, last time.Time }

// Claimed notes that a request was refused to speak for an agent.
func (d *Door) Claimed(r *http.Request, agent string) {
	if agent == "" {
		return
	}
	d.claims.note(Claim{claimedID(agent), sender(r).String()}, time.Now())
}

// Claims are those that are refused again and again, the oldest first.
func (d *Door) Claims() []Claim { return d.claims.steady(time.Now()) }

func (c *claims) note(is Claim, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[Claim]*refusals{}
	}
	c.forget(now)
	switch was := c.of[is]; {
	case was != nil:
		was.last = now
	case len(c.of) < maxClaims:
		c.of[is] = &refusals{now, now}
	}
}

func (c *claims) steady(now time.Time) (out []Claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(now)
	for is, r := range c.of {
		if r.last.Sub(r.first) >= claimSteady {
			out = append(out, is)
		}
	}
	slices.SortFunc(out, func(a, b Claim) int {
		return cmp.Or(c.of[a].first.Compare(c.of[b].first), strings.Compare(a.Agent, b.Agent), strings.Compare(a.Address, b.Address))
	})
	return out
}

// forget forgets what is over. The caller holds mu.
func (c *claims) forget(now time.Time) {
	for is, r := range c.of {
		if now.Sub(r.last) > claimStays {
			delete(c.of, is)
		}
	}
}

// claimedID is an id as it may be shown.
func claimedID(id string) string {
	id = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(id[:min(len(id), maxClaimed)], string(unicode.ReplacementChar)))
	return strings.ToValidUTF8(id[:min(len(id), maxClaimed)], "")
}
