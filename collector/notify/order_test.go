package notify

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/dispatch"
)

// TestInOrder: an alert that ends just after it was raised ends for the
// dispatcher too, which takes alerts by several goroutines.
func TestInOrder(t *testing.T) {
	w := newWorld(t, `
route: {receiver: r, group_wait: 1h}
receivers: [{name: r}]
`)
	w.start()
	w.ready(w.serve())
	taken := func() {
		for w.mu.Lock(); len(w.alerts) > 0; w.mu.Lock() {
			w.mu.Unlock()
			runtime.Gosched()
		}
		w.mu.Unlock()
	}
	const most = 3000
	for i := range most {
		a := an("a"+strconv.Itoa(i), "A", "i", strconv.Itoa(i))
		w.raise(a)
		taken()
		w.raise(over(a))
		taken()
	}
	var all, standing int
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && (all < most || standing > 0); runtime.Gosched() {
		groups, _, err := w.n.engine.Load().dispatcher.Groups(t.Context(), func(*dispatch.Route) bool { return true }, everyAlert)
		if err != nil {
			t.Fatal(err)
		}
		all, standing = 0, 0
		for _, g := range groups {
			for _, a := range g.Alerts {
				if all++; !a.Resolved() {
					standing++
				}
			}
		}
	}
	if all != most || standing > 0 {
		t.Errorf("of %d alerts that are over, %d are known and %d stand", most, all, standing)
	}
}

func everyAlert(*alert.Alert, time.Time) (alert.AlertStatus, bool) { return alert.AlertStatus{}, true }
