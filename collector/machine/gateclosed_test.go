package machine

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// closedGates are the gates that are said to be closed, in the order they were.
func (r *rig) closedGates() (out []string) {
	for _, a := range r.named(gateClosed) {
		out = append(out, a.Label("gate"))
	}
	return out
}

func TestGateClosed(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc/hot", true)
	a := r.named(gateClosed)
	if len(a) != 1 || a[0].Label("gate") != "btc" || a[0].Label("severity") != "critical" || a[0].Value != "1" || !a[0].Rendered() {
		t.Fatalf("a gate closed by its parent has none of its own: %+v", a)
	}
	if got, want := a[0].About, record.New(record.AboutGateClosed, "btc", ByRule, "PaidTwice"); !got.Equal(want) {
		t.Errorf("summary %q, want %q", got, want)
	}
	if in := r.m.IncidentsView(); len(in) != 1 || !slices.Contains(in[0].Alerts, a[0].ID) {
		t.Errorf("not in the incident of its hold: %+v", in)
	}
	r.later(time.Minute)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "more"}))
	r.later(48 * time.Hour)
	r.tick()
	if got := r.named(gateClosed); len(got) != 1 || got[0].ID != a[0].ID {
		t.Errorf("two days later: %+v", got)
	}
	hold := r.gate("btc").Holds[0].ID
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: hold, Reason: "r", Verdict: VerdictReal}))
	if got := r.closedGates(); !slices.Equal(got, []string{"btc"}) {
		t.Errorf("a hold is left: %v", got)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictReal}))
	ended, _ := r.m.AlertView(a[0].ID)
	if ended.Ended == 0 || !ended.Cause.Equal(record.New(record.OpenedBy, "alice")) || len(r.closedGates()) != 0 {
		t.Errorf("after it was opened: %+v", ended)
	}
	if got, want := ended.About, record.New(record.AboutGateOpened, "btc", "alice"); !got.Equal(want) {
		t.Errorf("summary %q, want %q", got, want)
	}
	r.restarted()
}

// What a built-in alert says when it is over is true then.
func TestEndsSayWhatIs(t *testing.T) {
	r := newRig(t, twoRules)
	r.closeFor("btc/hot", nil)
	r.closeFor("btc", nil)
	hot := r.named(gateClosed)[0].ID
	r.openAll("btc/hot")
	r.agrees(by("alice", ""))
	wanted := r.named(approvalWanted)[0].ID
	r.opens(by("bob", ""))
	r.agreesToAnother()
	lapsed := r.named(approvalWanted)[0].ID
	r.later(time.Hour)
	r.tick()
	r.off(0)
	off := r.named(automaticOff)[0].ID
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "carol", On: true}))
	for id, want := range map[string]record.Note{
		hot:    record.New(record.AboutGateStill, "btc/hot", "alice", "btc"),
		wanted: record.New(record.AboutApprovalOver, "btc").After(record.New(record.OpenedBy, "bob")),
		lapsed: record.New(record.AboutApprovalOver, "btc").After(record.New(record.NobodyApproved)),
		off:    record.New(record.AboutAutomaticOn).After(record.New(record.SwitchedOnBy, "carol")),
	} {
		if a, _ := r.m.AlertView(id); a.Ended == 0 || !a.About.Equal(want) {
			t.Errorf("%q, want %q; %+v", a.About, want, a)
		}
	}
}

// agreesToAnother closes btc again, and one person wants to open it.
func (r *rig) agreesToAnother() {
	r.t.Helper()
	r.closeFor("btc", nil)
	r.agrees(by("alice", ""))
}

