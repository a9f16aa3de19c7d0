package machine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
)

// Whom a hold will stop: those whose asks named nothing of it, at the gate or below,
// within a day.
func TestWhomAHoldStops(t *testing.T) {
	r := newRig(t, testRules)
	says := func(agent string, asked ...report.Asked) {
		t.Helper()
		data, err := json.Marshal(report.Beat{Asked: asked})
		if err != nil {
			t.Fatal(err)
		}
		r.reports(agent, report.Event{Type: report.BeatType, Seen: r.now.UnixNano(), Data: data})
	}
	request, customer := []string{"request"}, []string{"request", "customer"}
	says("bare", report.Asked{Gate: "btc", Lacks: report.Matchable})
	says("named", report.Asked{Gate: "btc", Names: customer, Lacks: []string{"address", "tag"}})
	says("mixed", report.Asked{Gate: "btc/hot", Names: customer, Lacks: []string{"customer", "address", "tag"}})
	says("below", report.Asked{Gate: "btc/hot", Names: request, Lacks: []string{"customer", "address", "tag"}})
	says("other", report.Asked{Gate: "eth", Lacks: report.Matchable})
	says("unknown", report.Asked{Gate: "nowhere", Lacks: report.Matchable})
	wants := func(gate string, match map[string]string, want Stops) {
		t.Helper()
		if d := cmp.Diff(want, r.m.StopsView(gate, match)); d != "" {
			t.Errorf("%s at %s: %s", match, gate, d)
		}
	}
	by := map[string]string{"customer": "c"}
	wants("btc", by, Stops{Agents: 4, All: []string{"bare", "below"}, Some: []string{"mixed"}})
	wants("btc/hot", by, Stops{Agents: 2, All: []string{"below"}, Some: []string{"mixed"}})
	wants("btc", map[string]string{"request": "w"}, Stops{Agents: 4, All: []string{"bare"}})
	// An ask that names one of two fields, with another value, passes.
	wants("btc", map[string]string{"customer": "c", "request": "w"}, Stops{Agents: 4, All: []string{"bare"}})
	wants("eth", by, Stops{Agents: 1, All: []string{"other"}})
	r.restarted()
	// A day later only what was asked since counts.
	r.later(askedFor + time.Second)
	r.tick()
	wants("btc", by, Stops{})
	says("below", report.Asked{Gate: "btc", Names: customer, Lacks: []string{"address", "tag"}})
	wants("btc", by, Stops{Agents: 1})
	if n := len(r.m.Agents["below"].Asked); n != 1 {
		t.Errorf("%d gates are remembered", n)
	}
	r.restarted()
}

// What one agent says is bounded, and of gates that there are.
func TestAskedIsBounded(t *testing.T) {
	r := newRig(t, testRules)
	for n := range 3 * maxAsked {
		r.m.Gates[fmt.Sprint("g", n)] = &Gate{Name: fmt.Sprint("g", n)}
		r.m.asked(r.m.hear("a"), []report.Asked{{Gate: fmt.Sprint("g", n)}})
	}
	if n := len(r.m.Agents["a"].Asked); n != maxAsked {
		t.Errorf("%d gates are remembered, want %d", n, maxAsked)
	}
}
