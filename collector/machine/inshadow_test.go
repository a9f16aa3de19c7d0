package machine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// Two rules close one gate by one mitigation, and one of them another too.
const shadowRules = `groups:
- name: g
  rules:
  - {alert: Twice, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, labels: {severity: critical}, mitigate: [stop, other]}
  - {alert: Much, event: payout.sent, by: [data.request], within: 1h, when: sum(data.amount) > 1000, labels: {severity: critical}, mitigate: [stop]}
gates: [{name: btc, mode: enforce}, {name: eth, mode: enforce}, {name: two, mode: enforce, open: {approvals: 2, alone: {after: 2m}}}]
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
- {name: other, action: gate.close, target: eth, mode: enforce}
`

func opening(gate string, shadow *entry.Shadow) entry.Decision {
	return entry.Decision{Do: entry.DoOpen, Gate: gate, Reason: "it counts fees", Verdict: VerdictFalse, Shadow: shadow}
}

func TestOpenAndShadow(t *testing.T) {
	r := newRig(t, shadowRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
	read := r.gate("btc")
	r.pay("w1", "p3") // it would close in the entry that opens
	if got := r.m.HeldByRules("btc"); !slices.Equal(got, []string{"g/Twice"}) {
		t.Errorf("held by %v", got)
	}
	began := r.now
	d := opening("btc", &entry.Shadow{Rules: []string{"Twice"}})
	d.AsOf = read.AsOf
	r.decided(r.decide(d))
	r.decided(r.decide(d)) // the answer was lost
	until := began.Add(2 * time.Hour).UnixNano()
	v := r.wantClosed("btc", false)
	if len(v.InShadow) != 1 || v.InShadow[0].name() != "g/Twice" || v.InShadow[0].Until != until || v.InShadow[0].Actor != "alice" {
		t.Fatalf("%+v", v.InShadow)
	}
	r.wantStep("alice", record.New(record.RuleShadowed, "Twice", "btc", decimalOf(until)))
	told := r.named(ruleInShadow)
	if len(told) != 1 || told[0].Label("gate") != "btc" || !told[0].About.Equal(record.New(record.AboutInShadow, "Twice", "btc", "alice", decimalOf(until), "it counts fees")) {
		t.Fatalf("%+v", told)
	}
	// It wants the gate in shadow, and other gates as ever.
	r.wantClosed("eth", true)
	r.decided(r.decide(opening("eth", nil)))
	r.pay("w2", "p1")
	r.pay("w2", "p2")
	if v := r.wantClosed("btc", false); !v.WouldBe {
		t.Error("nothing is planned in shadow")
	}
	r.wantClosed("eth", true)
	// Another rule closes the gate, and alerts of this one join no hold.
	r.send(payout("m1", "w9", "p9", "a", "1001"))
	closed := r.wantClosed("btc", true)
	r.pay("w3", "p1")
	r.pay("w3", "p2")
	if v := r.gate("btc"); v.Alerts != 1 || v.Epoch != closed.Epoch && v.Holds[0].Count != closed.Holds[0].Count {
		t.Errorf("%+v", v)
	}
	r.decided(r.decide(opening("btc", nil)))
	r.wantClosed("btc", false)
	r.restarted()
	// It ends by itself, in the entry at its time, with no tick before.
	if due := r.m.Due(); due > until {
		t.Errorf("due %d, want %d at the latest", due, until)
	}
	r.later(2*time.Hour - 1)
	r.pay("w4", "p1")
	r.pay("w4", "p2")
	r.wantClosed("btc", false)
	r.later(1)
	r.tick()
	r.wantClosed("btc", false) // what was planned waits for an event
	if len(r.named(ruleInShadow)) != 0 || len(r.gate("btc").InShadow) != 0 {
		t.Errorf("it stands: %v", r.standing())
	}
	r.pay("w4", "p3")
	r.wantClosed("btc", true)
	r.restarted()
}

// A rule whose file keeps it in shadow joins no hold that another rule keeps: nobody
// has to read the hold again because of it, and what was agreed or said of it stands.
func TestShadowByFileJoinsNothing(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Twice, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, mitigate: [stop]}
  - {alert: Tried, event: payout.sent, by: [data.request], within: 24h, when: sum(data.amount) > 1000, mitigate: [{use: stop, mode: shadow}]}
gates: [{name: btc, mode: enforce, open: {approvals: 2, alone: {after: 2m}}}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoVerdict, Actor: "alice", Incident: "i1", Verdict: VerdictReal, Reason: "seen"}))
	r.agrees(by("alice", VerdictFalse))
	before, verdict := r.wantClosed("btc", true), r.m.IncidentsView()[0].Verdict
	r.later(2 * time.Minute)
	r.send(payout("m1", "w9", "p9", "a", "1001"))
	if !slices.Contains(r.standing(), "Tried") {
		t.Fatalf("standing %v", r.standing())
	}
	v := r.wantClosed("btc", true)
	if d := cmp.Diff(before.Holds, v.Holds); d != "" || v.Alerts != 1 || len(v.Approvals) != 1 {
		t.Errorf("%d alerts, approvals %+v\n%s", v.Alerts, v.Approvals, d)
	}
	if got := r.m.IncidentsView()[0].Verdict; got != verdict || verdict == "" {
		t.Errorf("verdict %q, was %q", got, verdict)
	}
	if !v.WouldBe {
		t.Error("nothing is planned in shadow")
	}
	r.opens(by("carol", VerdictFalse)) // the second of two
	r.wantClosed("btc", false)
	r.restarted()
}

