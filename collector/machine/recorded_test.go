package machine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

const recordingRules = `groups:
- name: test
  rules:
  - {record: payouts_total, event: payout.sent, by: {coin: data.asset}, labels: {unit: piece}}
  - {record: paid_total, event: payout.sent, by: [data.asset], value: sum(data.amount)}
  - {record: requests_total, event: payout.sent, by: [data.request], limit: 2}
`

func (r *rig) recorded() (out []string) {
	r.m.Recorded(func(name string, labels []Label, value decimal.Decimal) {
		out = append(out, fmt.Sprint(name, labels, value))
	})
	slices.Sort(out)
	return out
}

// TestRecorded: what rules record is each event once, exact, through a snapshot and a
// reload; a series too many is told, and raises no alert of the rule.
func TestRecorded(t *testing.T) {
	r := newRig(t, recordingRules)
	send := func(id, request, amount string) { r.send(payout(id, request, id, "a", amount)) }
	send("p1", "w1", "0.1")
	send("p1", "w1", "0.1")
	send("p2", "w1", "0.2")
	send("p3", "w2", "1000000000000.000000000001")
	want := []string{
		"paid_total[{asset BTC}] 1000000000000.300000000001",
		"payouts_total[{unit piece} {coin BTC}] 3",
		"requests_total[{request w1}] 2", "requests_total[{request w2}] 1",
	}
	if got := r.recorded(); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
	if len(r.named(ruleErrors)) != 0 {
		t.Error("an error without a reason")
	}
	send("p4", "w3", "1")
	errors := r.named(ruleErrors)
	if len(errors) != 1 || errors[0].Label("rule") != "requests_total" || errors[0].Label("error") != "limit" {
		t.Errorf("a series too many: %v", errors)
	}
	if got := r.recorded(); !slices.Equal(got[2:], want[2:]) {
		t.Errorf("recorded %v", got)
	}
	saved, before := r.m.Snapshot(), r.recorded()
	r.m = New()
	if err := r.m.Restore(bytes.NewReader(saved.Bytes)); err != nil {
		t.Fatal(err)
	}
	r.load(recordingRules + "# another\n")
	if got := r.recorded(); !slices.Equal(got, before) {
		t.Errorf("restored and loaded anew: %v, want %v", got, before)
	}
}
