package machine

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// TestLargestAlerts stops random amounts of two assets and compares what is shown of
// them with all of them, sorted.
func TestLargestAlerts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Much, event: payout.sent, by: [data.request, data.asset], within: 24h, when: sum(data.amount) > 1, mitigate: [stop]}
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`)
	want := map[string][]*big.Rat{}
	for i := range 90 {
		asset := []string{"BTC", "ETH", "ETH"}[i%3]
		amount := fmt.Sprintf("%d.%018d", 2+rnd.IntN(12), rnd.Int64N(3))
		data := fmt.Sprintf(`{"request":"w%d","asset":%q,"amount":%q}`, i, asset, amount)
		r.send(report.Event{ID: fmt.Sprint(i), Source: "app", Type: "payout.sent", Data: []byte(data)})
		n, _ := new(big.Rat).SetString(amount)
		want[asset] = append(want[asset], n)
	}
	if v := r.wantClosed("btc", true); v.Alerts != 90 {
		t.Fatalf("%d alerts", v.Alerts)
	}
	shown := r.m.LargestAlerts("btc", ShownAlerts)
	if len(shown) != ShownAlerts {
		t.Fatalf("%d are shown", len(shown))
	}
	got := map[string]int{}
	for _, all := range want {
		slices.SortFunc(all, func(a, b *big.Rat) int { return b.Cmp(a) })
	}
	for i, a := range shown {
		asset := a.Label("asset")
		value, ok := new(big.Rat).SetString(a.Value)
		if n := got[asset]; !ok || value.Cmp(want[asset][n]) != 0 {
			t.Errorf("%d: %s %s, want %s", i, a.Value, asset, want[asset][n].FloatString(18))
		}
		got[asset]++
	}
	if got["BTC"] != ShownAlerts/2 || got["ETH"] != ShownAlerts/2 {
		t.Errorf("shown by asset: %v", got)
	}
	if all := r.m.LargestAlerts("btc", 1000); len(all) != 90 {
		t.Errorf("%d of all", len(all))
	}
	if none := r.m.LargestAlerts("eth", 20); len(none) != 0 {
		t.Errorf("%d of another gate", len(none))
	}
}
