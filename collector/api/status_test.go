package api

import (
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestBuiltInsOrder: however many gates are closed, a status names what is wrong.
func TestBuiltInsOrder(t *testing.T) {
	a := newCell(t).api(nil)
	var alerts []machine.Alert
	for range 2 * maxNamed {
		alerts = append(alerts, machine.Alert{Rule: "GateClosed"})
	}
	alerts = append(alerts, machine.Alert{Rule: "RuleErrors"})
	if got := a.builtIns(alerts); len(got) != maxNamed || got[0].Name != "RuleErrors" {
		t.Errorf("%d, first %+v", len(got), got[0])
	}
}