// Whoever closes a gate and whatever its mode, it is said; a hold on one request
// closes none.
func TestGateClosedByPeople(t *testing.T) {
	r := newRig(t, testRules)
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "eth", Reason: "m", Match: map[string]string{"request": "w9"}}))
	if got := r.closedGates(); len(got) != 0 {
		t.Errorf("a hold on one request: %v", got)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "eth", Reason: "node out of sync."}))
	r.decided(r.decide(entry.Decision{Do: entry.DoClose, Gate: "btc/hot", Reason: "r"}))
	if got := r.closedGates(); !slices.Equal(got, []string{"eth", "btc/hot"}) {
		t.Errorf("%v", got)
	}
	if got, want := r.named(gateClosed)[0].About, record.New(record.AboutGateClosed, "eth", ByPerson, "alice", "node out of sync."); !got.Equal(want) {
		t.Errorf("summary %q, want %q", got, want)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "eth", Reason: "r", Hold: r.gate("eth").Holds[1].ID}))
	if got := r.closedGates(); !slices.Equal(got, []string{"btc/hot"}) || len(r.gate("eth").Holds) != 1 {
		t.Errorf("only the hold on one request is left: %v", got)
	}
	// Its hold keeps a gate closed that left the rule files, and that is said.
	r.load("gates: [{name: eth, mode: enforce}]\n")
	if got := r.closedGates(); !slices.Equal(got, []string{"btc/hot"}) {
		t.Errorf("%v", got)
	}
	r.must(r.json(entry.KindRestored, entry.Restored{Actor: "root", Backup: r.now}))
	if got := r.closedGates(); !slices.Equal(got, []string{"btc/hot", "eth"}) {
		t.Errorf("after a restore: %v", got)
	}
}

// GateClosed is in the incident of the hold, also where a newer one has the
// gate.
func TestGateClosedJoinsItsHold(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: A, event: a, within: 1h, when: count() >= 1, labels: {severity: critical}, mitigate: [one]}
  - {alert: B, event: b, within: 1h, when: count() >= 1, labels: {severity: critical}, mitigate: [two]}
  - {alert: C, event: c, within: 1h, when: count() >= 1, labels: {severity: critical}, mitigate: [{use: one, mode: shadow}, {use: two, mode: shadow}]}
gates: [{name: g1, mode: enforce}, {name: g2, mode: enforce}]
mitigations:
- {name: one, action: gate.close, target: g1, mode: approve}
- {name: two, action: gate.close, target: g2, mode: approve}
`)
	for _, typ := range []string{"a", "b", "c"} { // C joins B's incident, which has g1 then too
		r.send(event(typ, typ, `{}`))
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: "e1"}))
	in := r.m.IncidentsView()
	hold, a := r.gate("g1").Holds[0], r.named(gateClosed)[0]
	if len(in) != 2 || hold.Incident != in[1].ID || a.Incident != hold.Incident {
		t.Errorf("hold in %s, alert in %s of %+v", hold.Incident, a.Incident, in)
	}
}

// A snapshot of a version that knew no such alert is brought up to date by an
// entry, so that all who apply it have the same.
func TestGateClosedAfterUpgrade(t *testing.T) {
	for _, kind := range []entry.Kind{entry.KindLead, entry.KindLive} {
		raw, err := os.ReadFile("testdata/v2.snapshot")
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, m: New()}
		if err := r.m.Restore(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		index, _, at := r.m.At()
		r.index, r.now = index, at
		if got := r.closedGates(); len(got) != 0 {
			t.Fatalf("at load: %v", got)
		}
		if v := r.gate("btc"); v.Opening.Approvals != 1 || v.Opening.Alone != 0 {
			t.Errorf("opening takes %+v, want one person as before", v.Opening)
		}
		r.later(time.Minute)
		switch kind {
		case entry.KindLead:
			r.must(r.json(entry.KindLead, entry.Lead{}))
		default:
			r.load(metricTestRules)
		}
		a := r.named(gateClosed)
		if len(a) != 1 || a[0].Label("gate") != "btc" || a[0].Incident != r.gate("btc").Holds[0].Incident || a[0].Since != r.gate("btc").Holds[0].Since {
			t.Errorf("entry of kind %d: %+v", kind, a)
		}
		r.must(r.json(entry.KindLead, entry.Lead{}))
		if n := len(r.named(gateClosed)); n != 1 {
			t.Errorf("%d of them", n)
		}
		r.restarted()
	}
}
