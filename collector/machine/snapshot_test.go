package machine

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// history is a machine with something of everything.
func history(t testing.TB) *rig {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.send(payout("m1", "w2", "p3", "a", "6"), payout("m2", "w3", "p4", "a", "5.5"))
	if err := r.decide(Decision{Do: DoClose, Gate: "eth", Reason: "r", Match: map[string]string{"request": "w9"}}); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGoldenSnapshot reads the snapshot that version 1 of the format wrote.
func TestGoldenSnapshot(t *testing.T) {
	const path = "testdata/v1.snapshot"
	if *update {
		if err := os.WriteFile(path, history(t).m.Snapshot().Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := New()
	if err := m.Restore(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	v, ok := m.GateView("btc")
	if !ok || !v.Closed || len(m.AlertsView()) != 2 || len(m.EffectsView()) != 2 || m.CellID() != "c0" {
		t.Errorf("gate %+v, alerts %+v", v, m.AlertsView())
	}
	newer := bytes.Clone(raw)
	newer[len(snapshotMagic)] = 2
	if err := m.Restore(bytes.NewReader(newer)); err == nil || !strings.Contains(err.Error(), "version 2; this program reads version 1") {
		t.Errorf("a newer snapshot: %v", err)
	}
}

// FuzzRestore reads what a damaged or forged backup may hold. What loads is
// whole: it can go on and be saved again.
func FuzzRestore(f *testing.F) {
	raw := history(f).m.Snapshot().Bytes
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(_ *testing.T, b []byte) {
		m := New()
		if m.Restore(bytes.NewReader(b)) != nil {
			return
		}
		m.Snapshot()
		m.GatesView()
		m.Apply(Entry{Index: m.Index + 1, Time: m.Time + 1, Kind: KindTick, Body: []byte("{}")}, [32]byte{})
	})
}
