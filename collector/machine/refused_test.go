package machine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// ask is the event of a refusal by the epoch that the machine is at.
func (r *rig) ask(gate, request, asset, amount string) report.Event {
	return r.said(report.Refused{Gate: gate, Epoch: r.m.GateEpoch(), Request: request, Asset: asset, Amount: amount})
}

func (r *rig) said(x report.Refused) report.Event {
	raw, err := json.Marshal(x)
	if err != nil {
		r.t.Fatal(err)
	}
	return report.Event{Type: report.RefusedType, Data: raw}
}

func (r *rig) closeFor(gate string, match map[string]string) {
	r.t.Helper()
	r.next++
	if err := r.decide(entry.Decision{Do: entry.DoClose, Gate: gate, Reason: fmt.Sprint("because ", r.next), Match: match}); err != nil {
		r.t.Fatal(err)
	}
}

// openAll opens the gate and releases what it holds.
func (r *rig) openAll(gate string) {
	r.t.Helper()
	for _, h := range r.m.holdsOn(gate) {
		if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: gate, Hold: h.ID, Reason: "r"}); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) wantHeld(gate string, want *RefusedPayments) {
	r.t.Helper()
	if d := cmp.Diff(want, r.gate(gate).Refused); d != "" {
		r.t.Errorf("held at %s (-want +got):\n%s", gate, d)
	}
}

func TestHeld(t *testing.T) {
	r := newRig(t, testRules)
	r.reports("h1", r.ask("btc", "w1", "BTC", "1"))
	r.wantHeld("btc", nil) // it is open
	before := r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch(), Request: "w0"})
	r.closeFor("btc", nil)
	r.wantHeld("btc", nil)
	r.reports("h1", before)
	r.wantHeld("btc", nil)
	e := r.ask("btc", "w1", "BTC", "1")
	e.ID, e.Source = "1", "tomeishi/agent/h1"
	r.send(e)
	r.wantHeld("btc", nil) // no agent sent it

	r.reports("h1", r.ask("btc", "w0", "BTC", "1"))
	seen := r.gate("btc").Refused
	r.reports("h1", r.ask("btc", "w1", "BTC", "0.10"), r.ask("btc", "w1", "BTC", "5"), r.ask("btc", "w2", "JPY", "1000"))
	r.reports("h2", r.ask("btc", "w1", "BTC", "0.1"), r.ask("btc", "w3", "BTC", "0.2"), r.ask("btc", "w4", "", "3"), r.ask("btc", "w5", "BTC", "lots"))
	r.reports("h2", r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch(), Unnamed: 7}))
	want := &RefusedPayments{Requests: 6, Unnamed: 7, Unpriced: 2, Sums: []Sum{{"BTC", "1.3"}, {"JPY", "1000"}}}
	r.wantHeld("btc", want)
	if d := cmp.Diff(&RefusedPayments{Requests: 1, Sums: []Sum{{"BTC", "1"}}}, seen); d != "" {
		t.Errorf("what was seen has changed: %s", d)
	}
	r.restarted()

	for name, e := range map[string]report.Event{
		"unreachable":    r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch(), Request: "w6", Why: "unreachable"}),
		"another ledger": r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch() + 1, Request: "w6"}),
		"no such gate":   r.ask("nowhere", "w6", "", ""),
		"no gate":        r.ask("", "w6", "", ""),
		"a sibling":      r.ask("btcx", "w6", "", ""),
		"slashes":        r.ask("btc//", "w6", "", ""),
	} {
		r.reports("h1", e)
		if d := cmp.Diff(want, r.gate("btc").Refused); d != "" {
			t.Errorf("%s: (-want +got):\n%s", name, d)
		}
	}
	malformed := r.m.Totals().Malformed
	r.reports("h1", report.Event{Type: report.RefusedType, Data: []byte(`{"gate":"btc"`)},
		report.Event{Type: report.RefusedType}, r.said(report.Refused{Gate: "btc", Request: strings.Repeat("x", maxRefusedData)}))
	if n := r.m.Totals().Malformed - malformed; n != 3 {
		t.Errorf("%d of 3 malformed ones are counted", n)
	}
	r.wantHeld("btc", want)

	// A second hold comes and the first goes: it is the same closing.
	r.closeFor("btc", nil)
	first := r.gate("btc").Holds[0].ID
	if err := r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: first, Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	r.wantHeld("btc", want)
	late := r.ask("btc", "w7", "", "")
	r.openAll("btc")
	r.wantHeld("btc", nil)
	r.reports("h1", late)
	r.wantHeld("btc", nil)
	r.closeFor("btc", nil)
	r.reports("h1", late)
	r.wantHeld("btc", nil) // of the closing before
	r.reports("h1", r.ask("btc", "w1", "BTC", "0.1"))
	r.wantHeld("btc", &RefusedPayments{Requests: 1, Sums: []Sum{{"BTC", "0.1"}}})
}

