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
	"github.com/tomeishi/tomeishi/collector/record"
)

const blindRules = `groups:
- name: g
  rules:
  - alert: Twice
    event: payout.sent
    where: data.asset == "BTC"
    by: [data.request]
    within: 24h
    when: distinct(data.payment) >= 2
    mitigate: [stop]
  - alert: Often
    event: payout.sent
    where: has(data.memo) && data.memo == "x"
    within: 1h
    when: count() >= 1000
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
gates: [{name: btc, mode: enforce}]
`

// blind is what stands of RuleBlind, as rule, source, severity and what it says.
func (r *rig) blind() (out []string) {
	for _, a := range r.named(ruleBlind) {
		out = append(out, strings.TrimSpace(fmt.Sprintln(a.Label("rule"), a.Label("source"), a.Label("severity"), a.About.Arg("field"), a.About.Arg("near"), a.About.Kind)))
	}
	slices.Sort(out)
	return out
}

func (r *rig) wantBlind(what string, want ...string) {
	r.t.Helper()
	if got := r.blind(); !slices.Equal(got, want) {
		r.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestRuleBlind sends, of each case, as many events as it takes.
func TestRuleBlind(t *testing.T) {
	const twice, kind = "Twice pay critical ", " about_rule_blind"
	for _, c := range []struct {
		name, data string
		want       []string
	}{
		{"a field is misspelled", `{"asset":"BTC","reqest":"w%d","payment":"p"}`, []string{twice + "data.request data.reqest" + kind}},
		{"a field of where is misspelled", `{"aset":"BTC","request":"w%d","payment":"p"}`, []string{twice + "data.asset data.aset" + kind}},
		{"a field is empty", `{"asset":"BTC","request":"","payment":"p%d"}`, []string{twice + "data.request " + kind}},
		{"a field is another kind of thing", `{"asset":"BTC","request":{"id":"w%d"},"payment":"p"}`, []string{twice + "data.request " + kind}},
		{"what is counted is missing", `{"asset":"BTC","request":"w%d","txid":"p"}`, []string{twice + "data.payment " + kind}},
		{"data is JSON in a text", `"{\"asset\":\"BTC\",\"request\":\"w%d\"}"`, []string{"Often pay warning   about_rule_blind_data", twice + "  about_rule_blind_data"}},
		{"data is a list", `[{"asset":"BTC","request":"w%d"}]`, []string{"Often pay warning   about_rule_blind_data", twice + "  about_rule_blind_data"}},
		{"where rejects", `{"asset":"ETH","reqest":"w%d"}`, nil},
		{"all is well", `{"asset":"BTC","request":"w%d","payment":"p"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, blindRules)
			send := func() {
				data := c.data
				if strings.Contains(data, "%d") {
					data = fmt.Sprintf(data, r.next)
				}
				r.event("payout.sent", "pay", data)
			}
			for range sightRun - 1 {
				send()
			}
			r.wantBlind("after four")
			send()
			r.wantBlind("after five", c.want...)
			send()
			r.restarted()
			for i := range sightRun {
				if c.want == nil {
					break
				}
				r.wantBlind(fmt.Sprint("after ", i, " that are readable"), c.want...)
				r.event("payout.sent", "pay", fmt.Sprintf(`{"asset":"BTC","request":"w%d","payment":"p","memo":"x"}`, r.next))
			}
			r.wantBlind("readable again")
		})
	}
}

// TestRuleBlindShare loses one event of three, and then fewer.
func TestRuleBlindShare(t *testing.T) {
	r := newRig(t, blindRules)
	send := func(lost bool) {
		field := "request"
		if lost {
			field = "req"
		}
		r.event("payout.sent", "pay", fmt.Sprintf(`{"asset":"BTC","%s":"w%d","payment":"p"}`, field, r.next))
	}
	for i := range sightFew - 1 {
		send(i%3 == 0)
	}
	r.wantBlind("after 19 events")
	send(true)
	r.wantBlind("after 20", "Twice pay critical data.request data.req about_rule_blind")
	for i := range 60 {
		send(i%6 == 0)
	}
	r.wantBlind("still one of six", "Twice pay critical data.request data.req about_rule_blind")
	for range sightFew {
		send(false)
	}
	r.wantBlind("twenty in a row are read")
	for i := range 300 {
		send(i%10 == 0)
	}
	r.wantBlind("one of ten is bearable")
}

// TestRuleBlindWhere has a condition that cannot be decided, and can again, but
// then rejects: it was read.
func TestRuleBlindWhere(t *testing.T) {
	r := newRig(t, blindRules)
	send := func(n int, data string) {
		for range n {
			r.event("payout.sent", "pay", data)
		}
	}
	const lost, rejected = `{"currency":"ETH"}`, `{"asset":"ETH"}`
	send(sightRun, lost)
	want := "Twice pay critical data.asset  about_rule_blind"
	r.wantBlind("blind", want)
	send(sightFew-1, rejected)
	r.wantBlind("not yet", want)
	send(1, rejected)
	r.wantBlind("decided again")

	// One of eleven lacks the asset, all others are rejected: who knows what it was?
	for range 30 {
		send(10, rejected)
		send(1, lost)
		r.restarted()
	}
	send(30, rejected)
	r.wantBlind("among others", want)
	send(10, rejected)
	r.wantBlind("longer without one than ever")

	// What lacks a key says nothing about a condition.
	send(sightRun, `{"asset":"BTC"}`)
	send(1000, rejected)
	r.wantBlind("blind to the key", "Twice pay critical data.request  about_rule_blind")
}

// TestRuleBlindSources keeps sources apart, up to a bound.
func TestRuleBlindSources(t *testing.T) {
	r := newRig(t, blindRules)
	for i := range sightRun {
		r.event("payout.sent", "good", fmt.Sprintf(`{"asset":"BTC","request":"w%d","payment":"p"}`, i))
		r.event("payout.sent", "bad", `{"asset":"BTC"}`)
	}
	r.wantBlind("one of two", "Twice bad critical data.request  about_rule_blind")
	for i := range maxSights/2 + sightRun {
		r.event("payout.sent", fmt.Sprint("pod-", i), `{"asset":"BTC"}`)
	}
	if n := len(r.m.IncidentsView()); n != 1 {
		t.Errorf("%d incidents", n)
	}
	r.wantBlind("each event from another source", "Twice  critical data.request  about_rule_blind", "Twice bad critical data.request  about_rule_blind")
	r.restarted()
	r.later(sightKept)
	r.tick()
	r.wantBlind("nothing came for a day")
	for range sightRun {
		r.event("payout.sent", "late", `{"asset":"BTC"}`)
	}
	r.wantBlind("there is room again", "Twice late critical data.request  about_rule_blind")
	if n := len(r.m.Readings["g/Twice"].Sights); n > maxSights+1 {
		t.Errorf("%d sights", n)
	}
}

// TestRuleBlindReload edits the rule that is blind.
func TestRuleBlindReload(t *testing.T) {
	r := newRig(t, blindRules)
	for range sightRun {
		r.event("payout.sent", "pay", `{"asset":"BTC","req":"w"}`)
	}
	want := " data.request data.req about_rule_blind"
	r.wantBlind("blind", "Twice pay critical"+want)
	r.load(strings.Replace(blindRules, "within: 24h", "within: 25h", 1))
	r.wantBlind("another window", "Twice pay critical"+want)
	r.load(strings.Replace(blindRules, "target: btc, mode: enforce", "target: btc, mode: shadow", 1))
	r.wantBlind("it closes nothing", "Twice pay warning"+want)
	r.restarted()
	r.load(strings.Replace(blindRules, "[data.request]", "{request: data.req}", 1))
	r.wantBlind("mended")
	for range sightRun {
		r.event("payout.sent", "pay", `{"asset":"BTC","req":"w","payment":"p"}`)
	}
	r.wantBlind("it reads")
}

// TestRuleBlindOldBehavior has none.
func TestRuleBlindOldBehavior(t *testing.T) {
	r := newRigAt(t, firstReading-1, blindRules)
	for range 10 {
		r.event("payout.sent", "pay", `{}`)
		r.event("payout_sent", "pay", `{}`)
	}
	r.wantBlind("before")
	if len(r.m.Readings)+len(r.m.Types) > 0 {
		t.Error("an old state has readings or types")
	}
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: Behavior}))
	for range sightRun {
		r.event("payout.sent", "pay", `{}`)
	}
	r.wantBlind("after", "Twice pay critical data.asset  about_rule_blind")
	r.restarted()
}

// outcomes are what a rule said of the events of one source that its condition
// does not reject, since it was last mended: the oracle's memory.
type outcomes struct {
	unread []bool
	blind  bool
	mixed  bool
}

func (o *outcomes) add(unread bool) {
	if o.blind && unread && len(o.unread) > 0 && !o.unread[len(o.unread)-1] {
		o.mixed = true
	}
	o.unread = append(o.unread, unread)
	last := func(n int) []bool { return o.unread[max(0, len(o.unread)-n):] }
	all := func(n int, want bool) bool {
		return len(o.unread) >= n && !slices.Contains(last(n), !want)
	}
	lost := 0
	for _, u := range last(sightLast) {
		if u {
			lost++
		}
	}
	seen := len(last(sightLast))
	switch {
	case unread && (all(5, true) || seen >= 20 && 5*lost > seen):
		o.mixed = o.mixed || !o.blind && !all(5, true)
		o.blind = true
	case !unread && o.blind && (!o.mixed && all(5, false) || all(20, false)):
		*o = outcomes{unread: make([]bool, len(last(map[bool]int{false: 5, true: 20}[o.mixed])))}
	}
}

// TestRuleBlindProperty makes faults at random, in phases, and compares with the
// definition. A twin of the machine is restarted all the time.
func TestRuleBlindProperty(t *testing.T) {
	faults := []string{
		`{"asset":"BTC","reqest":"w","payment":"p"}`, `{"asset":"BTC","request":7e999,"payment":{}}`, `{"asset":"BTC","request":"w","payment":null}`,
		`{"asset":"BTC","request":"","payment":"p"}`, `{"asset":"BTC"}`,
	}
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		r := newRig(t, blindRules)
		twin := New()
		for _, e := range r.tape {
			twin.Apply(e)
		}
		want := map[string]*outcomes{}
		sources := []string{"a", "b", "c"}
		share := map[string]int{}
		for step := range 600 {
			if step%50 == 0 {
				for _, s := range sources {
					share[s] = []int{0, 5, 15, 25, 60, 100}[rnd.IntN(6)]
				}
			}
			source := sources[rnd.IntN(len(sources))]
			if want[source] == nil {
				want[source] = &outcomes{}
			}
			data := fmt.Sprintf(`{"asset":"BTC","request":"w%d","payment":"p"}`, step)
			switch n := rnd.IntN(100); {
			case rnd.IntN(3) == 0:
				data = `{"asset":"ETH"}` // rejected
			case n < share[source]:
				data = faults[rnd.IntN(len(faults))]
				want[source].add(true)
			default:
				want[source].add(false)
			}
			r.event("payout.sent", source, data)
			twin.Apply(r.tape[len(r.tape)-1])
			if rnd.IntN(40) == 0 {
				saved := twin.Snapshot().Bytes
				twin = New()
				if err := twin.Restore(bytes.NewReader(saved)); err != nil {
					t.Fatal(err)
				}
			}
			var got, wanted []string
			for _, a := range r.named(ruleBlind) {
				got = append(got, a.Label("source"))
			}
			slices.Sort(got)
			for _, s := range sources {
				if o := want[s]; o != nil && o.blind {
					wanted = append(wanted, s)
				}
			}
			if !slices.Equal(got, wanted) {
				t.Fatalf("seed %d, step %d: blind to %q, want %q", seed, step, got, wanted)
			}
		}
		if twin.Hash() != r.m.Hash() {
			t.Fatalf("seed %d: the restarted machine is another", seed)
		}
	}
}

// TestTypes has types that no rule reads.
func TestTypes(t *testing.T) {
	r := newRig(t, blindRules)
	r.event("payout_sent", "pay", `{}`)
	r.event("invoice.paid", "shop", `{}`)
	r.event("payout.result", "pay", `{}`)
	r.wantBlind("a slip", "Twice  critical  payout.sent about_rule_blind_type")
	r.restarted()
	r.load(blindRules + "# again\n")
	r.wantBlind("the same rules", "Twice  critical  payout.sent about_rule_blind_type")
	a := r.named(ruleBlind)[0]
	r.event("payout_sent", "pay", `{}`)
	if b := r.named(ruleBlind)[0]; b.ID != a.ID || b.Total != 2 || b.Label("event") != "payout_sent" {
		t.Errorf("another one: %+v", b)
	}
	r.load(strings.Replace(blindRules, "mode: enforce}]\ngates", "mode: shadow}]\ngates", 1))
	r.wantBlind("nothing closes")
	r.load(blindRules)
	r.wantBlind("it closes again", "Twice  critical  payout.sent about_rule_blind_type")
	r.load(strings.Replace(blindRules, "  - alert: Often\n    event: payout.sent", "  - alert: Often\n    event: payout_sent", 1))
	r.wantBlind("a rule reads it")
	r.load(blindRules)
	r.event("payout_sent", "pay", `{}`)
	r.later(sightKept)
	r.tick()
	r.wantBlind("none came for a day")
	for i := range maxTypes + 10 {
		r.event(fmt.Sprint("t", i), "pay", `{}`)
	}
	r.event("Payout-Sent", "pay", `{}`)
	r.wantBlind("full, and yet", "Twice  critical  payout.sent about_rule_blind_type")
	if len(r.m.Types) > maxTypes+1 || r.m.OtherTypes == 0 {
		t.Errorf("%d types, %d events of others", len(r.m.Types), r.m.OtherTypes)
	}
	r.later(typesKept)
	r.event("t-new", "pay", `{}`)
	if r.m.Types["t-new"] == nil || len(r.m.Types) > 5 {
		t.Errorf("%d types are kept", len(r.m.Types))
	}
	r.restarted()
}

// TestNearToNothing has a type that looked like one of a rule which a later
// program leaves out.
func TestNearToNothing(t *testing.T) {
	r := newRig(t, blindRules)
	r.event("other", "pay", `{}`)
	r.m.Types["other"].Near = "othr"
	r.event("other", "pay", `{}`)
	r.wantBlind("nobody reads what it looks like")
}

// TestGateUnguarded reloads rule files in which something no longer closes.
func TestGateUnguarded(t *testing.T) {
	r := newRig(t, blindRules)
	want := func(what string, gates ...string) {
		t.Helper()
		var got []string
		for _, a := range r.named(gateUnguarded) {
			got = append(got, a.Label("gate"))
		}
		if !slices.Equal(got, gates) {
			t.Errorf("%s: %q, want %q", what, got, gates)
		}
		r.restarted()
	}
	want("it is guarded")
	edit := func(old, now string) { r.load(strings.Replace(blindRules, old, now, 1)) }
	for _, c := range []struct{ what, old, now string }{
		{"the rule names no mitigation", "    mitigate: [stop]\n", ""},
		{"the rule is in shadow", "[stop]", "[{use: stop, mode: shadow}]"},
		{"the rule waits for approval", "[stop]", "[{use: stop, mode: approve}]"},
		{"the mitigation is in shadow", "target: btc, mode: enforce", "target: btc, mode: shadow"},
	} {
		edit(c.old, c.now)
		want(c.what, "btc")
		if d := r.m.Live.Disarmed; len(d) != 1 || d[0].Rule != "Twice" || d[0].Gate != "btc" {
			t.Errorf("%s: disarmed %+v", c.what, d)
		}
		r.later(30 * 24 * time.Hour)
		r.tick()
		want(c.what+", a month", "btc")
		r.load(blindRules)
		want(c.what + ", mended")
		if ended := r.m.Gone[len(r.m.Gone)-1]; ended.Cause.Kind != record.RulesChanged {
			t.Errorf("it ended: %v", ended.Cause)
		}
	}
	edit("[{name: btc, mode: enforce}]", "[{name: btc, mode: enforce}, {name: btc/hot, mode: enforce}, {name: eth, mode: enforce}, {name: jpy, mode: enforce, closed_by: people}, {name: xrp}]")
	want("a child, a stranger, one of people's, one in shadow", "eth")
	edit("[{name: btc, mode: enforce}]", "[{name: btc}]")
	want("the gate is in shadow")
}

func TestGateUnguardedOldBehavior(t *testing.T) {
	r := newRigAt(t, firstReading-1, strings.Replace(blindRules, "[stop]", "[]", 1))
	if len(r.named(gateUnguarded)) != 0 {
		t.Error("before its version")
	}
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: Behavior}))
	if len(r.named(gateUnguarded)) != 1 {
		t.Error("not after it")
	}
}

// TestEachUnread: an event that a closing rule cannot read may be the second payment,
// so each is told, however few they are.
func TestEachUnread(t *testing.T) {
	r := newRig(t, strings.Replace(blindRules, "where: has(data.memo) && data.memo == \"x\"\n    within", "by: [data.wallet]\n    within", 1))
	well := func(n int) {
		for range n {
			r.event("payout.sent", "pay", fmt.Sprintf(`{"asset":"BTC","request":"w%d","payment":"p","wallet":"hot"}`, r.next))
		}
	}
	unread := func() { r.event("payout.sent", "pay", `{"asset":"BTC","reqest":"w","payment":"p"}`) }
	well(30)
	unread()
	told := r.named(ruleErrors)
	if len(told) != 1 || told[0].Label("rule") != "Twice" || told[0].Label("error") != "unread" || told[0].About.Kind != record.AboutBlind || told[0].About.Arg("field") != "data.request" {
		t.Fatalf("after the first: %+v", told)
	}
	for range 8 {
		well(10)
		unread()
	}
	if told = r.named(ruleErrors); told[0].Total != 9 || len(r.blind()) != 0 {
		t.Errorf("a few all along: %d told, blind %v", told[0].Total, r.blind())
	}
	r.later(builtInQuiet)
	r.tick()
	if told = r.named(ruleErrors); len(told) != 0 {
		t.Errorf("an hour later: %+v", told)
	}
	well(100)
	for range 3 { // hours apart, nothing in between
		unread()
		if told = r.named(ruleErrors); len(told) != 1 {
			t.Fatalf("after a rename, where little is paid: %+v", told)
		}
		r.later(2 * builtInQuiet)
		r.tick()
	}
}

// What Tomeishi says of itself takes no room among the types, and where there is none
// left a type that was probably meant to be one that a closing rule reads is told.
func TestNoRoomForTypes(t *testing.T) {
	r := newRig(t, testRules)
	send := func(eventType string) {
		r.next++
		r.send(report.Event{ID: fmt.Sprint(r.next), Source: "app", Type: eventType, Data: []byte("{}")})
	}
	send(report.BeatType)
	if r.m.OtherTypes != 0 || len(r.m.Types) != 0 {
		t.Errorf("a beat: %d others, %d types", r.m.OtherTypes, len(r.m.Types))
	}
	for i := range maxTypes + 2*maxNoRoom {
		send(fmt.Sprint("type", i%(maxTypes+maxNoRoom)))
	}
	if r.m.OtherTypes != 2*maxNoRoom-maxTypes || len(r.m.Types) != maxTypes {
		t.Errorf("%d others, %d types", r.m.OtherTypes, len(r.m.Types))
	}
	send("payout_sent")
	if !slices.Contains(r.standing(), ruleBlind) {
		t.Errorf("standing %v", r.standing())
	}
	r.restarted()
}

// TestRuleBlindSides keeps two sources of a rule apart that are of one type.
func TestRuleBlindSides(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - alert: Unequal
    reconcile:
      sent: {event: ledger.entry, where: 'data.kind == "sent"', key: [data.request]}
      paid: {event: ledger.entry, where: 'data.kind == "paid"', key: [data.payment]}
    when: sent != paid
`)
	for range sightRun {
		r.event("ledger.entry", "books", `{"kind":"sent","request":"w"}`)
		r.event("ledger.entry", "books", `{"kind":"paid","request":"w"}`)
		r.restarted()
	}
	r.wantBlind("one side", "Unequal books warning data.payment  about_rule_blind")
	if a := r.named(ruleBlind)[0]; a.Label("read_as") != "paid" {
		t.Errorf("labels %v", a.Labels)
	}
	for range sightRun {
		r.event("ledger.entry", "books", `{"kind":"paid","payment":"w"}`)
	}
	r.wantBlind("it reads")
}

// TestRuleBlindRoom has an agent that makes up sources without end, and another whose
// application the rule then cannot read.
func TestRuleBlindRoom(t *testing.T) {
	r := newRig(t, blindRules)
	weak, honest := r.host("weak"), r.host("honest")
	for i := range 3 * maxSights {
		weak.accepts(report.Event{Type: "payout.sent", Source: fmt.Sprint("pod-", i), Data: []byte(`{"asset":"BTC","request":"w","payment":"p"}`)})
	}
	weak.delivers()
	for range sightRun {
		honest.accepts(report.Event{Type: "payout.sent", Data: []byte(`{"asset":"BTC","req":"w"}`)})
		weak.accepts(report.Event{Type: "payout.sent", Source: "pod-x", Data: []byte(`{"asset":"BTC","request":"w","payment":"p"}`)})
		honest.delivers()
		weak.delivers()
		r.restarted()
	}
	r.wantBlind("among others", "Twice app@honest critical data.request data.req about_rule_blind")
}
