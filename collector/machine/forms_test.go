package machine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form/formtest"
)

const quietRules = `groups:
- name: test
  rules:
  - alert: WorkerQuiet
    quiet: worker.beat
    by: [data.worker]
    after: 1m
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.worker }} was last heard {{ $value }} ago'}
    mitigate: [stop]
  - {alert: Beats, event: worker.beat, by: [data.worker], within: 1h, when: count() >= 100}
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`

// withQuiet is a machine that also takes rules of a form that is not shipped.
func withQuiet() *Machine {
	m := New()
	m.forms = append(rules.Forms(), formtest.Quiet{})
	return m
}

func (r *rig) works(worker string) {
	r.t.Helper()
	r.next++
	r.send(report.Event{ID: fmt.Sprint("b", r.next), Source: "test", Type: "worker.beat", Data: fmt.Appendf(nil, `{"worker":%q}`, worker)})
}

// TestAnotherForm takes a rule of a form that this package does not know all
// the way: from its file by events and time to an alert and a closed gate,
// through snapshots and other rule sets.
func TestAnotherForm(t *testing.T) {
	r := &rig{t: t, m: withQuiet(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.json(entry.KindGenesis, entry.Genesis{Cell: "c0", Secret: [2]uint64{1, 2}, Behavior: Behavior})
	r.load(quietRules)
	restart := func() {
		t.Helper()
		saved := r.m.Snapshot()
		r.m = withQuiet()
		if err := r.m.Restore(bytes.NewReader(saved.Bytes)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.m.Snapshot().Bytes, saved.Bytes) {
			t.Fatal("a restored machine is not the one that was saved")
		}
	}
	ring := func(after time.Duration) {
		t.Helper()
		if got := time.Unix(0, r.m.Due()).Sub(r.now); got != after {
			t.Fatalf("a tick is wanted after %s, want %s", got, after)
		}
		r.later(after)
		r.tick()
	}
	stands := func(want ...string) {
		t.Helper()
		var got []string
		for _, a := range r.m.AlertsView() {
			if a.Rule == "WorkerQuiet" {
				got = append(got, a.Label("worker"))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("quiet are %v, want %v", got, want)
		}
	}

	r.works("w1")
	r.later(20 * time.Second)
	r.works("w2")
	restart() // what is due is read from the state
	ring(40 * time.Second)
	stands("w1")
	r.wantClosed("btc", true)
	if a := r.m.AlertsView()[0]; a.Value != "1m0s" || a.Total != 1 || len(a.Evidence) != 1 || a.Since != r.now.Add(-time.Minute).UnixNano() {
		t.Errorf("alert %+v", a)
	}
	ring(20 * time.Second)
	stands("w1", "w2")
	restart()
	r.works("w1")
	stands("w2")
	r.wantClosed("btc", true) // the machine may stop; only people resume

	// Another set with the same rule goes on; what it is true of already tells
	// nothing new.
	r.load(quietRules + "# another\n")
	stands("w2")
	if views, _, _ := r.m.RulesView(); views[0].Keys != 2 || views[0].Matched != 3 || views[1].Keys != 2 {
		t.Errorf("rules %+v", views)
	}

	// What a person accepts closes no more, until there is news.
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "maintenance", Verdict: VerdictFalse, AsOf: r.index}); err != nil {
		t.Fatal(err)
	}
	r.later(2 * time.Minute)
	r.tick()
	stands("w1") // the verdict ended the other
	r.wantClosed("btc", false)
	r.works("w1")
	r.later(time.Minute)
	r.tick()
	stands("w1")
	r.wantClosed("btc", true)

	// Without the rule its alerts end and its state goes.
	r.load("groups: [{name: test, rules: [{alert: Beats, event: worker.beat, within: 1h, when: count() >= 100}]}]")
	stands()
	restart()
}
