package machine

import (
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// TestCalmForms is the other half of TestUnnoticedForms: what goes on in a healthy
// company stops nothing, and nothing is said of it once it is over.
func TestCalmForms(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, seed)
			c.lives(time.Minute)
			for range 10 {
				name := c.ordinary()
				c.lives(2 * time.Minute)
				for _, g := range []string{"absence", "reconcile", "join", "before", "list", "for", "share", "hold", "sequence"} {
					if v := c.gate(g); v.Closed || len(v.Holds) > 0 {
						t.Fatalf("after %s: gate %+v", name, v)
					}
				}
				if s := c.unwell(); len(s) > 0 {
					t.Fatalf("after %s: %v stand", name, s)
				}
			}
		})
	}
}

// ordinary does one thing that happens in a healthy company, and names it.
func (c *company) ordinary() string {
	s := c.sites[siteNames[c.rnd.IntN(len(siteNames))]]
	switch c.rnd.IntN(8) {
	case 0:
		s.cut = true
		c.lives(time.Hour)
		s.cut = false
		return "a backlog of an hour"
	case 1:
		c.restarts()
		return "a collector that restarts"
	case 2:
		s.spool, s.seq, s.prev = report.SpoolID{byte(c.rnd.Uint32()), byte(c.rnd.Uint32()), 8}, 0, [32]byte{}
		return "an agent with a new disk"
	case 3:
		c.loads("groups:", "# edited\ngroups:")
		return "rules that are deployed again"
	case 4:
		c.loads("vars: {", fmt.Sprintf("vars: {unused%d: 1, ", c.now.Unix()))
		return "vars that are changed"
	case 5:
		for i := range 200 {
			c.pays(fmt.Sprint("b", c.now.Unix(), "-", i), fmt.Sprint("bp", c.now.Unix(), "-", i), "a1", "1")
		}
		return "a batch payout"
	case 6:
		request, first := fmt.Sprint("f", c.now.Unix()), fmt.Sprint("f1-", c.now.Unix())
		c.pays(request, first, "a2", "2")
		c.lives(10 * time.Second)
		c.reports("node", "chain.replaced", "payment", request, "replaces", first)
		c.lives(2 * time.Second)
		c.pays(request, request, "a2", "2")
		return "a fee bump"
	}
	again := report.Event{Type: "payout.recorded", Source: "books", ID: "again", Data: []byte(`{"request":"again","address":"a3","amount":"3"}`)}
	c.sends(c.sites["books"], again)
	c.sends(c.sites["books"], again)
	return "retries"
}

// sends has a site report events as they stand.
func (c *company) sends(s *site, events ...report.Event) {
	for i := range events {
		events[i].Seen = s.clock()
	}
	s.seq++
	b := block(report.Head{Agent: s.agent, Spool: s.spool, Seq: s.seq, Prev: s.prev}, events...)
	s.prev = b.Batch.Digest()
	s.queue = b.Append(s.queue)
}
