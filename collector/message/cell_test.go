package message

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

const cellRules = `groups:
- name: g
  rules:
  - alert: PaidTwice
    event: payout.sent
    by: [data.request]
    within: 24h
    when: count() >= 2
    limit: 20000
    labels: {severity: critical}
    annotations:
      summary: '{{ $value }} payments for withdrawal {{ $labels.request }}'
      runbook_url: https://runbooks.example/payouts
    mitigate: [stop-btc]
  - alert: PaidTooMuch
    event: payout.large
    by: [data.request]
    within: 24h
    when: count() >= 1
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.request }} is large', description: 'Seen as {{ index $evidence 0 }}.'}
    mitigate: [stop-eth]
  - alert: PaidOften
    event: payout.often
    by: [data.request]
    within: 10m
    when: count() >= 1
    labels: {severity: warning}
    mitigate: [stop-xrp]
  - alert: Registered
    event: registration.completed
    by: [data.request]
    within: 10m
    when: count() >= 1
    labels: {severity: warning}
    annotations: {summary: '{{ $labels.request }}'}
  - {alert: Stolen, event: payout.stolen, by: [data.request], within: 1h, when: count() >= 1, labels: {severity: critical}, annotations: {summary: '{{ $labels.request }} is not theirs'}, mitigate: [hold-request, {use: stop-eth, mode: shadow}]}
  - {alert: Tagged, event: payout.tagged, by: [data.request, {tag: {field: data.tag, optional: true}}], within: 1h, when: count() >= 1, labels: {severity: critical}, mitigate: [hold-tag]}
  - {alert: Suspect, event: payout.suspect, by: [data.request], within: 1h, when: count() >= 1, labels: {severity: critical}, mitigate: [{use: hold-request, mode: shadow}]}
gates:
- {name: withdrawals, mode: enforce}
- {name: withdrawals/btc, mode: enforce, open: {approvals: 2, alone: {after: 2m}}}
- {name: withdrawals/eth, mode: enforce}
- {name: withdrawals/xrp, mode: shadow}
mitigations:
- {name: stop-btc, action: gate.close, target: withdrawals/btc, mode: enforce}
- {name: stop-eth, action: gate.close, target: withdrawals/eth, mode: approve}
- {name: stop-xrp, action: gate.close, target: withdrawals/xrp, mode: enforce}
- {name: hold-request, action: gate.hold, target: withdrawals/eth, match: {request: '{{ $labels.request }}'}, mode: enforce}
- {name: hold-tag, action: gate.hold, target: withdrawals/eth, match: {request: '{{ $labels.request }}', tag: '{{ $labels.tag }}'}, mode: enforce}
`

// cell is a machine that is fed without a ledger.
type cell struct {
	*machine.Machine
	t     testing.TB
	index uint64
	next  int
}

func newCell(t testing.TB) *cell {
	c := &cell{Machine: machine.New(), t: t}
	c.apply(entry.KindGenesis, entry.Genesis{Cell: "c1"})
	c.apply(entry.KindPrepare, entry.Prepare{Set: "s", Files: []rules.File{{Name: "r.yml", Text: []byte(cellRules)}}})
	c.apply(entry.KindLive, entry.Live{Set: "s"})
	return c
}

func (c *cell) apply(kind entry.Kind, v any) {
	c.t.Helper()
	c.entry(kind, entry.Marshal(v))
}

func (c *cell) entry(kind entry.Kind, body []byte) {
	c.t.Helper()
	c.index++
	out := c.Apply(entry.Entry{Index: c.index, Time: time.Now().UnixNano(), Kind: kind, Body: body, Hash: [32]byte{byte(c.index)}})
	if err, ok := out.(error); ok {
		c.t.Fatal(err)
	}
}

func (c *cell) decide(d entry.Decision) {
	c.t.Helper()
	c.apply(entry.KindDecision, d)
}

// happens sends an event of the type for each request.
func (c *cell) happens(kind string, requests ...string) {
	c.t.Helper()
	var b report.Builder
	for _, request := range requests {
		c.next++
		b.Add(&report.Event{
			ID: strconv.Itoa(c.next), Source: "s", Type: kind, Seen: time.Now().UnixNano(), Data: object(c.t, map[string]string{"request": request}),
		})
	}
	c.entry(entry.KindBatch, b.Bytes())
}

// refused lets an agent report what it refused at a gate.
func (c *cell) refused(all ...report.Refused) {
	c.t.Helper()
	var events []report.Event
	for _, x := range all {
		x.Epoch = c.GateEpoch()
		events = append(events, report.Event{Type: report.RefusedType, Data: object(c.t, x)})
	}
	c.own(events...)
}

// own lets an agent report of itself.
func (c *cell) own(events ...report.Event) {
	c.t.Helper()
	var b report.Builder
	for _, e := range events {
		c.next++
		e.ID, e.Source, e.Seen = strconv.Itoa(c.next), "agent", time.Now().UnixNano()
		b.Add(&e)
	}
	block := report.Block{Head: report.Head{Agent: "h1", Spool: report.SpoolID{byte(c.next), 1}, Seq: 1}, Batch: b.Batch()}
	c.entry(entry.KindBlocks, block.Append(nil))
}

func object(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// alert is the newest alert of a rule.
func (c *cell) alert(rule string) machine.Alert {
	c.t.Helper()
	all := c.AlertsView()
	for i := range all {
		if a := all[len(all)-1-i]; a.Rule == rule {
			return a
		}
	}
	c.t.Fatalf("no alert of %s stands", rule)
	return machine.Alert{}
}

// again is the alert as it is now.
func (c *cell) again(a machine.Alert) machine.Alert {
	c.t.Helper()
	now, ok := c.AlertView(a.ID)
	if !ok {
		c.t.Fatalf("alert %s is not kept", a.ID)
	}
	return now
}

// writer writes of the cell for Tokyo.
func (c *cell) writer() *Writer {
	return New(Options{
		Machine: c.Machine.Shown(true), Zone: zone(c.t, "Asia/Tokyo"), External: "https://tomeishi.example",
		Evidence: func(refs []window.Ref) (out []string) {
			for _, r := range refs {
				out = append(out, "c1/s%2Fx/"+strconv.FormatUint(r.Index(), 10)+"-"+strconv.Itoa(r.Ordinal()))
			}
			return out
		},
	})
}
