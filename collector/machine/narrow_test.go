package machine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

const narrowRules = `groups:
- name: g
  rules:
  - {alert: Twice, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, labels: {severity: critical}, mitigate: [hold]}
  - {alert: Much, event: payout.sent, by: [data.request], within: 1h, when: sum(data.amount) > 1000, mitigate: [hold]}
  - {alert: Thief, event: theft, by: [data.address], within: 1h, when: count() >= 1, mitigate: [address]}
  - {alert: Tagged, event: tag, by: [data.request, {tag: {field: data.tag, optional: true}}], within: 1h, when: count() >= 1, mitigate: [tag]}
  - {alert: Doubted, event: doubt, by: [data.request], within: 1h, when: count() >= 1, labels: {certainty: unknown}, mitigate: [hold, stop]}
  - {alert: Few, event: few, by: [data.request], within: 1h, when: count() >= 1, limit: 1, mitigate: [hold]}
  - {alert: Asked, event: asked, by: [data.request], within: 1h, when: count() >= 1, mitigate: [{use: hold, mode: approve}]}
  - {alert: Watched, event: watched, by: [data.request], within: 1h, when: count() >= 1, mitigate: [{use: hold, mode: shadow}]}
  - {alert: Stuck, expr: waits > 60, for: 1m, mitigate: [customer, stop-eth]}
gates:
- {name: btc, mode: enforce}
- {name: btc/hot, mode: enforce}
- {name: eth, mode: enforce}
mitigations:
- {name: hold, action: gate.hold, target: btc, match: {request: '{{ $labels.request }}'}, mode: enforce}
- {name: address, action: gate.hold, target: btc, match: {address: '{{ $labels.address }}'}, mode: enforce}
- {name: tag, action: gate.hold, target: btc, match: {request: '{{ $labels.request }}', tag: '{{ $labels.tag }}'}, mode: enforce}
- {name: customer, action: gate.hold, target: eth, match: {customer: '{{ $labels.customer }}'}, mode: enforce}
- {name: stop, action: gate.close, target: btc, mode: enforce}
- {name: stop-eth, action: gate.close, target: eth, mode: shadow}
`

// twice pays a request two times.
func (r *rig) twice(request string) {
	r.t.Helper()
	r.pay(request, request+"-1")
	r.pay(request, request+"-2")
}

// heldAt are the fields that a gate's own holds name, those for all as "all".
func (r *rig) heldAt(gate string) (out []string) {
	r.t.Helper()
	for _, h := range r.gate(gate).Holds {
		if h.Cause == ByParent {
			continue
		}
		text := matchText(h.Match)
		if h.Match == nil {
			text = "all"
		}
		out = append(out, text)
	}
	return out
}

func (r *rig) wantHolds(gate string, want ...string) {
	r.t.Helper()
	if got := r.heldAt(gate); !slices.Equal(got, want) {
		r.t.Fatalf("%s holds %q, want %q", gate, got, want)
	}
}

// of sends an event about a request.
func (r *rig) of(kind, request string) {
	r.t.Helper()
	r.next++
	r.send(event(fmt.Sprint("e", r.next), kind, fmt.Sprintf(`{"request":%q}`, request)))
}

// releases lifts the only hold that names the text, and wants nothing to wait.
func (r *rig) releases(gate, match, verdict string) {
	r.t.Helper()
	for _, h := range r.gate(gate).Holds {
		if matchText(h.Match) == match {
			r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: gate, Hold: h.ID, AsOf: r.index, Reason: "looked", Verdict: verdict}))
			return
		}
	}
	r.t.Fatalf("nothing holds %s", match)
}

// says makes an agent's beat tell what asks left out.
func (r *rig) says(agent string, asked ...report.Asked) {
	r.t.Helper()
	data, err := json.Marshal(report.Beat{Asked: asked})
	if err != nil {
		r.t.Fatal(err)
	}
	r.reports(agent, report.Event{Type: report.BeatType, Seen: r.now.UnixNano(), Data: data})
}

