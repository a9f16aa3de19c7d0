package machine

import (
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

func TestClosesInTheSameEntry(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.wantClosed("btc", false)
	r.pay("w1", "p1") // the same payment, told again under another id
	r.wantClosed("btc", false)
	before := r.gate("btc").Epoch
	r.pay("w1", "p2")
	v := r.wantClosed("btc", true)
	if v.Epoch != before+1 || len(v.Holds) != 1 || v.Holds[0].By != "PaidTwice" || v.Holds[0].Cause != ByRule {
		t.Errorf("gate %+v", v)
	}
	if child := r.wantClosed("btc/hot", true); child.Holds[0].Cause != ByParent || child.Holds[0].By != "btc" {
		t.Errorf("child %+v", child)
	}
	a := r.m.AlertsView()[0]
	if a.Value != "2" || len(a.Evidence) != 3 || a.Incident == "" || a.Label("request") != "w1" {
		t.Errorf("alert %+v", a)
	}
	if e := r.m.EffectsView(); len(e) != 1 || e[0].State != Applied || e[0].Incident != a.Incident {
		t.Errorf("effects %+v", e)
	}
	r.pay("w1", "p3")
	if v := r.gate("btc"); len(v.Holds) != 1 {
		t.Errorf("a third payment put another hold while the first stands: %+v", v.Holds)
	}
	r.pay("w2", "p4")
	r.pay("w2", "p5")
	if v := r.gate("btc"); len(v.Holds) != 1 || v.Alerts != 2 || v.Epoch != before+2 {
		t.Errorf("another withdrawal paid twice joins the hold and is news: %+v", v)
	}
}

func TestOpeningIsForPeople(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	read := r.gate("btc").Epoch
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc"}, Invalid, "reason")
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r"}, Invalid, "verdict")
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: "maybe"}, Invalid, "verdict")
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "nowhere", Reason: "r", Verdict: "test"}, NotFound, "")
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc/hot", Reason: "r", Verdict: "test"}, Conflict, "")
	r.pay("w2", "p3")
	r.pay("w2", "p4")
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: "test", Epoch: &read}, Conflict, "")
	r.wantClosed("btc", true)
	// Time alone opens nothing.
	r.later(48 * time.Hour)
	r.tick()
	if s := r.standing(); len(s) != 0 {
		t.Errorf("alerts stand a day later: %v", s)
	}
	r.wantClosed("btc", true)
	now := r.gate("btc").Epoch
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictReal, Epoch: &now}); err != nil {
		t.Fatal(err)
	}
	if v := r.wantClosed("btc", false); v.Epoch != now+1 {
		t.Errorf("epoch %d after %d", v.Epoch, now)
	}
	for _, in := range r.m.IncidentsView() {
		if in.Ended == 0 || in.Verdict != VerdictReal {
			t.Errorf("incident %+v", in)
		}
	}
	if e := r.m.EffectsView(); e[0].State != Undone || e[0].Actor != "alice" {
		t.Errorf("effect %+v", e[0])
	}
}

func TestAfterOpening(t *testing.T) {
	for _, c := range []struct {
		verdict       string
		third, fourth bool // does it close again?
	}{
		{VerdictReal, true, true},
		{VerdictTest, true, true},
		{VerdictFalse, false, true}, // two payments that nobody accepted
	} {
		t.Run(c.verdict, func(t *testing.T) {
			r := newRig(t, testRules)
			r.pay("w1", "p1")
			r.pay("w1", "p2")
			open := entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: c.verdict}
			if err := r.decide(open); err != nil {
				t.Fatal(err)
			}
			r.tick()
			r.wantClosed("btc", false) // the alert as it stands does not close again
			r.pay("w1", "p3")
			r.wantClosed("btc", c.third)
			if got := r.m.AlertsView()[0].Value; got != "3" {
				t.Errorf("value %s, want 3: accepted evidence still counts for people", got)
			}
			r.pay("w1", "p4")
			r.wantClosed("btc", c.fourth)
		})
	}
}

func TestOneHold(t *testing.T) {
	r := newRig(t, testRules)
	for _, d := range []entry.Decision{
		{Do: entry.DoClose, Gate: "btc", Reason: "first"},
		{Do: entry.DoClose, Gate: "btc", Reason: "first"}, // the answer was lost: asked again
		{Do: entry.DoClose, Gate: "btc", Reason: "second", Match: map[string]string{"request": "w9"}},
	} {
		if err := r.decide(d); err != nil {
			t.Fatal(err)
		}
	}
	v := r.wantClosed("btc", true)
	if len(v.Holds) != 2 {
		t.Fatalf("holds %+v", v.Holds)
	}
	r.refused(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: "h99", Reason: "r"}, NotFound, "")
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: v.Holds[0].ID, Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	v = r.wantClosed("btc", false)
	h := v.Holds[0]
	if !h.Names(map[string]string{}) || !h.Names(map[string]string{"customer": "c"}) || h.Names(map[string]string{"request": "w8"}) || !h.Names(map[string]string{"request": "w9", "customer": "c"}) {
		t.Errorf("what hold %+v names", h)
	}
	if h := (&Hold{Match: map[string]string{"address": "0xAb"}}); !h.Names(map[string]string{"address": "0xaB"}) {
		t.Error("an address in another spelling is not named")
	}
	if child := r.wantClosed("btc/hot", false); len(child.Holds) != 1 || child.Holds[0].Cause != ByParent || child.Holds[0].Match["request"] != "w9" {
		t.Errorf("a hold with match on the parent is one on the child: %+v", child.Holds)
	}
	r.refused(entry.Decision{Do: entry.DoClose, Gate: "btc"}, Invalid, "reason")
	r.refused(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "r", Match: map[string]string{"color": "red"}}, Invalid, "match.color")
	r.refused(entry.Decision{Do: entry.DoClose, Gate: "gone", Reason: "r"}, NotFound, "")
}

