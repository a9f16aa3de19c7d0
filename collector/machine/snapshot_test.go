package machine

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// history is a machine with something of everything.
func history(t testing.TB) *rig { return historyAt(t, Behavior) }

func historyAt(t testing.TB, version uint32) *rig {
	r := newRigAt(t, version, strings.Replace(metricTestRules, "- {name: btc, mode: enforce}", "- {name: btc, mode: enforce, open: {approvals: 2}}", 1))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.send(payout("m1", "w2", "p3", "a", "6"), payout("m2", "w3", "p4", "a", "5.5"))
	if err := r.decide(entry.Decision{Do: entry.DoClose, Gate: "eth", Reason: "r", Match: map[string]string{"request": "w9"}}); err != nil {
		t.Fatal(err)
	}
	r.speaks("host1")
	r.firing(r.level("Stuck", "instance", "host1"), r.level("Slow"))
	r.must(r.json(entry.KindCondition, entry.Condition{Name: diskLow, Firing: true, About: record.New(record.AboutDiskLow, "10")}))
	r.off(0)
	r.agrees(by("alice", VerdictReal))
	r.reports("host1", aBeat, r.ask("btc", "w1", "BTC", "0.5"))
	return r
}

// TestGoldenSnapshot reads the snapshots that each version of the format wrote.
func TestGoldenSnapshot(t *testing.T) {
	const latest = "testdata/v4.snapshot"
	if *update {
		if err := os.WriteFile(latest, history(t).m.Snapshot().Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, alerts := range map[string]int{"testdata/v1.snapshot": 2, "testdata/v2.snapshot": 5, "testdata/v3.snapshot": 9, latest: 9} {
		m := New()
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Restore(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		v, ok := m.GateView("btc")
		if !ok || !v.Closed || len(m.AlertsView()) != alerts || m.CellID() != "c0" {
			t.Errorf("%s: gate %+v, alerts %+v", path, v, m.AlertsView())
		}
		held := v.Refused != nil && v.Refused.Requests == 1
		if held != (alerts == 9) {
			t.Errorf("%s: held %+v", path, v.Refused)
		}
		if off := m.AutomaticView().Off; held && (!off || len(v.Approvals) != 1 || v.Opening.Approvals != 2) {
			t.Errorf("%s: gate %+v, switched off %v", path, v, off)
		}
		for _, a := range m.AlertsView() {
			if _, known := m.live.uses[a.RuleID]; !known && !a.builtIn() {
				t.Errorf("%s: no rule of alert %+v: the next rule set would end it", path, a)
			}
		}
	}
	m := New()
	newer := m.Snapshot().Bytes
	newer[len(snapshotMagic)] = snapshotVersion + 1
	if err := m.Restore(bytes.NewReader(newer)); err == nil || !strings.Contains(err.Error(), "version 5; this program reads versions 1 to 4") {
		t.Errorf("a newer snapshot: %v", err)
	}
}

// smallHistory is a gate that an alert closed, in a few kilobytes: without the
// tables of an event rule, which are most of what history saves.
func smallHistory(t testing.TB) *rig {
	r := newRig(t, `groups: [{name: g, rules: [{alert: Stuck, expr: up == 0, mitigate: [stop]}]}]
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`)
	r.firing(r.level("Stuck"))
	if v, _ := r.m.GateView("btc"); !v.Closed {
		t.Fatal("the gate is open")
	}
	return r
}

// FuzzRestore reads what a damaged or forged backup may hold. What loads is
// whole: it can go on and be saved again.
func FuzzRestore(f *testing.F) {
	raw := smallHistory(f).m.Snapshot().Bytes
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add(New().Snapshot().Bytes)
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(_ *testing.T, b []byte) {
		m := New()
		if m.Restore(bytes.NewReader(b)) != nil {
			return
		}
		m.Snapshot()
		m.GatesView()
		m.Apply(entry.Entry{Index: m.Index + 1, Time: m.Time + 1, Kind: entry.KindTick, Body: []byte("{}")})
	})
}