// The entry that proves it holds one request; all others are served, below the gate too.
func TestRuleHoldsOneRequest(t *testing.T) {
	r := newRig(t, narrowRules)
	epoch := r.gate("btc/hot").Epoch
	r.twice("w1")
	v := r.wantClosed("btc", false)
	h, e := v.Holds[0], r.newestEffect()
	if h.By != "Twice" || h.Cause != ByRule || h.Alert != "a1" || h.Effect != e.ID || h.Incident == "" || !maps.Equal(h.Match, map[string]string{"request": "w1"}) {
		t.Errorf("hold %+v", h)
	}
	if e.State != Applied || e.Hold != h.ID || !e.Result.Equal(record.New(record.ResultHeld, "request=w1")) || e.WouldClose() {
		t.Errorf("effect %+v", e)
	}
	below := r.gate("btc/hot")
	if below.Epoch == epoch || !below.Holds[0].Names(map[string]string{"request": "w1"}) || below.Holds[0].Names(map[string]string{"request": "w2"}) {
		t.Errorf("below %+v", below)
	}
	if len(r.m.Unverified()) != 1 || len(r.named(gateClosed)) != 0 {
		t.Errorf("unverified %v, alerts %v", r.m.Unverified(), r.standing())
	}
	r.wantStep("", record.New(record.HoldPlaced, "btc", h.ID, "request=w1", ByRule, "Twice", ""))
	r.restarted()
}

// Alerts that want the same held are one hold and one effect.
func TestNarrowHoldsCollect(t *testing.T) {
	r := newRig(t, narrowRules)
	r.twice("w1")
	before := r.gate("btc")
	r.send(payout("m1", "w1", "w1-1", "a", "2000"))
	v := r.gate("btc")
	if len(v.Holds) != 1 || v.Holds[0].Count != 2 || v.Epoch == before.Epoch || len(r.m.EffectsView()) != 1 {
		t.Fatalf("%+v, effects %+v", v.Holds, r.m.EffectsView())
	}
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: v.Holds[0].ID, Epoch: &before.Epoch, Reason: "r", Verdict: VerdictFalse}, Conflict, "")
	r.twice("w2")
	r.wantHolds("btc", "request=w1", "request=w2")
	r.restarted()
}

// What a person releases is released alone, by its name or by its effect; the gate's
// opening leaves it, and false is said of its key only.
func TestReleaseOfNarrowHolds(t *testing.T) {
	r := newRig(t, narrowRules)
	r.twice("w1")
	r.twice("w2")
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "by hand"}))
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r"}))
	r.wantHolds("btc", "request=w1", "request=w2")
	first := r.gate("btc").Holds[0].ID
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: first, Reason: "r"}, Invalid, "verdict")
	r.releases("btc", "request=w1", VerdictFalse)
	r.wantHolds("btc", "request=w2")
	r.pay("w1", "w1-2") // a further event, and one payment that is not accepted
	r.wantHolds("btc", "request=w2")
	r.pay("w1", "w1-3")
	r.wantHolds("btc", "request=w2", "request=w1")
	r.decided(r.decide(entry.Decision{Do: entry.DoUndo, Effect: r.gate("btc").Holds[0].Effect, Reason: "r", Verdict: VerdictReal}))
	r.wantHolds("btc", "request=w1")
	if got := r.m.EffectsView()[1]; got.State != Undone || got.Actor != "alice" {
		t.Errorf("%+v", got)
	}
	r.pay("w2", "w2-1")
	r.wantHolds("btc", "request=w1", "request=w2")
	r.restarted()
}

// Against an oracle: a request is held from the payment that makes two different ones
// that nobody called false, until a person releases it.
func TestNarrowHoldsAgainstOracle(t *testing.T) {
	for seed := range uint64(20) {
		r, rnd := newRig(t, narrowRules), rand.New(rand.NewPCG(seed, 7))
		paid, held := map[string]map[string]bool{}, map[string]bool{}
		for range 200 {
			w := fmt.Sprint("w", rnd.IntN(5))
			if paid[w] == nil {
				paid[w] = map[string]bool{}
			}
			if verdict := []string{VerdictFalse, VerdictReal, VerdictTest}[rnd.IntN(3)]; held[w] && rnd.IntN(2) == 0 {
				r.releases("btc", "request="+w, verdict)
				held[w] = false
				if verdict == VerdictFalse {
					clear(paid[w])
				}
			} else {
				p := fmt.Sprint("p", rnd.IntN(4))
				r.pay(w, p)
				paid[w][p] = true
				held[w] = held[w] || len(paid[w]) >= 2
			}
			want := []string{}
			for _, w := range sortedKeys(held) {
				if held[w] {
					want = append(want, "request="+w)
				}
			}
			if got := slices.Sorted(slices.Values(r.heldAt("btc"))); !slices.Equal(got, want) {
				t.Fatalf("seed %d: held %q, want %q", seed, got, want)
			}
		}
		r.restarted()
	}
}

