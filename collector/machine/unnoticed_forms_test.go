package machine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// A misdeed is what a rule of one form must stop: at gate, by what sites report.
type misdeed struct {
	gate  string
	sites []string
	do    func(c *company)
}

func misdeeds() []misdeed {
	return []misdeed{
		{"absence", []string{"payer", "books"}, func(c *company) {
			c.reports("payer", "payout.sent", "request", "bad", "payment", "bad", "address", "a1", "asset", "BTC", "amount", "1")
		}},
		{"reconcile", []string{"node", "books"}, func(c *company) {
			c.reports("node", "chain.sent", "payment", "bad", "address", "stranger", "amount", "1")
		}},
		{"join", []string{"shop"}, func(c *company) {
			c.reports("shop", "charge.captured", "charge", "bad", "asset", "JPY", "amount", "10")
			c.reports("shop", "refund.sent", "charge", "bad", "asset", "JPY", "amount", "6")
			c.reports("shop", "refund.sent", "charge", "bad", "asset", "JPY", "amount", "6.00")
		}},
		{"before", []string{"payer"}, func(c *company) { c.pays("bad", "bad", "a1", "1000") }},
		{"list", []string{"payer"}, func(c *company) { c.pays("bad", "bad", "thief", "1") }},
		{"for", []string{"shop"}, func(c *company) {
			for range 15 {
				c.reports("shop", "page.rendered", "page", "bad")
				c.lives(time.Second)
			}
		}},
		{"share", []string{"shop"}, func(c *company) {
			for range 150 {
				c.reports("shop", "registration.completed", "referrer", "bad")
			}
		}},
		{"hold", []string{"payer"}, func(c *company) {
			c.pays("bad", "bad1", "a1", "1")
			c.pays("bad", "bad2", "a1", "1")
		}},
		{"sequence", []string{"payer"}, func(c *company) {
			c.reports("payer", "payout.attempt", "request", "bad", "attempt", "1")
			c.reports("payer", "payout.result", "request", "bad", "attempt", "1", "outcome", "unknown")
			c.lives(2 * time.Second)
			c.reports("payer", "payout.attempt", "request", "bad", "attempt", "2")
		}},
	}
}

// A trouble is something that is wrong when it happens: at one of the sites, if it has
// a begin for one, else with the collector or its rules.
type trouble struct {
	name    string
	at      func(c *company, s *site)
	all     func(c *company, gate string)
	between func(c *company) // after the misdeed
	// told: it takes from the rules what they need, and an alert has to say so.
	told bool
}

func troubles() []trouble {
	respelled := func(from, to string) func(*company, *site) {
		return func(_ *company, s *site) {
			s.changes = func(e *report.Event) { e.Data = bytes.ReplaceAll(e.Data, []byte(`"`+from+`"`), []byte(`"`+to+`"`)) }
		}
	}
	clock := func(off time.Duration) func(*company, *site) {
		return func(_ *company, s *site) { s.off = off }
	}
	return []trouble{
		{name: "nothing"},
		{name: "silent", told: true, at: func(_ *company, s *site) { s.dead = true }},
		{name: "partitioned", told: true, at: func(_ *company, s *site) { s.cut = true }},
		{name: "lost blocks", told: true, at: func(_ *company, s *site) { s.seq += 3 }},
		{name: "a clock ahead", told: true, at: clock(9 * time.Hour)},
		{name: "a clock behind", told: true, at: clock(-9 * time.Hour)},
		{name: "a source that is not declared", told: true, at: func(_ *company, s *site) {
			s.changes = func(e *report.Event) { e.Source = "new" }
		}},
		{name: "types that are spelled otherwise", told: true, at: func(_ *company, s *site) {
			s.changes = func(e *report.Event) { e.Type = strings.ReplaceAll(e.Type, ".", "_") }
		}},
		{name: "a renamed request", told: true, at: respelled("request", "reqest")},
		{name: "a renamed address", told: true, at: respelled("address", "addr")},
		{name: "a renamed amount", told: true, at: respelled("amount", "value")},
		{name: "restarts", all: func(c *company, _ string) { c.restarts() }, between: (*company).restarts},
		{name: "vars that are changed", between: func(c *company) {
			c.lives(2 * time.Second)
			c.loads("soon: 10s, much: 10", "soon: 12s, much: 11")
		}},
		{name: "a deployment of the same", between: func(c *company) { c.loads("vars: {soon", "vars: {unused: 1, soon") }},
		{name: "an override that disables", told: true, all: func(c *company, gate string) {
			for _, r := range c.m.live.set.Rules {
				if len(r.Mitigate) > 0 && r.Mitigate[0].Mitigation.Target == gate {
					c.load(c.text + fmt.Sprintf("overrides: [{alert: %s, disable: true}]\n", r.Name))
					return
				}
			}
			c.t.Fatalf("no rule closes %s", gate)
		}},
		{name: "a mitigation in shadow", told: true, all: func(c *company, gate string) {
			c.loads("target: "+gate+", mode: enforce", "target: "+gate+", mode: shadow")
		}},
		{name: "a list that is empty", told: true, all: func(c *company, _ string) { c.loads("values: [thief]", "values: []") }},
		{name: "a false replacement", all: func(c *company, _ string) {
			c.reports("payer", "chain.replaced", "payment", "bad2", "replaces", "bad1")
		}},
		{name: "the switch", told: true, all: func(c *company, _ string) {
			c.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "alice", Reason: "moved"})
		}},
	}
}

// TestUnnoticedForms states of each form of rules what TestUnnoticed does of payments
// for one request: whatever is wrong, within a minute what must be stopped is, or an
// alert stands that is not expected of a healthy deployment. Where what is wrong takes
// nothing from a rule, it is stopped.
func TestUnnoticedForms(t *testing.T) {
	for i, bad := range misdeeds() {
		for j, wrong := range troubles() {
			sites := []string{""}
			if wrong.at != nil {
				sites = append(slices.Clone(bad.sites), siteNames[slices.IndexFunc(siteNames, func(n string) bool { return !slices.Contains(bad.sites, n) })])
			}
			for _, at := range sites {
				t.Run(fmt.Sprintf("%s/%s/%s", bad.gate, wrong.name, at), func(t *testing.T) {
					t.Parallel()
					c := newCompany(t, uint64(100*i+j))
					c.lives(40 * time.Second)
					if s := c.unwell(); len(s) > 0 || c.stops(bad.gate) {
						t.Fatalf("before anything is wrong: %v", s)
					}
					mustStop := !wrong.told || at != "" && !slices.Contains(bad.sites, at) || wrong.name == "a list that is empty" && bad.gate != "list"
					if wrong.at != nil {
						wrong.at(c, c.sites[at])
					}
					if wrong.all != nil {
						wrong.all(c, bad.gate)
					}
					c.lives(5 * time.Second)
					bad.do(c)
					if wrong.between != nil {
						wrong.between(c)
					}
					noticed := func() bool {
						return c.stops(bad.gate) || !mustStop && len(c.unwell()) > 0
					}
					for i := 0; i < 60 && !noticed(); i++ {
						c.lives(time.Second)
					}
					if !noticed() {
						t.Errorf("it passed unnoticed: standing %v", c.standing())
					}
					c.declared()
					c.restarted()
				})
			}
		}
	}
}
