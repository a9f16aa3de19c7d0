package series

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// After a start, what an alert hangs on may only not have been recorded yet:
// nothing ends before it was.
func TestNothingEndsBeforeItIsRecorded(t *testing.T) {
	s := newStepped(t, RulesOptions{Interval: time.Second})
	load(t, s.Rules, "set", `
groups:
- name: fast
  rules: [{alert: Deep, expr: 'depth:sum > 1'}]
- name: slow
  interval: 1h
  rules: [{record: 'depth:sum', expr: 'sum(depth)'}]
`)
	s.begin(t.Context())
	put := func(name string, second int64, value float64) {
		t.Helper()
		app := s.store.db.Appender(t.Context())
		if _, err := app.Append(0, labels.FromStrings("__name__", name), second*1000, value); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	fast, slow := s.loaded.Load().groups[0].Group, s.loaded.Load().groups[1].Group
	s.restore(time.Unix(0, 0))
	put("depth:sum", 0, 2) // of the run before
	put("depth", 0, 2)
	s.iterate(t.Context(), fast, time.Unix(0, 0))
	if n := len(s.ledger.names()); n != 1 {
		t.Fatalf("%d alerts stand", n)
	}
	const stale = 301 // seconds after which it is as if it were not there
	for i := range int64(5) {
		s.iterate(t.Context(), fast, time.Unix(stale+i, 0))
	}
	if len(s.ledger.names()) != 1 {
		t.Error("the alert ended because nothing was recorded")
	}
	put("depth", stale+5, 0)
	s.iterate(t.Context(), slow, time.Unix(stale+5, 0))
	s.iterate(t.Context(), fast, time.Unix(stale+6, 0))
	if len(s.ledger.names()) != 0 {
		t.Error("the alert stands though it is recorded that it is over")
	}
}