// More than a gate can tell its agents close it for all, by one hold that says so.
func TestManyNarrowHoldsByRulesClose(t *testing.T) {
	r := newRig(t, narrowRules)
	for i := range maxNarrow {
		r.closeFor("btc", map[string]string{"customer": fmt.Sprint("c", i)})
	}
	r.of("doubt", "w0")
	if e := r.m.EffectsView(); e[0].State != Planned || e[0].Mode != rules.Approve || e[0].Result.Kind != record.ResultUnproven {
		t.Errorf("what is not proven would close the gate: %+v", e[0])
	}
	r.wantClosed("btc", false)
	for i := range 3 {
		r.twice(fmt.Sprint("w", i))
	}
	closers := func() (out []Hold) {
		for _, h := range r.wantClosed("btc", true).Holds {
			if h.Match == nil {
				out = append(out, h)
			}
		}
		return out
	}
	all := closers()
	if len(all) != 1 || all[0].Count != 3 || all[0].Because.Kind != record.TooManyNarrow || len(r.named(gateClosed)) != 1 {
		t.Fatalf("%+v, alerts %v", all, r.standing())
	}
	if e := r.m.effects[all[0].Effect]; !e.WouldClose() || e.Result.Kind != record.ResultClosed || len(r.m.standing) != 2 {
		t.Errorf("%+v, standing %v", e, r.m.standing)
	}
	r.restarted()
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}))
	r.wantClosed("btc", false)
	r.pay("w1", "w1-3")
	r.wantClosed("btc", false)
	r.pay("w1", "w1-4")
	r.wantClosed("btc", true)
	// With room again, the next is held by name.
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}))
	r.releases("btc", "customer=c0", "")
	r.twice("w9")
	r.wantClosed("btc", false)
	if got := r.heldAt("btc"); got[len(got)-1] != "request=w9" {
		t.Errorf("%q", got[len(got)-1])
	}
}

// Where an alert does not say what to hold, nobody is held by itself: a person decides,
// and is told that it is everybody.
func TestHoldWithoutAName(t *testing.T) {
	for _, c := range []struct {
		name, label string
		happens     func(r *rig)
	}{
		{"an optional field", "tag", func(r *rig) { r.of("tag", "w1") }},
		{"a rule's limit", "request", func(r *rig) { r.of("few", "w1"); r.of("few", "w2") }},
		{"a label that was cut", "request", func(r *rig) { r.of("few", strings.Repeat("x", maxLabel+1)) }},
		{"a label that was cut in a character", "request", func(r *rig) { r.of("few", strings.Repeat("x", maxLabel-1)+"é") }},
	} {
		r := newRig(t, narrowRules)
		c.happens(r)
		before := r.heldAt("btc")
		r.wantClosed("btc", false)
		e := r.newestEffect()
		if e.State != Planned || e.Mode != rules.Approve || !e.Result.Equal(record.New(record.ResultUnnamed, c.label)) {
			t.Fatalf("%s: %+v", c.name, e)
		}
		told := r.named(notHeld)
		if len(told) != 1 || told[0].Label("severity") != "critical" || !told[0].About.Equal(record.New(record.AboutNotHeld, "btc", "", e.Mitigation, e.ID).After(e.Result)) {
			t.Errorf("%s: told %+v", c.name, told)
		}
		r.restarted()
		r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}))
		if len(r.named(notHeld)) != 0 {
			t.Errorf("%s: NotHeld stands after the approval", c.name)
		}
		r.wantHolds("btc", append(before, "all")...)
		if n := len(r.named(gateClosed)); n != 1 {
			t.Errorf("%s: %d GateClosed", c.name, n)
		}
	}
}

