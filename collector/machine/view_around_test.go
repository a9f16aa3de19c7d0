package machine

import (
	"slices"
	"testing"
)

// TestAround tells of an alert what stands, and where.
func TestAround(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	a := r.m.AlertsView()[0]
	check := func(what string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %+v", what, r.m.Around(a))
		}
	}
	around := r.m.Around(a)
	check("one effect and its gate", len(around.Effects) == 1 && around.Effects[0].ID == a.Effects[0] && len(around.Gates) == 1)
	g := around.Gates[0]
	check("the gate is closed by the rule", g.Name == "btc" && g.Closed && g.Closers == 1 && g.ByRule &&
		len(g.Holds) == 1 && g.Holds[0].Alert == a.ID && slices.Equal(g.ClosedAt, []string{"btc"}))
	check("its incident has GateClosed too", around.Incident.ID == a.Incident && around.Incident.Alerts == 2 &&
		slices.Equal(around.Incident.Others, []string{"GateClosed"}))
	if g.Refused != nil {
		t.Errorf("nothing was refused, and it is held: %+v", g.Refused)
	}

	r.closeFor("btc", map[string]string{"customer": "c1"})
	r.closeFor("btc", nil)
	r.reports("h1", r.ask("btc", "w9", "BTC", "1"))
	g = r.m.Around(a).Gates[0]
	check("two holds close it, the third names a customer", g.Closers == 2 && len(g.Holds) == 1 && g.Refused != nil)
	g.Refused.Sums[0].Amount = "changed"
	if held := r.gate("btc").Refused; held.Sums[0].Amount != "1" {
		t.Errorf("the view shares what is held: %+v", held)
	}

	r.closeFor("btc/hot", nil)
	hot := Alert{Rule: gateClosed, Labels: []Label{{Name: "gate", Value: "btc/hot"}}}
	g = r.m.Around(hot).Gates[0]
	if g.Holds[0].Cause != ByParent || g.Holds[0].By != "btc" || !slices.Equal(g.ClosedAt, []string{"btc", "btc/hot"}) {
		t.Errorf("a gate under a closed one: %+v", g)
	}
	hot.RuleID = RuleID{1} // a rule of that name, whose label is its own
	if got := r.m.Around(hot).Gates; len(got) != 0 {
		t.Errorf("the gates of a label: %+v", got)
	}
	if got := r.m.Around(Alert{Rule: gateClosed, Labels: []Label{{Name: "gate", Value: "btcx"}}, Incident: "i99"}); len(got.Gates) != 0 || got.Incident.ID != "" {
		t.Errorf("what nobody knows: %+v", got)
	}
}
