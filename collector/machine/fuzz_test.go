package machine

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// FuzzApply applies an entry of any kind and body to a machine that has
// something of everything. What comes of it can be saved, and a machine that is
// restored from that is the same and goes on the same.
func FuzzApply(f *testing.F) {
	r := history(f)
	saved := r.m.Snapshot().Bytes
	_, set, _ := r.m.RulesView()
	r.recountsLate()
	r.paidAt("late", "p3", r.now.Add(-41*time.Hour))
	recount := []byte("{}")
	if in := r.m.Recounter(); in != nil {
		recount = entry.Marshal(r.readBack(in)[0])
	}
	saved = r.m.Snapshot().Bytes
	stuck := r.level("Stuck", "instance", "host2")
	stuck.Annotations = []Label{{Name: "summary", Value: "s"}}
	for kind, body := range map[entry.Kind][]byte{
		entry.KindBlocks:    []byte("damaged"),
		entry.KindSamples:   samples("host1", 2, r.now, r.now),
		entry.KindWrite:     []byte("anything"),
		entry.KindLevels:    entry.Marshal(entry.Levels{Set: set, Firing: []entry.Level{stuck}, Resolved: r.ids("Stuck")}),
		entry.KindCondition: entry.Marshal(entry.Condition{Name: ledgerTimeOff, Labels: []Label{{Name: "a", Value: "b"}}, Firing: true, About: record.New(record.Legacy, "x")}),
		entry.KindLead:      entry.Marshal(entry.Lead{}),
		entry.KindDecision:  entry.Marshal(entry.Decision{Do: entry.DoForget, Agent: "host1", Actor: "alice", Reason: "sold"}),
		entry.KindResult:    entry.Marshal(entry.Result{Effect: "e1", State: string(Verified)}),
		entry.KindRestored:  entry.Marshal(entry.Restored{Cell: "c1", Actor: "root"}),
		entry.KindRecount:   recount,
		entry.KindShed:      entry.Marshal(r.m.shedStep(0, 500, false)),
		entry.KindLive:      entry.Marshal(entry.Live{Set: set}),
	} {
		f.Add(byte(kind), body, int64(time.Minute))
	}
	f.Add(byte(entry.KindDecision), entry.Marshal(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}), int64(0))
	f.Add(byte(entry.KindCondition), entry.Marshal(entry.Condition{Name: diskLow}), int64(0))
	f.Fuzz(func(t *testing.T, kind byte, body []byte, after int64) {
		m := New()
		if err := m.Restore(bytes.NewReader(saved)); err != nil {
			t.Fatal(err)
		}
		at := r.now.UnixNano() + max(0, after%int64(365*24*time.Hour))
		apply := func(m *Machine, e entry.Entry) { e.Hash = [32]byte{1}; m.Apply(e) }
		apply(m, entry.Entry{Index: m.Index + 1, Time: at, Kind: entry.Kind(kind), Body: body})
		twin := New()
		if err := twin.Restore(bytes.NewReader(m.Snapshot().Bytes)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m.shown(), twin.shown()); d != "" {
			t.Fatal(d)
		}
		for _, m := range []*Machine{m, twin} {
			apply(m, entry.Entry{Index: m.Index + 1, Time: at + int64(time.Hour), Kind: entry.Kind(kind), Body: body})
			apply(m, entry.Entry{Index: m.Index + 1, Time: at + int64(2*time.Hour), Kind: entry.KindTick, Body: []byte("{}")})
		}
		if m.Hash() != twin.Hash() {
			t.Fatal("a restored machine goes on otherwise")
		}
	})
}
