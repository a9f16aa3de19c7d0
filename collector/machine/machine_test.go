package machine

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
)

const testRules = `groups:
- name: test
  rules:
  - alert: PaidTwice
    event: payout.sent
    by: [data.request]
    within: 1h
    when: distinct(data.payment) >= 2
    labels: {severity: critical}
    annotations: {summary: '{{ $value }} payments for {{ $labels.request }}'}
    mitigate: [stop]
  - alert: Much
    event: payout.sent
    where: data.asset == "BTC"
    by: [data.address]
    within: 10m
    when: sum(data.amount) > 10
    labels: {severity: warning}
    mitigate: [{use: stop-all, mode: shadow}]
gates:
- {name: btc, mode: enforce}
- {name: btc/hot, mode: enforce}
- {name: eth}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
- {name: stop-all, action: gate.close, target: eth, mode: enforce}
- {name: ask, action: gate.close, target: btc/hot, mode: approve}
`

// rig drives a machine as the ledger would.
type rig struct {
	t     testing.TB
	m     *Machine
	index uint64
	now   time.Time
	next  int
	tape  []entry.Entry // that were applied
}

func newRig(t testing.TB, ruleText string) *rig {
	t.Helper()
	return newRigAt(t, Behavior, ruleText)
}

// newRigAt begins with a version of the behavior.
func newRigAt(t testing.TB, version uint32, ruleText string) *rig {
	t.Helper()
	r := &rig{t: t, m: New(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.json(entry.KindGenesis, entry.Genesis{Cell: "c0", Secret: [2]uint64{1, 2}, Behavior: version})
	r.load(ruleText)
	return r
}

func (r *rig) load(text string) {
	r.t.Helper()
	set := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	r.must(r.json(entry.KindPrepare, entry.Prepare{Set: set, Files: oneFile(text)}))
	r.must(r.json(entry.KindLive, entry.Live{Set: set}))
}

func oneFile(text string) []rules.File {
	return []rules.File{{Name: "test.yml", Text: []byte(text)}}
}

func (r *rig) must(out any) {
	r.t.Helper()
	if err, ok := out.(error); ok {
		r.t.Fatal(err)
	}
}

func (r *rig) apply(kind entry.Kind, body []byte) any {
	r.index++
	e := entry.Entry{Index: r.index, Time: r.now.UnixNano(), Kind: kind, Body: body, Hash: sha256.Sum256(body)}
	r.tape = append(r.tape, e)
	return r.m.Apply(e)
}

func (r *rig) json(kind entry.Kind, v any) any { return r.apply(kind, entry.Marshal(v)) }

func (r *rig) later(d time.Duration) { r.now = r.now.Add(d) }

func (r *rig) tick() { r.json(entry.KindTick, struct{}{}) }

func payout(id, request, payment, address, amount string) report.Event {
	data, err := json.Marshal(map[string]string{"request": request, "payment": payment, "address": address, "amount": amount, "asset": "BTC"})
	if err != nil {
		panic(err)
	}
	return report.Event{ID: id, Source: "test", Type: "payout.sent", Data: data}
}

// pay sends one payment for a request.
func (r *rig) pay(request, payment string) BatchOutcome {
	r.t.Helper()
	r.next++
	return r.send(payout(fmt.Sprint("e", r.next), request, payment, "addr-"+request, "1"))
}

func (r *rig) send(events ...report.Event) BatchOutcome {
	r.t.Helper()
	var b report.Builder
	for i := range events {
		if events[i].Seen == 0 {
			events[i].Seen = r.now.UnixNano()
		}
		b.Add(&events[i])
	}
	out := r.apply(entry.KindBatch, b.Bytes())
	r.must(out)
	return out.(BatchOutcome)
}

func (r *rig) decide(d entry.Decision) error {
	r.t.Helper()
	if d.Actor == "" {
		d.Actor = "alice"
	}
	out := r.json(entry.KindDecision, d)
	if out == nil {
		return nil
	}
	return out.(error)
}

// refused checks that a decision was refused for this reason and field.
func (r *rig) refused(d entry.Decision, reason RefusalReason, field string) {
	r.t.Helper()
	var refusal *Refusal
	if err := r.decide(d); !errors.As(err, &refusal) || refusal.Reason != reason || refusal.Field != field {
		r.t.Errorf("decision %+v: %v, want refusal %d of %q", d, err, reason, field)
	}
}

func (r *rig) gate(name string) GateView {
	r.t.Helper()
	v, ok := r.m.GateView(name)
	if !ok {
		r.t.Fatalf("no gate %s", name)
	}
	return v
}

func (r *rig) wantClosed(name string, want bool) GateView {
	r.t.Helper()
	v := r.gate(name)
	if v.Closed != want {
		r.t.Fatalf("gate %s closed: %v, want %v; holds %+v", name, v.Closed, want, v.Holds)
	}
	return v
}

// standing are the alerts that stand. GateClosed, which goes with each hold, has
// tests of its own.
func (r *rig) standing() (out []string) {
	for _, a := range r.m.AlertsView() {
		if a.Rule != gateClosed {
			out = append(out, a.Rule)
		}
	}
	return out
}
