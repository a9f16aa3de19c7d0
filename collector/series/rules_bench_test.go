package series

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// manyRules are rules that look each at its own metric, evenly in groups.
func manyRules(rules, groups int, interval time.Duration) string {
	var b strings.Builder
	b.WriteString("groups:\n")
	for i := range rules {
		if i%(rules/groups) == 0 {
			fmt.Fprintf(&b, "- name: g%d\n  interval: %v\n  rules:\n", i, interval)
		}
		fmt.Fprintf(&b, `  - alert: High%d
    expr: metric_%d > 900
    labels: {severity: warning, team: 'ops'}
    annotations:
      summary: '{{ $labels.host }} has {{ $value | humanize }} of metric %d'
      runbook_url: https://runbooks.example/%d
`, i, i, i, i)
	}
	return b.String()
}

// A metricFeed appends a sample of each of many series every second.
type metricFeed struct {
	store  *Store
	series []labels.Labels
	refs   []storage.SeriesRef
	high   atomic.Bool // all of them
}

func newMetricFeed(s *Store, names, hosts int) *metricFeed {
	f := &metricFeed{store: s}
	for i := range names {
		for h := range hosts {
			f.series = append(f.series, labels.FromStrings("__name__", fmt.Sprint("metric_", i), "host", fmt.Sprint("host-", h), "job", "node"))
		}
	}
	f.refs = make([]storage.SeriesRef, len(f.series))
	return f
}

func (f *metricFeed) append(ctx context.Context) error {
	app := f.store.db.Appender(ctx)
	now := time.Now().UnixMilli()
	for i := range f.series {
		v := float64(i % 800)
		if f.high.Load() {
			v += 1000
		}
		ref, err := app.Append(f.refs[i], f.series[i], now, v)
		if err != nil {
			return err
		}
		f.refs[i] = ref
	}
	return app.Commit()
}

func (f *metricFeed) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := f.append(ctx); err != nil && ctx.Err() == nil {
			panic(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// BenchmarkRulesStorm is how long it takes until all alerts are proposed that
// become true within one second: 1,000 rules with 10 series each, at 1 s.
func BenchmarkRulesStorm(b *testing.B) {
	for _, groups := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			const want = 10_000
			s := openStore(b, b.TempDir())
			defer s.Close()
			l := &book{stands: map[string]machine.Standing{}, byRule: map[string]map[string]bool{}}
			r := openRules(b, s, RulesOptions{Standing: l.standing, Propose: l.propose})
			load(b, r, "set", manyRules(1000, groups, time.Second))
			feed := newMetricFeed(s, 1000, 10)
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			wg.Go(func() { feed.run(ctx) })
			wg.Go(func() { r.Run(ctx) })
			time.Sleep(4 * time.Second)
			for b.Loop() {
				begun, cpu := time.Now(), cpuTime()
				feed.high.Store(true)
				l.wait(want)
				b.ReportMetric(time.Since(begun).Seconds(), "s/raise")
				b.ReportMetric((cpuTime() - cpu).Seconds(), "cpu-s/raise")
				begun, cpu = time.Now(), cpuTime()
				time.Sleep(10 * time.Second)
				b.ReportMetric(100*(cpuTime()-cpu).Seconds()/time.Since(begun).Seconds(), "%core/stands")
				begun = time.Now()
				feed.high.Store(false)
				l.wait(0)
				b.ReportMetric(time.Since(begun).Seconds(), "s/end")
			}
			missed := uint64(0)
			for _, g := range r.Groups() {
				missed += g.Missed
			}
			b.ReportMetric(float64(missed), "missed")
			cancel()
			wg.Wait()
		})
	}
}

// BenchmarkRulesCalm is the load of 500 rules every 5 s on 25,000 series that
// come every second, in percent of a core, without that of the samples.
func BenchmarkRulesCalm(b *testing.B) {
	s := openStore(b, b.TempDir())
	defer s.Close()
	l := &book{stands: map[string]machine.Standing{}, byRule: map[string]map[string]bool{}}
	r := openRules(b, s, RulesOptions{Standing: l.standing, Propose: l.propose})
	load(b, r, "set", manyRules(500, 10, 5*time.Second))
	feed := newMetricFeed(s, 500, 50)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { feed.run(ctx) })
	time.Sleep(5 * time.Second)
	alone := percent(10 * time.Second)
	wg.Go(func() { r.Run(ctx) })
	time.Sleep(10 * time.Second)
	for b.Loop() {
		b.ReportMetric(percent(20*time.Second)-alone, "%core")
		b.ReportMetric(alone, "%core/samples")
	}
	missed := uint64(0)
	for _, g := range r.Groups() {
		missed += g.Missed
	}
	b.ReportMetric(float64(missed), "missed")
	cancel()
	wg.Wait()
}

// percent is how much of a core the process used while d went by.
func percent(d time.Duration) float64 {
	begun, cpu := time.Now(), cpuTime()
	time.Sleep(d)
	return 100 * (cpuTime() - cpu).Seconds() / time.Since(begun).Seconds()
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no way to fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A book is a ledger that is quick and checks nothing.
type book struct {
	mu     sync.Mutex
	stands map[string]machine.Standing // by ID
	byRule map[string]map[string]bool
	last   int
}

func (l *book) standing(rule machine.RuleID) (out []machine.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.byRule[fmt.Sprintf("%x", rule)] {
		out = append(out, l.stands[id])
	}
	return out
}

func (l *book) propose(_ context.Context, levels entry.Levels) error {
	_ = entry.Marshal(levels)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range levels.Firing {
		l.last++
		id := f.Rule + fmt.Sprint(l.last)
		l.stands[id] = machine.Standing{ID: id, Labels: f.Labels}
		if l.byRule[f.Rule] == nil {
			l.byRule[f.Rule] = map[string]bool{}
		}
		l.byRule[f.Rule][id] = true
	}
	for _, id := range levels.Resolved {
		delete(l.stands, id)
		delete(l.byRule[id[:32]], id)
	}
	return nil
}

func (l *book) wait(n int) {
	for {
		l.mu.Lock()
		have := len(l.stands)
		l.mu.Unlock()
		if have == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// BenchmarkRulesRound is one evaluation of 1,000 rules of which 10 alerts each
// stand, or none.
func BenchmarkRulesRound(b *testing.B) {
	for _, high := range []bool{false, true} {
		b.Run(fmt.Sprintf("stand=%v", high), func(b *testing.B) {
			s := openStore(b, b.TempDir())
			defer s.Close()
			l := &book{stands: map[string]machine.Standing{}, byRule: map[string]map[string]bool{}}
			r := openRules(b, s, RulesOptions{Standing: l.standing, Propose: l.propose})
			load(b, r, "set", manyRules(1000, 1, time.Hour))
			feed := newMetricFeed(s, 1000, 10)
			feed.high.Store(high)
			if err := feed.append(b.Context()); err != nil {
				b.Fatal(err)
			}
			r.begin(b.Context())
			defer r.endStepped()
			at := time.Now()
			round := func() {
				at = at.Add(time.Millisecond)
				for _, g := range r.loaded.Load().groups {
					r.iterate(b.Context(), g.Group, at)
				}
			}
			for _, g := range r.loaded.Load().groups {
				g.RestoreForState(at)
			}
			round()
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				round()
			}
			b.ReportMetric((cpuTime()-cpu).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}
