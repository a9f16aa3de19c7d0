package machine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// The tests of this file each hold a mistake that was made once.

func (r *rig) decided(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// A rule that was tried in shadow closes once the gate enforces, also for an
// alert that stands already.
func TestShadowToEnforce(t *testing.T) {
	shadow := strings.Replace(testRules, "- {name: btc, mode: enforce}", "- {name: btc, mode: shadow}", 1)
	r := newRig(t, shadow)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc", false)
	r.load(testRules)
	r.pay("w1", "p3")
	r.wantClosed("btc", true)
}

// A restored machine looks at its alerts when the one that was saved does.
func TestStaleDue(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: A, event: a, by: [data.k], within: 1h, when: count() >= 1}
  - {alert: B, event: b, by: [data.k], within: 10h, when: sum(data.n) > 10}
`)
	send := func(id, typ, data string, at time.Time) {
		r.send(report.Event{ID: id, Source: "s", Type: typ, Data: []byte(data), Time: at.UnixNano()})
	}
	send("1", "b", `{"k":"y","n":11}`, r.now)
	r.later(time.Second)
	send("2", "b", `{"k":"y","n":-5}`, r.now.Add(-time.Minute))
	// B withdrawn, kept in Alerts, live due is stale; restored has no due
	twin := New()
	if err := twin.Restore(bytes.NewReader(r.m.Snapshot().Bytes)); err != nil {
		t.Fatal(err)
	}
	r.later(11 * time.Hour)
	r.tick()
	twin.Apply(entry.Entry{Index: r.index, Time: r.now.UnixNano(), Kind: entry.KindTick, Body: []byte("{}"), Hash: r.m.Chain})
	if twin.Hash() != r.m.Hash() {
		t.Fatalf("same entries, other state: alerts live %d, restored %d", len(r.m.Alerts), len(twin.Alerts))
	}
}

// Verdict false accepts the evidence of alerts over the limit too.
func TestExcessAccept(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "    mitigate: [stop]\n", "    mitigate: [stop]\n    limit: 1\n", 1))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictReal}))
	r.pay("w2", "p1")
	r.pay("w2", "p2") // over the limit, closes
	r.wantClosed("btc", true)
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}))
	r.pay("w2", "p2") // one more event, one fresh payment only
	r.wantClosed("btc", false)
}

// What people did is never crowded out of an incident.
func TestIncidentLogFull(t *testing.T) {
	r := newRig(t, testRules)
	for i := range 400 {
		r.pay(fmt.Sprint("w", i), "p1")
		r.pay(fmt.Sprint("w", i), "p2")
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Actor: "carol", Gate: "btc", Reason: "checked by hand", Verdict: VerdictReal}))
	for _, in := range r.m.IncidentsView() {
		for _, s := range in.Log {
			if s.Actor == "carol" {
				return
			}
		}
		t.Logf("incident %s: %d steps", in.ID, len(in.Log))
	}
	t.Error("nothing in any incident says that carol opened the gate")
}

// A clone that is behind the original is told so, or it would forget events
// that nobody has.
func TestCloneBehind(t *testing.T) {
	r := newRig(t, testRules)
	h := report.Head{Agent: "host", Spool: report.SpoolID{1}}
	var prev [32]byte
	for i := range 10 {
		h.Seq, h.Prev = uint64(i+1), prev
		b := block(h, event(fmt.Sprint("o", i), "x", `{}`))
		prev = b.Batch.Digest()
		r.blocks(b)
	}
	// A copy of the disk taken at block 5 sends its own block 6.
	h.Seq = 6
	b := block(h, payout("clone-event", "w1", "p1", "a", "1"))
	out := r.blocks(b)
	t.Logf("%+v", out)
	if !out.Clone && out.Accepted == 0 {
		t.Errorf("other content under a used sequence is acknowledged through %d and not applied", out.Through)
	}
}

// A gate that the backup did not know begins closed.
func TestNewGateAfterRestore(t *testing.T) {
	r := newRig(t, testRules)
	r.must(r.json(entry.KindRestored, entry.Restored{Actor: "x", Backup: r.now}))
	r.load(strings.Replace(testRules, "- {name: eth}", "- {name: eth}\n- {name: sol, mode: enforce}", 1))
	r.wantClosed("sol", true)
}

// An event in order can make a condition untrue as well as a late one.
func TestInOrderRefute(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: A, event: a, by: [data.k], within: 1h, when: sum(data.n) > 10}
`)
	r.send(report.Event{ID: "1", Source: "s", Type: "a", Data: []byte(`{"k":"x","n":11}`)})
	r.later(time.Minute)
	r.send(report.Event{ID: "2", Source: "s", Type: "a", Data: []byte(`{"k":"x","n":-11}`)})
	r.later(time.Minute)
	r.tick()
	if s := r.standing(); len(s) > 0 {
		t.Errorf("no longer true, still standing: %v", s)
	}
}

