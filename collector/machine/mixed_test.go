package machine

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

const mixedRules = `groups:
- name: test
  rules:
  - alert: TakesMuch
    event: payout.sent
    by: [data.customer]
    within: 1h
    when: sum(data.amount) > 10 && distinct(data.payment) >= 2
    labels: {severity: critical}
    mitigate: [stop]
gates: [{name: all, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: all, mode: enforce}]
`

// taken is a payment of an asset; none if it is empty.
func taken(id, asset, amount string) report.Event {
	fields := map[string]string{"customer": "c", "payment": id, "amount": amount}
	if asset != "" {
		fields["asset"] = asset
	}
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return report.Event{ID: id, Source: "test", Type: "payout.sent", Data: data}
}

func (r *rig) stats(rule string) RuleStats {
	r.t.Helper()
	views, _, _ := r.m.RulesView()
	i := slices.IndexFunc(views, func(v RuleView) bool { return v.Name == rule })
	return views[i].RuleStats
}

func TestMixedAssets(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		mixed               bool
	}{
		{"one asset", "BTC", "BTC", false},
		{"no asset at all", "", "", false},
		{"two assets", "JPY", "BTC", true},
		{"one without", "", "BTC", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, mixedRules)
			r.send(taken("1", c.first, "6"))
			r.send(taken("2", c.second, "6"))
			r.wantClosed("all", !c.mixed)
			s := r.stats("TakesMuch")
			if want := record.New(record.FaultMixed, "", "data.asset", "BTC"); !c.mixed && s.Errors != 0 || c.mixed && (s.Errors != 1 || !s.LastError.Equal(want)) {
				t.Errorf("stats %+v", s)
			}
			want := []string{"TakesMuch"}
			if c.mixed {
				want = []string{"RuleErrors"}
			}
			if got := r.standing(); !slices.Equal(got, want) {
				t.Errorf("alerts %v, want %v", got, want)
			}
		})
	}
}

// TestMixedWindowsOnly sees that a window is judged as soon as it holds one
// asset, whatever others hold.
func TestMixedWindowsOnly(t *testing.T) {
	r := newRig(t, mixedRules)
	r.send(taken("1", "JPY", "9000"))
	r.later(50 * time.Minute)
	r.send(taken("2", "BTC", "6"))
	r.wantClosed("all", false)
	r.later(11 * time.Minute)
	r.send(taken("3", "BTC", "6"))
	r.wantClosed("all", true)
	if s := r.stats("TakesMuch"); s.Errors != 1 {
		t.Errorf("stats %+v", s)
	}
}

// TestMixedIsNotUntrue sees that an alert of which nothing can be said any more
// neither ends nor is renewed, until it can be.
func TestMixedIsNotUntrue(t *testing.T) {
	for _, late := range []bool{false, true} {
		r := newRig(t, mixedRules)
		r.send(taken("1", "BTC", "6"))
		r.later(20 * time.Minute)
		r.send(taken("2", "BTC", "6"))
		raised := r.m.AlertsView()[0]
		r.later(20 * time.Minute)
		e := taken("3", "JPY", "9000")
		if late {
			e.Time = r.now.Add(-30 * time.Minute).UnixNano()
		}
		r.send(e)
		a := r.m.AlertsView()[0]
		if a.Rule != "TakesMuch" || a.Value != raised.Value || a.Updated != raised.Updated {
			t.Fatalf("late %v: %+v, was %+v", late, a, raised)
		}
		start := time.Unix(0, raised.Since)
		for slices.Contains(r.standing(), "TakesMuch") && r.now.Sub(start) < 3*time.Hour {
			r.now = time.Unix(0, r.m.Due())
			r.tick()
		}
		// Then the last BTC is no longer beside JPY: it is one payment of JPY,
		// or one of BTC.
		want := 80*time.Minute + 1
		if late {
			want = 70*time.Minute + 1
		}
		if got := r.now.Sub(start); got != want {
			t.Errorf("late %v: ended after %s, want %s", late, got, want)
		}
		r.wantClosed("all", true) // the machine may stop; only people resume
	}
}

// TestHostileBlock applies a block of events that no edge has seen, and restores
// it: what it left must come back byte for byte.
func TestHostileBlock(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Any, event: x, by: [data.k], within: 1m, when: count() >= 1, labels: {severity: critical}}
  - {alert: Sum, event: x, within: 1m, when: sum(data.amount) > 1}
`)
	const lowest, highest = -1 << 63, 1<<63 - 1
	var b report.Builder
	for i, e := range []report.Event{
		{Data: []byte("{\"k\":\"\xff\",\"asset\":\"\xfe\",\"amount\":\"1\"}")},
		{Data: []byte(`{"k":"\ud800","amount":"1E+99999"}`)},
		{Data: []byte(`{"k":1E+99999,"amount":1E+99999`)},
		{Data: []byte(`{"k":"old","amount":"5"}`), Time: lowest},
		{Data: []byte(`{"k":"new","amount":"5"}`), Time: highest},
		{Data: []byte(strings.Repeat(`{"k":`, 100_000))},
		{Data: []byte("\x00")},
	} {
		e.ID, e.Source, e.Type, e.Seen = string(rune('a'+i)), "\xff", "x", r.now.UnixNano()
		b.Add(&e)
	}
	head := report.Head{Agent: "host1", Spool: report.SpoolID{1}, Seq: 1}
	r.blocks(report.Block{Head: head, Batch: b.Batch()})
	if s := r.stats("Any"); s.Late != 1 || s.Matched != 4 {
		t.Errorf("stats %+v, want one event of the distant past late, and counted", s)
	}
	if s := r.stats("Sum"); s.Errors < 2 || s.Late != 1 {
		t.Errorf("stats %+v", s)
	}
	saved := r.m.Snapshot()
	twin := New()
	if err := twin.Restore(bytes.NewReader(saved.Bytes)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(twin.Snapshot().Bytes, saved.Bytes) {
		t.Error("a restored machine is not the one that was saved")
	}
}
