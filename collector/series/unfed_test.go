package series

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules"
)

// guarding is a rule file with one rule of the expression that closes a gate, and one
// that does not.
func guarding(expr string) string {
	return `
gates: [{name: payouts, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: payouts, mode: enforce}]
groups:
- name: a
  interval: 15s
  rules:
  - record: bad:sum
    expr: sum(bad > 5)
  - record: payouts_total
    event: payout.sent
  - alert: High
    expr: '` + expr + `'
    labels: {severity: critical}
    mitigate: [stop]
  - {alert: Ticket, expr: nothing_ever > 1}
`
}

// unfed are the metrics that are said not to come.
func (w *world) unfed(set *rules.Set) (out []string) {
	w.t.Helper()
	synctest.Wait() // the rules begin
	found, known := w.Unfed(w.t.Context(), set, "set")
	if !known {
		return []string{"unknown"}
	}
	for _, f := range found {
		if f.Sure {
			out = append(out, f.Rule+": "+f.Metric+" "+f.Near)
		}
	}
	return out
}

// sending lets d go by with a sample of each series every 15 seconds.
func (w *world) sending(d time.Duration, samples map[string]float64) {
	for range int(d / (15 * time.Second)) {
		w.append(samples)
		time.Sleep(15 * time.Second)
	}
}

func TestUnfed(t *testing.T) {
	comes := map[string]float64{"load_avg": 0, `bad{host="a"}`: 0, "other": 1}
	for name, c := range map[string]struct {
		expr string
		want []string // after ten minutes
	}{
		"comes":                    {`load_avg > 1`, nil},
		"typo":                     {`load_agv > 1`, []string{"High: load_agv load_avg"}},
		"both":                     {`sum(other) + on() xyzzy + xyzzy > 1`, []string{"High: xyzzy "}},
		"with a range":             {`rate(xyzzy[5m]) > 1`, []string{"High: xyzzy "}},
		"in a subquery":            {`max_over_time(rate(xyzzy[5m])[1h:]) > 1`, []string{"High: xyzzy "}},
		"by a pattern":             {`{__name__=~"xyz.+"} > 1`, []string{`High: __name__=~"xyz.+" `}},
		"asked about":              {`absent(xyzzy)`, nil},
		"asked about beside":       {`xyzzy > 1 or absent_over_time(xyzzy[5m])`, nil},
		"one of two":               {`(xyzzy or load_avg) > 1`, nil},
		"none of two":              {`(xyzzy or plugh) > 1`, []string{"High: xyzzy ", "High: plugh "}},
		"nothing is zero":          {`(sum(xyzzy) or vector(0)) > 1`, nil},
		"excluded":                 {`load_avg > 1 unless xyzzy`, nil},
		"as well":                  {`load_avg > 1 and on() xyzzy`, []string{"High: xyzzy "}},
		"recorded, nothing to say": {`bad:sum > 1`, nil},
		"recorded of events":       {`increase(payouts_total[5m]) > 1`, nil},
		"alerts":                   {`ALERTS{alertname="Ticket"} > 0`, nil},
		"any":                      {`sum({host="z"}) > 1`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, guarding(c.expr), func(w *world) {
				set := load(t, w.Rules, "set", guarding(c.expr))
				w.unfed(set)
				w.sending(9*time.Minute, comes)
				if got := w.unfed(set); got != nil {
					t.Errorf("after nine minutes %q", got)
				}
				w.sending(2*time.Minute, comes)
				if diff := cmp.Diff(w.unfed(set), c.want); diff != "" {
					t.Errorf("-got +want:\n%s", diff)
				}
			})
		})
	}
}

// TestUnfedEnds has a metric go and come again.
func TestUnfedEnds(t *testing.T) {
	text := guarding(`load_avg > 1`)
	inWorld(t, text, func(w *world) {
		set := load(t, w.Rules, "set", text)
		w.unfed(set)
		w.sending(6*time.Minute, map[string]float64{"load_avg": 0})
		w.sending(4*time.Minute, map[string]float64{"load_avg_1m": 0})
		if got := w.unfed(set); got != nil {
			t.Errorf("four minutes after its last sample %q", got)
		}
		w.sending(2*time.Minute, map[string]float64{"load_avg_1m": 0})
		if diff := cmp.Diff(w.unfed(set), []string{"High: load_avg load_avg_1m"}); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
		w.sending(time.Minute, map[string]float64{"load_avg": 0})
		if got := w.unfed(set); got != nil {
			t.Errorf("when it comes again %q", got)
		}
	})
}

// TestUnfedLooksBack has a metric that comes once an hour, as the rule expects.
func TestUnfedLooksBack(t *testing.T) {
	text := guarding(`last_over_time(load_avg[2h]) > 1`)
	inWorld(t, text, func(w *world) {
		set := load(t, w.Rules, "set", text)
		w.append(map[string]float64{"load_avg": 0})
		w.unfed(set)
		w.sending(time.Hour, map[string]float64{"other": 0})
		if got := w.unfed(set); got != nil {
			t.Errorf("after an hour %q", got)
		}
		w.sending(2*time.Hour, map[string]float64{"other": 0})
		if diff := cmp.Diff(w.unfed(set), []string{"High: load_avg "}); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
	})
}