func TestShadow(t *testing.T) {
	r := newRig(t, testRules)
	r.send(payout("e1", "w1", "p1", "a", "6"), payout("e2", "w2", "p2", "a", "5.5"))
	v := r.wantClosed("eth", false)
	if !v.WouldBe || !slices.Equal(r.standing(), []string{"Much"}) {
		t.Errorf("gate %+v, alerts %v", v, r.standing())
	}
	if e := r.m.EffectsView(); len(e) != 1 || e[0].State != Planned || e[0].Mode.String() != "shadow" {
		t.Errorf("effects %+v", e)
	}
	// A person's hold is in force whatever the mode.
	if err := r.decide(entry.Decision{Do: entry.DoClose, Gate: "eth", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("eth", true)
	r.later(11 * time.Minute)
	r.tick()
	if v := r.gate("eth"); v.WouldBe || len(r.standing()) != 0 {
		t.Errorf("after its window: %+v, alerts %v", v, r.standing())
	}
}

func TestApprove(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Any, event: x, by: [data.k], within: 1m, when: count() >= 1, labels: {severity: critical}, mitigate: [ask]}
gates: [{name: g, mode: enforce}]
mitigations: [{name: ask, action: gate.close, target: g, mode: approve}]
`)
	r.send(event("1", "x", `{"k":"a"}`))
	r.wantClosed("g", false)
	e := r.m.EffectsView()[0]
	r.refused(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "r", Verdict: "test"}, Conflict, "")
	r.refused(entry.Decision{Do: entry.DoApprove, Effect: "e9"}, NotFound, "")
	if err := r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("g", true)
	r.refused(entry.Decision{Do: entry.DoApprove, Effect: e.ID}, Conflict, "")
	r.refused(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "r"}, Invalid, "verdict")
	if err := r.decide(entry.Decision{Do: entry.DoUndo, Effect: e.ID, Reason: "r", Verdict: VerdictTest}); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("g", false)
	// An approval that comes after the alert has ended closes nothing.
	r.send(event("2", "x", `{"k":"b"}`))
	late := r.m.EffectsView()[1]
	r.later(time.Hour)
	r.tick()
	r.refused(entry.Decision{Do: entry.DoApprove, Effect: late.ID}, Conflict, "")
}

func TestVerified(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	e := r.m.Unverified()
	if len(e) != 1 {
		t.Fatalf("unverified %+v", e)
	}
	r.must(r.json(entry.KindResult, entry.Result{Effect: e[0].ID, State: string(Verified), Said: record.New(record.ResultConfirmed, "2")}))
	if got := r.m.EffectsView()[0]; got.State != Verified || !got.Result.Equal(record.New(record.ResultConfirmed, "2")) {
		t.Errorf("effect %+v", got)
	}
	if _, refused := r.json(entry.KindResult, entry.Result{Effect: e[0].ID, State: string(Verified)}).(*Refusal); !refused {
		t.Error("a second result was taken")
	}
}

func TestRestoredHoldsEveryGate(t *testing.T) {
	r := newRig(t, testRules)
	r.must(r.json(entry.KindRestored, entry.Restored{Actor: "root", Backup: r.now}))
	for _, name := range []string{"btc", "btc/hot", "eth"} {
		if v := r.wantClosed(name, true); v.Holds[0].Cause != ByRestore {
			t.Errorf("%s: %+v", name, v.Holds)
		}
	}
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "eth", Reason: "compared with the bank"}); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("eth", false)
}

func TestGateLeavesTheRuleFiles(t *testing.T) {
	r := newRig(t, testRules)
	if err := r.decide(entry.Decision{Do: entry.DoClose, Gate: "eth", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	epoch := r.gate("eth").Epoch
	without := `groups: []
gates: [{name: btc, mode: enforce}]
`
	r.load(without)
	r.wantClosed("eth", true)
	if _, ok := r.m.GateView("btc/hot"); ok {
		t.Error("a gate without holds is still there")
	}
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "eth", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.m.GateView("eth"); ok {
		t.Error("the gate is still there without its hold")
	}
	r.load(testRules)
	if v := r.wantClosed("eth", false); v.Epoch <= epoch {
		t.Errorf("epoch %d, was %d before", v.Epoch, epoch)
	}
}
