package machine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// companyRules has a rule of each form, which closes a gate of its own.
const companyRules = `vars: {soon: 10s, much: 10}
lists: {thieves: {values: [thief]}}
events:
  payout.sent: {sources: [payer]}
  payout.recorded: {sources: [books]}
  chain.sent: {sources: [node]}
  chain.replaced: {sources: [node]}
groups:
- name: forms
  rules:
  - {alert: NotRecorded, event: payout.sent, by: [data.request], unless: {event: payout.recorded, within: vars.soon}, mitigate: [stop-absence]}
  - alert: NotOnBooks
    reconcile:
      recorded: {event: payout.recorded, key: [data.address, data.amount]}
      on_chain: {event: chain.sent, key: [data.address, data.amount]}
    settle: vars.soon
    when: on_chain > recorded
    mitigate: [stop-reconcile]
  - alert: RefundedMore
    join: {charged: {event: charge.captured, by: [data.charge]}, refunded: {event: refund.sent, by: [data.charge]}}
    within: 2h
    settle: vars.soon
    when: sum(refunded.data.amount) > sum(charged.data.amount)
    mitigate: [stop-join]
  - {alert: Spike, event: payout.sent, by: [data.asset], within: 2h, when: last(data.amount) > vars.much * max_before(data.amount), mitigate: [stop-before]}
  - {alert: Thief, event: payout.sent, where: data.address in lists.thieves, by: [data.address], within: 1h, when: count() >= 1, mitigate: [stop-list]}
  - {alert: Busy, event: page.rendered, by: [data.page], within: 10s, when: count() >= 5, for: 10s, mitigate: [stop-for]}
  - {alert: TakesAll, event: registration.completed, by: [data.referrer], within: 1m, when: share() > 0.6 && count() >= 10, mitigate: [stop-share]}
  - {alert: Twice, event: payout.sent, by: [data.request], within: 1h, when: distinct(data.payment) >= 2, mitigate: [hold]}
  - alert: ResentWhileUnknown
    sequence:
    - {event: payout.attempt}
    - {not: payout.result, where: 'data.outcome in ["ok", "failed"]'}
    - {event: payout.attempt}
    by: [data.request]
    within: 1h
    mitigate: [hold-resent]
  - {record: payouts_total, event: payout.sent, by: [data.asset], value: sum(data.amount)}
gates:
- {name: absence, mode: enforce}
- {name: reconcile, mode: enforce}
- {name: join, mode: enforce}
- {name: before, mode: enforce}
- {name: list, mode: enforce}
- {name: for, mode: enforce}
- {name: share, mode: enforce}
- {name: hold, mode: enforce}
- {name: sequence, mode: enforce}
mitigations:
- {name: stop-absence, action: gate.close, target: absence, mode: enforce}
- {name: stop-reconcile, action: gate.close, target: reconcile, mode: enforce}
- {name: stop-join, action: gate.close, target: join, mode: enforce}
- {name: stop-before, action: gate.close, target: before, mode: enforce}
- {name: stop-list, action: gate.close, target: list, mode: enforce}
- {name: stop-for, action: gate.close, target: for, mode: enforce}
- {name: stop-share, action: gate.close, target: share, mode: enforce}
- {name: hold, action: gate.hold, target: hold, mode: enforce, match: {request: '{{ $labels.request }}'}}
- {name: hold-resent, action: gate.hold, target: sequence, mode: enforce, match: {request: '{{ $labels.request }}'}}
`

// A company has a payer, its books, a node and a shop, each with an agent, in virtual
// time.
type company struct {
	*rig
	rnd   *rand.Rand
	sites map[string]*site
	text  string // of its rules
	paid  int
	plans []plan
}

// A site is a host that can be cut off, or stop for good.
type site struct {
	*host
	cut, dead bool
	changes   func(*report.Event)
}

// A plan is what a site will report.
type plan struct {
	at   time.Time
	site string
	e    report.Event
}

var siteNames = []string{"payer", "books", "node", "shop"}

func newCompany(t *testing.T, seed uint64) *company {
	c := &company{rig: newRig(t, companyRules), rnd: rand.New(rand.NewPCG(seed, 13)), sites: map[string]*site{}, text: companyRules}
	for _, name := range siteNames {
		c.sites[name] = &site{host: c.host(name)}
		c.sites[name].source = name
	}
	c.json(entry.KindLead, entry.Lead{})
	return c
}

