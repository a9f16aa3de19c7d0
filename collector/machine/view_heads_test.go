package machine

import (
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestCounts agrees with the whole views, and passes over the Watchdog.
func TestCounts(t *testing.T) {
	r := newRig(t, testRules)
	check := func(want Counts) {
		t.Helper()
		if got := r.m.Counts(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	check(Counts{})
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	check(Counts{Closed: 2, Standing: len(r.m.AlertsView()), Open: 1}) // btc, and btc/hot below it
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoClose, Actor: "me", Gate: "eth", Reason: "r", Match: map[string]string{"customer": "c"}}))
	if got := r.m.Counts().Closed; got != 2 {
		t.Errorf("a hold on one customer makes it %d closed gates", got)
	}
	before := r.m.Counts().Standing
	if at := r.m.LastBeat(); at != 0 {
		t.Errorf("the last beat was at %d, though none came", at)
	}
	r.speaks("host1")
	r.reports("host1", aBeat)
	beat := r.now.UnixNano()
	r.later(20 * time.Second)
	r.tick()
	if at := r.m.LastBeat(); at != beat {
		t.Errorf("the last beat was at %d, want %d", at, beat)
	}
	if got := r.m.Counts().Standing; got != before {
		t.Errorf("the Watchdog is counted: %d alerts, want %d", got, before)
	}
}

// TestIncidentHeads tells of incidents what their whole views do.
func TestIncidentHeads(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	heads := r.m.IncidentHeads()
	in, ok := r.m.IncidentView("i1")
	if len(heads) != 1 || !ok {
		t.Fatalf("%d heads, %t", len(heads), ok)
	}
	h := heads[0]
	if h.ID != in.ID || h.Since != in.Since || h.Alerts != len(in.Alerts) || h.Holds != len(in.Holds) ||
		h.Effects != len(in.Effects) || h.Standing != in.Standing || len(h.Gates) != 1 || h.Gates[0] != "btc" {
		t.Errorf("head %+v of %+v", h, in)
	}
	in.Log[0].Said.Kind, in.Gates[0] = "changed", "changed"
	if again, _ := r.m.IncidentView("i1"); again.Log[0].Said.Kind == "changed" || again.Gates[0] == "changed" {
		t.Error("a view shares memory with the machine")
	}
	if _, ok := r.m.IncidentView("i2"); ok {
		t.Error("there is an incident i2")
	}
}
