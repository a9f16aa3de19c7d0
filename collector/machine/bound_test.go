package machine

import (
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestMark: built-in alerts carry the mark, also those that stood when the version
// rose, and no series can have it.
func TestMark(t *testing.T) {
	r := newRigAt(t, firstBehavior, testRules)
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "carol", Reason: "moved"}))
	if a := r.named(automaticOff); len(a) != 1 || a[0].Label(Mark) != "" {
		t.Fatalf("by version 1: %+v", a)
	}
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: Behavior}))
	if a := r.named(automaticOff); a[0].Label(Mark) != MarkBuiltIn {
		t.Errorf("standing when the version rose: %+v", a)
	}
	if got := Text(BoundLabels(BoundLabels([]Label{{Name: "alertname", Value: watchdog}, {Name: Mark, Value: MarkBuiltIn}}))); got != "alertname=Watchdog exported_tomeishi=built-in" {
		t.Errorf("a series with the mark: %s", got)
	}
}