// Where workers ask without what a hold names, it would stop them too: a person decides.
func TestHoldThatWorkersDoNotName(t *testing.T) {
	r := newRig(t, narrowRules)
	r.says("h1", report.Asked{Gate: "btc/hot", Names: []string{"request"}, Lacks: []string{"customer"}})
	r.twice("w0")
	r.wantHolds("btc", "request=w0") // no hold names a customer
	r.says("h2", report.Asked{Gate: "btc/hot", Lacks: []string{"request"}})
	r.restarted()
	r.twice("w1")
	r.twice("w2")
	r.wantHolds("btc", "request=w0")
	for _, e := range r.m.EffectsView()[1:] {
		if e.State != Planned || e.Mode != rules.Approve || !e.Result.Equal(record.New(record.ResultUnasked, "request")) || e.Match["request"] == "" {
			t.Fatalf("%+v", e)
		}
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: "e2"}))
	r.wantHolds("btc", "request=w0", "request=w1")
	r.refused(entry.Decision{Do: entry.DoDecline, Effect: "e2", Reason: "r"}, Conflict, "")
	if told := r.named(notHeld); len(told) != 1 || told[0].Value != "2" || told[0].Incident == "" {
		t.Errorf("one of two is still not held: %+v", told)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoDecline, Effect: "e3", Reason: "known"}))
	if len(r.named(notHeld)) != 0 {
		t.Error("NotHeld stands, and nothing waits")
	}
	// Once all have named it for a day, the next event holds.
	r.twice("w3")
	waits := r.newestEffect()
	r.later(askedFor - time.Hour)
	r.says("h2", report.Asked{Gate: "btc/hot", Names: []string{"request"}})
	r.later(time.Hour + time.Second)
	r.tick()
	r.wantHolds("btc", "request=w0", "request=w1")
	r.twice("w3")
	r.wantHolds("btc", "request=w0", "request=w1", "request=w3")
	if len(r.named(notHeld)) != 0 {
		t.Error("NotHeld stands, and it is held")
	}
	if was := r.m.effects[waits.ID]; was != nil && was.State == Planned && !r.m.over(was) {
		t.Errorf("it waits beside the hold: %+v", was)
	}
	// An agent that is forgotten asks no more.
	r.says("h3", report.Asked{Gate: "btc", Lacks: []string{"request"}})
	if !r.m.asksLack("btc", []string{"request"}) {
		t.Error("it is not noted")
	}
	r.later(time.Hour)
	r.tick()
	r.decided(r.decide(entry.Decision{Do: entry.DoForget, Agent: "h3", Reason: "gone"}))
	if r.m.asksLack("btc", []string{"request"}) {
		t.Error("it is still noted")
	}
}

// An address is held in its one spelling.
func TestHeldAddressIsSpelled(t *testing.T) {
	r := newRig(t, narrowRules)
	r.send(event("1", "theft", `{"address":"0xABcd"}`), event("2", "theft", `{"address":"0xabCD"}`))
	r.wantHolds("btc", "address=0xabcd")
}

// The weakest mode counts, and while a rule is kept in shadow, or automatic effects are
// off, it holds nothing.
func TestNarrowModes(t *testing.T) {
	r := newRig(t, narrowRules)
	epoch := r.m.GateEpoch()
	r.of("watched", "w1")
	if e := r.newestEffect(); e.State != Planned || !e.Result.Equal(record.New(record.ResultWouldHold, "request=w1")) || r.gate("btc").WouldBe || r.m.GateEpoch() != epoch {
		t.Errorf("%+v, gate %+v", e, r.gate("btc"))
	}
	r.of("asked", "w2")
	e := r.newestEffect()
	if e.State != Planned || e.Mode != rules.Approve || e.Result.Kind != record.ResultWaits || len(r.named(notHeld)) != 0 {
		t.Errorf("%+v, alerts %v", e, r.standing())
	}
	r.wantHolds("btc")
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}))
	r.wantHolds("btc", "request=w2")
	r.off(time.Minute)
	r.twice("w3")
	if e := r.newestEffect(); e.Mode != rules.Approve || !e.SwitchedOff() {
		t.Errorf("%+v", e)
	}
	r.later(2 * time.Minute)
	r.pay("w3", "w3-1")
	r.wantHolds("btc", "request=w2", "request=w3")
	// Released, and its rule in shadow for a while.
	d := opening("btc", &entry.Shadow{Rules: []string{"Twice"}})
	d.Hold = r.gate("btc").Holds[1].ID
	r.decided(r.decide(d))
	r.twice("w4")
	r.wantHolds("btc", "request=w2")
	r.later(2*time.Hour + 1)
	r.pay("w4", "w4-3")
	r.wantHolds("btc", "request=w2", "request=w4")
	r.restarted()
}

// Of what is not proven, a single payment is held; a gate is closed by a person.
func TestNotProven(t *testing.T) {
	r := newRig(t, narrowRules)
	r.of("doubt", "w1")
	r.wantHolds("btc", "request=w1")
	e := r.newestEffect()
	if e.Mitigation != "stop" || e.State != Planned || e.Mode != rules.Approve || e.Result.Kind != record.ResultUnproven {
		t.Fatalf("%+v", e)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}))
	r.wantHolds("btc", "request=w1", "all")
	old := newRigAt(t, 2, strings.ReplaceAll(narrowRules, "mitigate: [hold, stop]", "mitigate: [stop]"))
	old.of("doubt", "w1")
	old.wantHolds("btc", "all")
}