func TestHeldByRequestAndByParent(t *testing.T) {
	r := newRig(t, testRules)
	r.closeFor("btc/hot", map[string]string{"customer": "c1"})
	r.reports("h1", r.ask("btc/hot", "w1", "BTC", "1"))
	r.wantHeld("btc/hot", &RefusedPayments{Requests: 1, Sums: []Sum{{"BTC", "1"}}})
	r.wantHeld("btc", nil)
	r.closeFor("btc", map[string]string{"customer": "c2"})
	other := report.Refused{Gate: "btc/hot", Epoch: r.m.GateEpoch(), Request: "w2", Customer: "c1", Asset: "BTC", Amount: "2"}
	r.reports("h1", r.said(other))
	r.wantHeld("btc", nil) // its hold names another
	r.closeFor("btc", nil)
	r.reports("h1", r.ask("btc/hot", "w3", "BTC", "3"), r.ask("btc", "w4", "BTC", "4"), r.ask("btc", "w3", "BTC", "3"))
	r.wantHeld("btc", &RefusedPayments{Requests: 2, Sums: []Sum{{"BTC", "7"}}})
	r.wantHeld("btc/hot", &RefusedPayments{Requests: 3, Sums: []Sum{{"BTC", "6"}}})
	r.openAll("btc")
	r.wantHeld("btc", nil)
	r.wantHeld("btc/hot", &RefusedPayments{Requests: 3, Sums: []Sum{{"BTC", "6"}}}) // a hold of its own stands
	r.openAll("btc/hot")
	r.wantHeld("btc/hot", nil)
	r.closeFor("btc", nil)
	r.reports("h1", r.ask("btc/hot", "w5", "", ""))
	r.wantHeld("btc/hot", &RefusedPayments{Requests: 1, Unpriced: 1})
	r.openAll("btc")
	r.wantHeld("btc/hot", nil)
	if n := len(r.m.Closings); n != 0 {
		t.Errorf("%d closings of open gates", n)
	}
	// A gate that comes below a closed one is closed too.
	r.closeFor("btc", nil)
	r.load(strings.Replace(testRules, "- {name: eth}", "- {name: eth}\n- {name: btc/new, mode: enforce}", 1))
	r.reports("h1", r.ask("btc/new", "w6", "BTC", "1"))
	r.wantHeld("btc/new", &RefusedPayments{Requests: 1, Sums: []Sum{{"BTC", "1"}}})
	r.restarted()
	r.openAll("btc")
	r.wantHeld("btc/new", nil)
	if n := len(r.m.Closings); n != 0 {
		t.Errorf("%d closings of open gates", n)
	}
}

// TestHeldIsBounded: beyond what is told apart it says that there is more, and
// what cannot be summed is counted.
func TestHeldIsBounded(t *testing.T) {
	r := newRig(t, testRules)
	r.closeFor("btc", nil)
	most := strings.Repeat("9", 38)
	r.reports("h1", r.ask("btc", "a", "BTC", most), r.ask("btc", "b", "BTC", "1"), r.ask("btc", "c", "BTC", "-1"), r.ask("btc", "d", "BTC", "0"))
	r.wantHeld("btc", &RefusedPayments{Requests: 4, Unpriced: 2, Sums: []Sum{{"BTC", most}}})
	var events []report.Event
	for i := range report.MaxRefused {
		events = append(events, r.ask("btc", fmt.Sprint("w", i), fmt.Sprint("A", i%(2*maxSums)), "0.5"))
	}
	r.reports("h1", events[:report.MaxRefused-4]...)
	h := r.gate("btc").Refused
	if h.Requests != report.MaxRefused || h.More || len(h.Sums) != maxSums || h.Unpriced < 4000 {
		t.Errorf("%d requests, more: %v, %d sums, %d unpriced", h.Requests, h.More, len(h.Sums), h.Unpriced)
	}
	r.restarted()
	r.reports("h2", events[0])
	if r.gate("btc").Refused.More {
		t.Error("one that was known is more")
	}
	r.reports("h2", events[report.MaxRefused-1])
	if h := r.gate("btc").Refused; h.Requests != report.MaxRefused || !h.More {
		t.Errorf("beyond: %d requests, more: %v", h.Requests, h.More)
	}
	r.reports("h3", r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch(), Unnamed: 1<<64 - 1}), r.said(report.Refused{Gate: "btc", Epoch: r.m.GateEpoch(), Unnamed: 5}))
	if n := r.gate("btc").Refused.Unnamed; n != 1<<64-1 {
		t.Errorf("%d unnamed", n)
	}
	r.restarted()
}

// FuzzRefused reads what a forged block may say.
func FuzzRefused(f *testing.F) {
	f.Add([]byte(`{"gate":"btc/hot","epoch":4,"request":"w1","asset":"BTC","amount":"0.1"}`))
	f.Add([]byte(`{"gate":"btc","epoch":4,"unnamed":3}`))
	f.Add([]byte(`{"gate":"btc","epoch":4,"request":"\ud800","asset":"` + "\xff" + `","amount":"1e3"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRig(t, testRules)
		r.closeFor("btc", nil)
		r.reports("h1", report.Event{Type: report.RefusedType, Data: data})
		r.restarted()
	})
}

// FuzzAskedAmount: what a check takes for an amount can be summed.
func FuzzAskedAmount(f *testing.F) {
	for _, s := range []string{"1", "0.05", "00.10", ".5", "5.", "-1", "1e3", strings.Repeat("9", 38), strings.Repeat("9", 39), "0." + strings.Repeat("0", 29) + "1", "0." + strings.Repeat("0", 30) + "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || strings.ContainsAny(s, "&;%+#") {
			return // another query
		}
		_, err := report.ReadAsk("amount=" + s)
		d, bad := decimal.ParseMoney(s)
		if taken, sums := err == nil, bad == nil && s[0] != '-'; taken != sums {
			t.Errorf("%q: taken %v (%v), summed %v %v (%v)", s, taken, err, sums, d, bad)
		}
	})
}