// The entry at which the time is over is judged as after it.
func TestShadowEndsInTime(t *testing.T) {
	r := newRig(t, shadowRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.decided(r.decide(opening("btc", &entry.Shadow{For: time.Minute}))) // the rules of the holds
	r.pay("w2", "p1")
	r.later(time.Minute)
	r.pay("w2", "p2")
	r.wantClosed("btc", true)
}

// A rule that is edited is another, and counts at once.
func TestEditedRuleLeavesShadow(t *testing.T) {
	r := newRig(t, shadowRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.decided(r.decide(opening("btc", &entry.Shadow{Rules: []string{"g/Twice", "Much"}})))
	r.load(strings.Replace(shadowRules, ">= 2", ">= 3", 1))
	if s := r.gate("btc").InShadow; len(s) != 1 || s[0].Rule != "Much" || len(r.named(ruleInShadow)) != 1 {
		t.Fatalf("%+v", s)
	}
	for _, p := range []string{"p1", "p2", "p3"} {
		r.pay("w2", p)
	}
	r.wantClosed("btc", true)
	r.restarted()
}

func TestShadowRefused(t *testing.T) {
	r := newRig(t, shadowRules)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "by hand"}))
	r.refused(opening("btc", &entry.Shadow{}), Invalid, "shadow.rules") // a person's hold is by no rule
	r.refused(opening("btc", &entry.Shadow{Rules: []string{"Twice", "Thrice"}}), Invalid, "shadow.rules")
	r.refused(opening("btc", &entry.Shadow{Rules: []string{"Twice"}, For: 24*time.Hour + 1}), Invalid, "shadow.for")
	r.refused(opening("btc", &entry.Shadow{Rules: []string{"Twice"}, For: time.Millisecond}), Invalid, "shadow.for")
	r.refused(opening("two", &entry.Shadow{Rules: []string{"Twice"}}), Invalid, "shadow.rules")
	r.wantClosed("btc", true)
	r.decided(r.decide(opening("btc", &entry.Shadow{Rules: []string{"Twice"}})))
	r.decided(r.decide(opening("btc", &entry.Shadow{}))) // the same again
	r.refused(opening("btc", &entry.Shadow{Rules: []string{"Much"}}), Conflict, "")
	r.refused(opening("eth", &entry.Shadow{Rules: []string{"Twice"}}), Conflict, "")
	if n := len(r.m.InShadowView()); n != 1 {
		t.Errorf("%d rules are in shadow", n)
	}
}

// Of two people both have to want it, and the shorter time counts.
func TestTwoPeopleShadow(t *testing.T) {
	two := strings.ReplaceAll(shadowRules, "{name: btc, mode: enforce}", "{name: btc, mode: enforce, open: {approvals: 2}}")
	for name, c := range map[string]struct {
		first, second *entry.Shadow
		want          []string
		length        time.Duration
	}{
		"both":       {&entry.Shadow{Rules: []string{"Twice", "Much"}}, &entry.Shadow{For: time.Hour}, []string{"g/Twice"}, time.Hour},
		"first less": {&entry.Shadow{For: time.Minute}, &entry.Shadow{Rules: []string{"Much", "Twice"}, For: time.Hour}, []string{"g/Twice"}, time.Minute},
		"first":      {&entry.Shadow{}, nil, nil, 0},
		"second":     {nil, &entry.Shadow{}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, two)
			r.pay("w1", "p1")
			r.pay("w1", "p2")
			d := opening("btc", c.first)
			d.Actor = "alice"
			r.agrees(d)
			if len(r.m.InShadowView()) != 0 {
				t.Fatal("one person put it in shadow")
			}
			r.restarted()
			d = opening("btc", c.second)
			d.Actor = "bob"
			r.opens(d)
			var got []string
			for _, s := range r.m.InShadowView() {
				got = append(got, s.name())
				if s.Until != r.now.Add(c.length).UnixNano() {
					t.Errorf("%s for %s", s.name(), time.Duration(s.Until-r.now.UnixNano()))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("in shadow %v, want %v", got, c.want)
			}
		})
	}
}

// A metric alert that was raised in shadow has to be said to fire again.
func TestShadowOfMetricRule(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.firing(r.level("Stuck", "instance", "host1"))
	r.wantClosed("btc", true)
	r.decided(r.decide(opening("btc", &entry.Shadow{For: time.Hour})))
	other := r.level("Stuck", "instance", "host2")
	r.firing(other)
	if v := r.wantClosed("btc", false); !v.WouldBe {
		t.Error("nothing is planned")
	}
	id := r.metricRule("Stuck").ID
	renews := func() bool {
		return slices.ContainsFunc(r.m.Standing(id), func(s Standing) bool { return s.Renew })
	}
	r.later(time.Hour)
	r.tick()
	if !renews() {
		t.Error("nothing asks to say again that it fires")
	}
	r.firing(other)
	r.wantClosed("btc", true)
}

// What waits for approval is not replaced by what is in shadow.
func TestShadowBesideApproval(t *testing.T) {
	r := newRig(t, shadowRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.decided(r.decide(opening("btc", &entry.Shadow{Rules: []string{"Twice"}})))
	r.off(time.Hour)
	r.send(payout("m1", "w9", "p9", "a", "1001"))
	waits := r.newestEffect()
	r.pay("w2", "p1")
	r.pay("w2", "p2")
	if e, _ := r.m.EffectView(waits.ID); e.State != Planned || e.Mode != rules.Approve {
		t.Errorf("%+v", e)
	}
	if e := r.newestEffect(); e.Mode != rules.Approve && e.Mode != rules.Shadow {
		t.Errorf("%+v", e)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: waits.ID}))
	if v := r.wantClosed("btc", true); v.Alerts != 1 {
		t.Errorf("%+v", v.Holds)
	}
}
