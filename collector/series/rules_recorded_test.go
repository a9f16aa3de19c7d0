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

// Only what reads what is not recorded yet waits for that, and not for ever: an
// alert ends although another group is evaluated once a day.
func TestOtherRecordingsKeepNoAlert(t *testing.T) {
	for expr, want := range map[string]int64{ // seconds until it ends
		`plain > 1`:                          1,
		`other:sum > 1 or plain > 1`:         1,
		`daily:sum > 1 or plain > 1`:         int64(recordedWithin.Seconds()),
		`by_way:sum > 1 or plain > 1`:        int64(recordedWithin.Seconds()),
		`{__name__=~"daily.*|plain"} > 1`:    int64(recordedWithin.Seconds()),
		`max_over_time(plain[5s]) > 1`:       5,
		`{__name__=~"plain|nothing:.*"} > 1`: 1,
	} {
		t.Run(expr, func(t *testing.T) {
			s := newStepped(t, RulesOptions{Interval: time.Second})
			load(t, s.Rules, "set", `
groups:
- name: fast
  rules:
  - {record: 'other:sum', expr: 'sum(other)'}
  - {record: 'by_way:sum', expr: 'sum(daily:sum)'}
  - {alert: High, expr: '`+expr+`'}
- name: slow
  interval: 1d
  rules: [{record: 'daily:sum', expr: 'sum(daily)'}]
`)
			s.begin(t.Context())
			put := func(second int64, value float64) {
				t.Helper()
				app := s.store.db.Appender(t.Context())
				if _, err := app.Append(0, labels.FromStrings("__name__", "plain"), second*1000, value); err != nil {
					t.Fatal(err)
				}
				if err := app.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			fast := s.loaded.Load().groups[0].Group
			s.restore(time.Unix(0, 0))
			put(0, 2)
			s.iterate(t.Context(), fast, time.Unix(0, 0))
			if n := len(s.ledger.names()); n != 1 {
				t.Fatalf("%d alerts stand", n)
			}
			put(1, 0)
			for second := int64(1); second <= want; second += max(1, want/10) {
				s.iterate(t.Context(), fast, time.Unix(second, 0))
				if stands := len(s.ledger.names()) == 1; stands != (second < want) {
					t.Fatalf("after %d s it stands: %v", second, stands)
				}
			}
			put(want, 0)
			s.iterate(t.Context(), fast, time.Unix(want, 0))
			if len(s.ledger.names()) != 0 {
				t.Errorf("it stands after %d s", want)
			}
		})
	}
}