// reports has a site report an event of these fields, names and values in turn.
func (c *company) reports(site, kind string, fields ...string) {
	data := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		data[fields[i]] = fields[i+1]
	}
	c.accepts(site, report.Event{Type: kind, Data: entry.Marshal(data)})
}

func (c *company) accepts(name string, e report.Event) {
	s := c.sites[name]
	if s.dead {
		return
	}
	if s.changes != nil {
		s.changes(&e)
	}
	s.accepts(e)
}

// soon has a site report it within so many seconds.
func (c *company) soon(seconds int, site, kind string, fields ...string) {
	data := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		data[fields[i]] = fields[i+1]
	}
	c.plans = append(c.plans, plan{c.now.Add(time.Duration(c.rnd.IntN(seconds)) * time.Second), site, report.Event{Type: kind, Data: entry.Marshal(data)}})
}

// pays makes a payment as it should be, whatever it is for.
func (c *company) pays(request, payment, address, amount string) {
	c.reports("payer", "payout.attempt", "request", request, "attempt", "1")
	c.reports("payer", "payout.result", "request", request, "attempt", "1", "outcome", "ok")
	c.reports("payer", "payout.sent", "request", request, "payment", payment, "address", address, "asset", "BTC", "amount", amount)
	c.soon(6, "books", "payout.recorded", "request", request, "address", address, "amount", amount)
	c.soon(6, "node", "chain.sent", "payment", payment, "address", address, "amount", amount)
}

// trades is what goes on in a second.
func (c *company) trades() {
	if c.rnd.IntN(3) == 0 {
		c.paid++
		c.pays(fmt.Sprint("w", c.paid), fmt.Sprint("p", c.paid), fmt.Sprint("a", c.paid%7), fmt.Sprint(1+c.paid%5))
	}
	if c.rnd.IntN(3) == 0 {
		charge := fmt.Sprint("c", c.now.Unix())
		c.reports("shop", "charge.captured", "charge", charge, "asset", "JPY", "amount", "10")
		c.soon(6, "shop", "refund.sent", "charge", charge, "asset", "JPY", "amount", fmt.Sprint(1+c.rnd.IntN(10)))
	}
	c.reports("shop", "page.rendered", "page", fmt.Sprint("top", c.rnd.IntN(9)))
	c.reports("shop", "registration.completed", "referrer", fmt.Sprint("r", c.rnd.IntN(4)))
}

// lives lets time pass, second by second.
func (c *company) lives(span time.Duration) {
	c.t.Helper()
	for end := c.now.Add(span); c.now.Before(end); {
		c.rig.later(time.Second)
		c.trades()
		c.plans = slices.DeleteFunc(c.plans, func(p plan) bool {
			if !p.at.After(c.now) {
				c.accepts(p.site, p.e)
				return true
			}
			return false
		})
		c.delivers()
		if due := c.m.Due(); due != 0 && due <= c.now.UnixNano() {
			c.tick()
		}
		if c.m.Recounter() != nil {
			c.recount(false)
		}
	}
}

// delivers sends what waits at all sites that can.
func (c *company) delivers() {
	var all []byte
	for _, name := range siteNames {
		s := c.sites[name]
		if s.dead {
			continue
		}
		s.says()
		if !s.cut {
			all, s.queue, s.knows = append(all, s.queue...), nil, c.now.UnixNano()
		}
	}
	if all != nil {
		c.must(c.apply(entry.KindBlocks, all))
	}
}

// restarts goes on from a snapshot, as a collector that was down for a moment.
func (c *company) restarts() {
	c.t.Helper()
	m := New()
	c.must(m.Restore(bytes.NewReader(c.m.Snapshot().Bytes)))
	c.m = m
	c.json(entry.KindLead, entry.Lead{})
}

// loads changes what is written in the rules.
func (c *company) loads(from, to string) {
	c.t.Helper()
	if !strings.Contains(c.text, from) {
		c.t.Fatalf("the rules do not say %q", from)
	}
	c.text = strings.ReplaceAll(c.text, from, to)
	c.load(c.text)
}

// stops tells whether a gate is closed, or holds this request.
func (c *company) stops(gate string) bool {
	return c.gate(gate).Closed || slices.Contains(c.heldAt(gate), "request=bad")
}

// unwell are the alerts that stand and are not expected to.
func (c *company) unwell() []string {
	return slices.DeleteFunc(c.standing(), Expected)
}
