package machine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

const absenceRules = `groups:
- name: test
  rules:
  - {alert: NotRecorded, event: payout.sent, by: [data.request], unless: {event: payout.recorded, within: 60s}, labels: {severity: critical}, mitigate: [stop]}
  - {alert: NotRecordedLong, event: payout.sent, by: [data.request], unless: {event: payout.recorded, within: 60s}, for: 30s}
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`

// TestAbsenceAtRandom sends payouts by one host and their records by another, with
// partitions and leads, through two machines, one of which is restarted. Of no payout
// that was recorded in time it is ever said that this is proven not to be so, and each
// that was not is told.
func TestAbsenceAtRandom(t *testing.T) {
	proven, doubted, recorded := 0, 0, 0
	for seed := range uint64(4) {
		r := newRig(t, absenceRules)
		rnd, twin := rand.New(rand.NewPCG(seed, 13)), New()
		r.must(twin.Restore(bytes.NewReader(r.m.Snapshot().Bytes)))
		both := func() {
			twin.Apply(r.tape[len(r.tape)-1])
			if rnd.IntN(20) == 0 {
				saved := twin.Snapshot().Bytes
				twin = New()
				r.must(twin.Restore(bytes.NewReader(saved)))
			}
			if r.index%32 == 0 && twin.Hash() != r.m.Hash() {
				t.Fatalf("seed %d, entry %d: a machine that was restarted is another", seed, r.index)
			}
		}
		says := func(kind, request string) report.Event {
			return report.Event{Type: kind, Time: r.now.UnixNano(), Data: fmt.Appendf(nil, `{"request":%q}`, request)}
		}
		pays, records := r.host("pays"), r.host("records")
		sent, came, kept := map[string]int64{}, map[string]int64{}, map[string]bool{}
		var open []string
		cut := map[*host]bool{}
		pays.accepts(says("payout.sent", "first"))
		records.accepts(says("payout.recorded", "first"))
		for step := range 500 {
			r.later(time.Duration(1+rnd.IntN(8)) * time.Second)
			if rnd.IntN(3) == 0 {
				request := fmt.Sprint("r", step)
				pays.accepts(says("payout.sent", request))
				sent[request] = r.now.UnixNano()
				open = append(open, request)
			}
			if len(open) > 0 && rnd.IntN(3) == 0 {
				i := rnd.IntN(len(open))
				request := open[i]
				open = append(open[:i], open[i+1:]...)
				records.accepts(says("payout.recorded", request))
				if r.now.UnixNano()-sent[request] <= int64(minute) {
					kept[request] = true
					recorded++
				}
			}
			for _, h := range []*host{pays, records} {
				if h.says(); rnd.IntN(40) == 0 {
					cut[h] = !cut[h]
				}
				if cut[h] {
					continue
				}
				h.delivers()
				both()
				for request := range sent {
					if came[request] == 0 && h == pays {
						came[request] = r.now.UnixNano()
					}
				}
			}
			if rnd.IntN(80) == 0 {
				r.json(entry.KindLead, entry.Lead{})
				both()
			}
			r.tick()
			both()
			told := map[string]bool{}
			for _, a := range r.m.AlertsView() {
				request := a.Label("request")
				told[request] = told[request] || a.Rule == "NotRecorded"
				switch {
				case a.builtIn():
				case a.unproven():
					doubted++
				case kept[request]:
					t.Fatalf("seed %d, entry %d: %s is called proven of %s, which was recorded in time", seed, r.index, a.Rule, request)
				default:
					proven++
				}
			}
			for _, request := range open {
				quiet := time.Duration(r.now.UnixNano() - max(came[request], r.m.Serving))
				if came[request] != 0 && quiet > 150*time.Second && quiet < 30*minute && !told[request] {
					t.Fatalf("seed %d, entry %d: nobody is told that %s was not recorded", seed, r.index, request)
				}
			}
		}
	}
	if proven == 0 || doubted == 0 || recorded == 0 {
		t.Errorf("%d proven, %d doubted, %d recorded: this shows nothing", proven, doubted, recorded)
	}
}
