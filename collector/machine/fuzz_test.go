package machine

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzApply applies an entry of any kind and body to a machine that has
// something of everything. What comes of it can be saved, and a machine that is
// restored from that is the same and goes on the same.
func FuzzApply(f *testing.F) {
	r := history(f)
	saved := r.m.Snapshot().Bytes
	_, set, _ := r.m.RulesView()
	stuck := r.level("Stuck", "instance", "host2")
	stuck.Annotations = []Label{{"summary", "s"}}
	for kind, body := range map[Kind][]byte{
		KindBlocks:    []byte("damaged"),
		KindSamples:   samples("host1", 2, r.now, r.now),
		KindWrite:     []byte("anything"),
		KindLevels:    Encode(Levels{Set: set, Firing: []Level{stuck}, Resolved: r.ids("Stuck")}),
		KindCondition: Encode(Condition{Name: ledgerTimeOff, Labels: []Label{{"a", "b"}}, Firing: true, Text: "x"}),
		KindLead:      Encode(Lead{}),
		KindDecision:  Encode(Decision{Do: DoForget, Agent: "host1", Actor: "alice", Reason: "sold"}),
		KindResult:    Encode(Result{Effect: "e1", State: Verified}),
		KindRestored:  Encode(Restored{Cell: "c1", Actor: "root"}),
		KindLive:      Encode(Live{Set: set}),
	} {
		f.Add(byte(kind), body, int64(time.Minute))
	}
	f.Add(byte(KindDecision), Encode(Decision{Do: DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}), int64(0))
	f.Add(byte(KindCondition), Encode(Condition{Name: diskLow}), int64(0))
	f.Fuzz(func(t *testing.T, kind byte, body []byte, after int64) {
		m := New()
		if err := m.Restore(bytes.NewReader(saved)); err != nil {
			t.Fatal(err)
		}
		at := r.now.UnixNano() + max(0, after%int64(365*24*time.Hour))
		apply := func(m *Machine, e Entry) { m.Apply(e, [32]byte{1}) }
		apply(m, Entry{Index: m.Index + 1, Time: at, Kind: Kind(kind), Body: body})
		twin := New()
		if err := twin.Restore(bytes.NewReader(m.Snapshot().Bytes)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m.shown(), twin.shown()); d != "" {
			t.Fatal(d)
		}
		for _, m := range []*Machine{m, twin} {
			apply(m, Entry{Index: m.Index + 1, Time: at + int64(time.Hour), Kind: Kind(kind), Body: body})
			apply(m, Entry{Index: m.Index + 1, Time: at + int64(2*time.Hour), Kind: KindTick, Body: []byte("{}")})
		}
		if m.Hash() != twin.Hash() {
			t.Fatal("a restored machine goes on otherwise")
		}
	})
}