// Two people release what takes two to open.
func TestTwoReleaseNarrowHold(t *testing.T) {
	r := newRig(t, strings.Replace(narrowRules, "{name: btc, mode: enforce}", "{name: btc, mode: enforce, open: {approvals: 2}}", 1))
	r.twice("w1")
	d := by("alice", VerdictFalse)
	d.Do, d.Hold = entry.DoOpen, r.gate("btc").Holds[0].ID
	if out, ok := r.json(entry.KindDecision, d).(Pending); !ok {
		t.Fatalf("%v", out)
	}
	r.wantHolds("btc", "request=w1")
	d.Actor = "bob"
	r.opens(d)
	r.wantHolds("btc")
}

// A metric alert that fires on does not hold again what a person released; raised anew
// it does. Its other mitigations go on.
func TestNarrowHoldOfMetricRule(t *testing.T) {
	r := newRig(t, narrowRules)
	level := r.level("Stuck", "customer", "c1")
	r.firing(level)
	r.wantHolds("eth", "customer=c1")
	r.firing(r.level("Stuck", "instance", "h1")) // it names no customer
	r.wantHolds("eth", "customer=c1")
	if all := r.m.EffectsView(); !slices.ContainsFunc(all, func(e Effect) bool { return e.Result.Equal(record.New(record.ResultUnnamed, "customer")) }) {
		t.Errorf("%+v", all)
	}
	r.releases("eth", "customer=c1", VerdictTest)
	r.firing(level)
	r.wantHolds("eth")
	r.load(strings.Replace(narrowRules, "{name: stop-eth, action: gate.close, target: eth, mode: shadow}", "{name: stop-eth, action: gate.close, target: eth, mode: enforce}", 1))
	r.firing(level)
	r.wantHolds("eth", "all") // that gate no person has opened
	r.restarted()
	r.resolve(r.ids("Stuck")...)
	r.firing(level)
	r.wantHolds("eth", "all", "customer=c1")
}

// A mitigation that means something else since a reload does that at the next event.
func TestMitigationChanges(t *testing.T) {
	r := newRig(t, narrowRules)
	r.twice("w1")
	r.load(strings.Replace(narrowRules, "{name: hold, action: gate.hold, target: btc, match: {request: '{{ $labels.request }}'}, mode: enforce}", "{name: hold, action: gate.close, target: btc, mode: enforce}", 1))
	r.wantHolds("btc", "request=w1")
	r.pay("w1", "w1-1")
	r.wantHolds("btc", "request=w1", "all")
	r.restarted()
}

// A gate at which a rule holds payments by itself is guarded, and one whose rule only
// would is not.
func TestHoldGuards(t *testing.T) {
	r := newRig(t, narrowRules)
	if got := r.named(gateUnguarded); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	r.load(strings.ReplaceAll(narrowRules, "{customer: '{{ $labels.customer }}'}, mode: enforce", "{customer: '{{ $labels.customer }}'}, mode: approve"))
	if got := r.named(gateUnguarded); len(got) != 1 || got[0].Label("gate") != "eth" {
		t.Errorf("%+v", got)
	}
}

// holdsByName holds, keeps back and releases what rules hold by name.
func (r *rig) holdsByName() {
	r.t.Helper()
	r.load(narrowRules)
	r.twice("n1")
	r.send(payout("n2", "n1", "n1-1", "a", "2000"), event("n3", "theft", `{"address":"0xAB"}`))
	r.of("tag", "n4")
	r.of("doubt", "n5")
	r.of("watched", "n6")
	r.firing(r.level("Stuck", "customer", "c1"))
	r.releases("btc", "request=n1", VerdictFalse)
	r.says("h1", report.Asked{Gate: "btc", Lacks: []string{"request"}})
	r.pay("n1", "n1-3")
	r.pay("n1", "n1-4")
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: r.newestEffect().ID}))
}

// NotHeld ends with the alert that wants the hold.
func TestNotHeldEndsWithItsAlert(t *testing.T) {
	r := newRig(t, narrowRules)
	r.of("tag", "w1")
	if len(r.named(notHeld)) != 1 {
		t.Fatalf("%v", r.standing())
	}
	r.later(time.Hour + time.Second)
	r.tick()
	if got := r.standing(); len(got) != 0 {
		t.Errorf("standing %v", got)
	}
	r.restarted()
}