// A sender's text does not fill the state.
func TestLongLabel(t *testing.T) {
	r := newRig(t, testRules)
	for i := range 5 {
		w := fmt.Sprint(i) + strings.Repeat("x", 500_000)
		r.pay(w, "p1")
		r.pay(w, "p2")
	}
	if n := len(r.m.Snapshot().Bytes); n > 1<<20 {
		t.Errorf("a snapshot of %d bytes", n)
	}
	if got := len(r.m.AlertsView()[0].Label("request")); got > maxLabel+3 {
		t.Errorf("a label of %d bytes", got)
	}
}

// A storm of alerts costs each about the same, and what it leaves is bounded.
func TestStorm(t *testing.T) {
	rule := strings.Replace(testRules, "    mitigate: [stop]\n", "    mitigate: [stop]\n    limit: 100000\n", 1)
	r := newRig(t, rule)
	const n = 15_000
	for i := range n {
		r.pay(fmt.Sprint("w", i), "p1")
		r.pay(fmt.Sprint("w", i), "p2")
	}
	v := r.gate("btc")
	if len(v.Holds) != 1 || v.Alerts != n || len(r.m.Effects) != 1 {
		t.Errorf("%d holds for %d alerts, %d effects; want one of each for %d", len(v.Holds), v.Alerts, len(r.m.Effects), n)
	}
	if in := r.m.IncidentsView()[0]; len(in.Alerts) != maxMembers || len(in.Alerts)+in.Released != n+1 || in.Standing != n+2 {
		t.Errorf("%d alerts listed, %d not, %d standing", len(in.Alerts), in.Released, in.Standing)
	}
	r.restarted()
	open := entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}
	r.refused(open, Invalid, "alerts") // nobody can have read that many without knowing how many
	few := n - 1
	open.Alerts = &few
	r.refused(open, Conflict, "")
	open.Alerts = &v.Alerts
	r.decided(r.decide(open))
	r.wantClosed("btc", false)
	r.later(3 * time.Hour)
	r.tick()
	r.pay("last", "p1")
	r.pay("last", "p2")
	if a, e, in := len(r.m.Alerts), len(r.m.Effects), len(r.m.Incidents); a > 2*maxMembers || e > maxEffects || in > maxIncidents {
		t.Errorf("after the storm %d alerts, %d effects and %d incidents are kept", a, e, in)
	}
	r.restarted()
}

// Critical alerts without a gate mint incidents that no verdict may ever end.
func TestIncidentsWithoutGateAreBounded(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: A, event: a, by: [data.k], within: 1m, when: count() >= 1, labels: {severity: critical}, limit: 100000}
`)
	for i := range 5000 {
		r.send(report.Event{ID: fmt.Sprint(i), Source: "s", Type: "a", Data: fmt.Appendf(nil, `{"k":"%d"}`, i)})
		r.later(time.Second)
	}
	r.later(time.Hour)
	r.tick()
	if a, in := len(r.m.Alerts), len(r.m.Incidents); a > maxIncidents+1 || in > maxIncidents {
		t.Errorf("%d alerts and %d incidents are kept", a, in)
	}
	r.restarted()
}
