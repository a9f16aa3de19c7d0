package series

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// A world is a store, rules that run on it, and a ledger, in a bubble.
type world struct {
	*Rules
	t      *testing.T
	dir    string
	store  *Store
	ledger *ledger
	stop   func()
}

// inWorld runs a test in a bubble in which time costs nothing.
func inWorld(t *testing.T, text string, test func(w *world)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir, ledger: &ledger{t: t}}
		w.start(text)
		defer func() { w.stop() }()
		test(w)
	})
}

// start opens the store and runs the rules.
func (w *world) start(text string) {
	w.store = openStore(w.t, w.dir)
	w.runRules(text)
}

func (w *world) runRules(text string) {
	w.Rules = openRules(w.t, w.store, RulesOptions{
		Standing: w.ledger.standing, Propose: w.ledger.propose,
		ExternalLabels: map[string]string{"site": "tokyo"}, ExternalURL: "https://stone.example/x",
	})
	load(w.t, w.Rules, "set", text)
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	w.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		if err := w.store.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// live lets d go by, with a sample of each series every second.
func (w *world) live(d time.Duration, samples map[string]float64) {
	w.t.Helper()
	for range int(d / time.Second) {
		w.append(samples)
		time.Sleep(time.Second)
	}
}

func (w *world) append(samples map[string]float64) {
	w.t.Helper()
	app := w.store.db.Appender(w.t.Context())
	for text, v := range samples {
		l, err := w.store.parser.ParseMetric(text)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := app.Append(0, l, time.Now().UnixMilli(), v); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stands(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(w.ledger.names(), want); diff != "" {
		w.t.Errorf("what stands (-got +want):\n%s", diff)
	}
}

const high = `
groups:
- name: a
  interval: 1s
  rules:
  - alert: High
    expr: load > 1
    for: 10s
    keep_firing_for: 5s
`

func TestRulesForAndKeepFiring(t *testing.T) {
	inWorld(t, high, func(w *world) {
		w.live(5*time.Second, map[string]float64{"load": 0})
		w.live(9*time.Second, map[string]float64{"load": 2})
		w.stands()
		w.live(4*time.Second, map[string]float64{"load": 2})
		w.stands("High")
		w.live(4*time.Second, map[string]float64{"load": 0})
		w.stands("High") // keep_firing_for
		w.live(4*time.Second, map[string]float64{"load": 0})
		w.stands()
		if got := w.ledger.proposals(); got != 2 {
			t.Errorf("%d proposals, want one to raise and one to end", got)
		}
	})
}

func TestRulesLimitResolvesNothing(t *testing.T) {
	const text = `
groups:
- name: a
  interval: 1s
  limit: 2
  rules: [{alert: High, expr: load > 1}]
`
	inWorld(t, text, func(w *world) {
		w.live(5*time.Second, map[string]float64{`load{host="a"}`: 2, `load{host="b"}`: 2, `load{host="c"}`: 0})
		w.stands("High{host=a}", "High{host=b}")
		w.live(5*time.Second, map[string]float64{`load{host="a"}`: 2, `load{host="b"}`: 2, `load{host="c"}`: 2})
		w.stands("High{host=a}", "High{host=b}") // and not c: there is no saying which two
		if got, want := w.rule().LastError, "exceeded limit of 2 with 3 alerts"; got != want || w.rule().Health != "err" {
			t.Errorf("the rule says %q, want %q", got, want)
		}
		w.live(5*time.Second, map[string]float64{`load{host="a"}`: 2, `load{host="b"}`: 0, `load{host="c"}`: 0})
		w.stands("High{host=a}")
		if got := w.rule().LastError; got != "" {
			t.Errorf("after it recovered the rule says %q", got)
		}
	})
}

// rule is the only one.
func (w *world) rule() promrule.Rule { return w.Groups()[0].Rules[0] }

func TestRulesErrorResolvesNothing(t *testing.T) {
	const text = `
groups:
- name: a
  interval: 1s
  rules: [{alert: High, expr: load > on (host) max}]
`
	inWorld(t, text, func(w *world) {
		w.live(5*time.Second, map[string]float64{`load{host="a"}`: 2, `max{host="a"}`: 1})
		w.stands("High{host=a}")
		w.live(5*time.Second, map[string]float64{`load{host="a"}`: 0, `max{host="a"}`: 1, `max{host="a",x="y"}`: 1})
		w.stands("High{host=a}")
		if got := w.rule().LastError; !strings.Contains(got, "many-to-many matching not allowed") {
			t.Errorf("the rule says %q", got)
		}
	})
}

func TestRulesTemplates(t *testing.T) {
	const text = `
groups:
- name: a
  interval: 1s
  labels: {team: ops}
  rules:
  - alert: High
    expr: load > 1
    labels: {severity: '{{ if gt $value 5.0 }}critical{{ else }}warning{{ end }}'}
    annotations:
      summary: '{{ $labels.host }} at {{ $externalLabels.site }} has {{ $value | humanize }} of {{ with query "max" }}{{ . | first | value }}{{ end }}'
      link: '{{ $externalURL }}/{{ pathPrefix }}'
      broken: '{{ query "max" | first | label }}'
      runbook_url: https://runbooks.example/{high}}
      empty: ''
`
	inWorld(t, text, func(w *world) {
		w.live(3*time.Second, map[string]float64{`load{host="a"}`: 2000, "max": 7})
		w.stands("High{host=a,severity=critical,team=ops}")
		got := w.ledger.stands[0].Level
		if len(got.Annotations) != 5 || !strings.HasPrefix(got.Annotations[0].Value, "<error expanding template: ") {
			t.Fatalf("annotations %q", got.Annotations)
		}
		want := entry.Level{
			Rule:   got.Rule,
			Labels: []machine.Label{{Name: "alertname", Value: "High"}, {Name: "host", Value: "a"}, {Name: "severity", Value: "critical"}, {Name: "team", Value: "ops"}},
			Annotations: []machine.Label{
				got.Annotations[0],
				{Name: "empty"},
				{Name: "link", Value: "https://stone.example/x//x"},
				{Name: "runbook_url", Value: "https://runbooks.example/{high}}"},
				{Name: "summary", Value: "a at tokyo has 2k of 7"},
			},
			Value: "2000", Active: w.rule().Alerts[0].ActiveAt.UnixNano(),
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRulesRestart: what was pending goes on after a restart, and what stands
// is not ended before it is known whether it still holds.
func TestRulesRestart(t *testing.T) {
	const text = high + `
  - {alert: Low, expr: load < 1}
  - {alert: Other, expr: other > 1}
`
	inWorld(t, text, func(w *world) {
		w.live(5*time.Second, map[string]float64{"load": 0, "other": 2})
		w.live(8*time.Second, map[string]float64{"load": 2, "other": 2})
		w.stands("Other")
		w.stop()
		before := w.ledger.proposals()
		time.Sleep(time.Hour)
		w.start(text)
		w.live(2*time.Second, map[string]float64{"load": 2}) // other is gone
		if w.ledger.proposals() != before {
			t.Errorf("something was proposed before the state was restored: %v", w.ledger.log[before:])
		}
		w.stands("Other")
		w.live(3*time.Second, map[string]float64{"load": 2})
		w.stands("High") // 10 s after it began, the time away not counted
		if since := time.Since(time.Unix(0, w.ledger.stands[0].Active)); since > 15*time.Second || since < 10*time.Second {
			t.Errorf("High is true since %v ago", since)
		}
	})
}

// TestRulesKeepRestart: a restart does not cut keep_firing_for short. What stands and
// is no longer true is kept for as long as it says from when rules are evaluated again.
func TestRulesKeepRestart(t *testing.T) {
	inWorld(t, high, func(w *world) {
		w.live(5*time.Second, map[string]float64{"load": 0})
		w.live(13*time.Second, map[string]float64{"load": 2})
		w.stands("High")
		w.live(2*time.Second, map[string]float64{"load": 0})
		w.stop()
		w.start(high)
		w.live(4*time.Second, map[string]float64{"load": 0})
		w.stands("High")
		w.live(4*time.Second, map[string]float64{"load": 0})
		w.stands()
	})
}

// value is that of an expression with one result, or NaN.
func (w *world) value(expr string) float64 {
	w.t.Helper()
	q, err := w.store.engine.NewInstantQuery(w.t.Context(), w.store.db, nil, expr, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(w.t.Context()).Vector()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(v) != 1 {
		return math.NaN()
	}
	return v[0].F
}

func TestRulesSeriesVanish(t *testing.T) {
	inWorld(t, strings.Replace(high, "    keep_firing_for: 5s\n", "", 1), func(w *world) {
		w.live(15*time.Second, map[string]float64{"load": 2})
		w.live(4*time.Minute, nil)
		w.stands("High") // it is looked for five minutes back
		w.live(2*time.Minute, nil)
		w.stands()
	})
}

// TestRulesUnheard: what the machine keeps is proposed again, and what fires
// again is told.
func TestRulesUnheard(t *testing.T) {
	inWorld(t, "groups: [{name: a, interval: 1s, rules: [{alert: High, expr: load > 1}]}]", func(w *world) {
		w.live(5*time.Second, map[string]float64{"load": 2})
		w.ledger.mu.Lock()
		w.ledger.stands[0].Unheard = true
		w.ledger.mu.Unlock()
		w.live(3*time.Second, map[string]float64{"load": 2})
		w.stands("High")
		if w.ledger.stands[0].Unheard {
			t.Error("an alert that fires was not told")
		}
		before := w.ledger.proposals()
		w.ledger.mu.Lock()
		w.ledger.stands[0].Unheard = true
		w.ledger.mu.Unlock()
		w.live(5*time.Second, map[string]float64{"load": 0})
		w.stands("High")
		if got := w.ledger.proposals() - before; got < 4 {
			t.Errorf("proposed %d times in five seconds", got)
		}
	})
}

// TestRulesWaitForTheSeries: nothing is evaluated before the series have caught
// up, nor while they stay behind.
func TestRulesWaitForTheSeries(t *testing.T) {
	inWorld(t, "groups: [{name: a, interval: 1s, rules: [{alert: High, expr: load > 1}, {alert: None, expr: absent(load)}]}]", func(w *world) {
		w.live(5*time.Second, map[string]float64{"load": 2})
		w.stands("High")
		w.store.queue.offer(entry.Entry{Index: 7, Time: 1})
		w.live(10*time.Minute, nil)
		w.stands("High")
		w.store.progress.set(7)
		w.live(5*time.Second, map[string]float64{"load": 0})
		w.stands()
		if got := w.ledger.proposals(); got != 2 {
			t.Errorf("%d proposals, want one to raise and one to end", got)
		}
		if g := w.Groups()[0]; g.Missed < 500 {
			t.Errorf("%d evaluations are counted as missed in ten minutes", g.Missed)
		}
		w.stop()

		w.store = openStore(t, w.dir)
		w.store.caughtUp = make(chan struct{})
		w.runRules(high)
		w.live(time.Minute, map[string]float64{"load": 2})
		if w.Groups() != nil {
			t.Error("rules are evaluated before the series have caught up")
		}
		close(w.store.caughtUp)
		w.live(15*time.Second, map[string]float64{"load": 2})
		w.stands("High")
	})
}

// TestSubqueryWithoutStep: a subquery may leave its step to the engine.
func TestSubqueryWithoutStep(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("EngineOpts needs a NoStepSubqueryIntervalFn: the engine panics: %v", p)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	q, err := s.engine.NewInstantQuery(t.Context(), s.db, nil, "max_over_time(up[5m:])", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Exec(t.Context()).Err; err != nil {
		t.Error(err)
	}
}
