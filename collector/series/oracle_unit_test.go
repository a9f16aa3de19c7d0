package series

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

// TestOracleUnitTests: Prometheus's own unit tests of rules, of which what
// stands in the ledger is what promtool expects to fire.
func TestOracleUnitTests(t *testing.T) {
	dir := testdata(t, "cmd", "promtool", "testdata")
	tests := []struct {
		file, test string
		err        string // part of it, where promtool fails too
	}{
		{"unittest.yml", "", ""},
		{"long-period.yml", "", ""},
		{"no-test-group-interval.yml", "", ""},
		{"at-modifier-test.yml", "", ""},
		{"negative-offset-test.yml", "", ""},
		{"start-time-test.yml", "", ""},
		{"rules_run.yml", "correct", ""},
		{"rules_run.yml", "wrong", "test"},
		{"rules_run_fuzzy.yml", "correct", ""},
		{"rules_run_fuzzy.yml", "wrong", "test_low"},
		{"rules_run_no_fuzzy.yml", "", "test_low"},
		{"rules_run_extrafields.yml", "", `a group has no key "namespace"`},
		{"bad-input-series.yml", "", "parse error"},
		{"bad-promql.yml", "", "found duplicate series"},
		{"bad-rules-syntax-test.yml", "", "bad-rules-syntax.yml:7:22: expr: unexpected end of input"},
		{"bad-rules-error-test.yml", "", "many-to-many matching not allowed"},
		{"experimental-functions-test.yml", "", "is not enabled"},
		{"failing.yml", "Failing test", "{__name__=\"test\"}"},
		{"failing.yml", "Failing alert test", "AlwaysFiring"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		seen[tt.file] = true
		t.Run(tt.file+"/"+tt.test, func(t *testing.T) {
			err := runUnitFile(t, filepath.Join(dir, tt.file), tt.test)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v\nwant %q", err, tt.err)
			}
		})
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if f, _, err := readUnitFile(path); err == nil && len(f.Tests) > 0 && !seen[filepath.Base(path)] {
			t.Errorf("%s is a unit test that is not run", path)
		}
	}
}

// runUnitFile runs the tests of a file whose names contain name.
func runUnitFile(t *testing.T, path, name string) error {
	t.Helper()
	f, files, err := readUnitFile(path)
	if err != nil {
		return err
	}
	var errs []error
	ran := 0
	for i := range f.Tests {
		if u := &f.Tests[i]; strings.Contains(u.Name, name) {
			ran++
			errs = append(errs, runUnit(t, &f, u, files))
		}
	}
	if ran == 0 {
		t.Errorf("%s has no test %q", path, name)
	}
	return errors.Join(errs...)
}

// A unitRun is one test while it runs.
type unitRun struct {
	*stepped
	test    *unitTest
	start   time.Time
	samples []unitSample // that are not yet appended
	compare cmp.Option
	errs    []error
}

func runUnit(t *testing.T, f *unitFile, u *unitTest, files []rules.File) error {
	t.Helper()
	set, problems := rules.Parse(files, NewChecker())
	if problems.Err() != nil {
		return problems.Err()
	}
	every := time.Duration(f.EvaluationInterval)
	interval := time.Duration(u.Interval)
	if interval == 0 {
		interval = every
	}
	run := &unitRun{stepped: newStepped(t, RulesOptions{Interval: interval, ExternalLabels: u.ExternalLabels, ExternalURL: u.ExternalURL}), test: u}
	if f.FuzzyCompare {
		run.compare = cmp.Comparer(func(x, y float64) bool {
			return x == y || math.Nextafter(x, math.Inf(-1)) == y || math.Nextafter(x, math.Inf(1)) == y
		})
	}
	run.store.engine = promql.NewEngine(promql.EngineOpts{ // whose steps are the test's
		Logger: slog.New(slog.DiscardHandler), MaxSamples: 10000, Timeout: 100 * time.Second, Parser: syntax.NewParser(),
		EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return every.Milliseconds() },
	})
	var err error
	if run.samples, err = u.samples(run.store.parser, interval); err != nil {
		return err
	}
	if run.start, err = u.start(); err != nil {
		return err
	}
	if err := run.Load("set", set.Prometheus, set.Metrics); err != nil {
		return err
	}
	run.begin(t.Context())
	slices.SortStableFunc(run.loaded.Load().groups, func(x, y *group) int {
		return slices.Index(f.GroupEvalOrder, x.Name()) - slices.Index(f.GroupEvalOrder, y.Name())
	})
	run.all(t, every)
	return errors.Join(run.errs...)
}

func (r *unitRun) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

// all runs the test from its begin to its end.
func (r *unitRun) all(t *testing.T, every time.Duration) {
	for i := range r.test.length()/every + 1 {
		d := i * every
		at := r.start.Add(d)
		if err := r.append(t.Context(), at); err != nil {
			r.fail("append: %w", err)
			return
		}
		r.evalAll(t, at)
		r.agrees(t, at)
		if r.broken(); len(r.errs) > 0 {
			return
		}
		for _, want := range r.test.Alerts {
			if e := time.Duration(want.EvalTime); d <= e && e-d < every {
				r.stands(&want)
			}
		}
	}
	for i := range r.test.Exprs {
		r.value(t.Context(), &r.test.Exprs[i])
	}
}

func (r *unitRun) append(ctx context.Context, until time.Time) (err error) {
	app := r.store.db.Appender(ctx)
	for len(r.samples) > 0 && !r.samples[0].at.After(until) {
		s := r.samples[0]
		r.samples = r.samples[1:]
		if s.value.Histogram != nil {
			_, err = app.AppendHistogram(0, s.labels, s.at.UnixMilli(), nil, s.value.Histogram)
		} else {
			_, err = app.Append(0, s.labels, s.at.UnixMilli(), s.value.Value)
		}
		if err != nil {
			return err
		}
	}
	return app.Commit()
}

// broken notes the rules that could not be evaluated.
func (r *unitRun) broken() {
	for _, g := range r.Groups() {
		for _, rule := range g.Rules {
			if rule.LastError != "" {
				r.fail("rule %s at %v: %s", rule.Name, g.LastEvaluation, rule.LastError)
			}
		}
	}
}

// stands compares the alerts that stand with those that should fire.
func (r *unitRun) stands(want *unitAlerts) {
	var expected, got []string
	for _, a := range want.Alerts {
		expected = append(expected, told(want.Alertname, a.Labels, a.Annotations))
	}
	for _, a := range r.ledger.stands {
		ls, annotations := map[string]string{}, map[string]string{}
		for _, l := range a.Level.Labels {
			ls[l.Name] = l.Value
		}
		for _, l := range a.Annotations {
			annotations[l.Name] = l.Value
		}
		if ls["alertname"] == want.Alertname {
			got = append(got, told(want.Alertname, ls, annotations))
		}
	}
	if g, w := sorted(got), sorted(expected); g != w {
		r.fail("alert %s at %v:\n%s\nwant\n%s", want.Alertname, want.EvalTime, g, w)
	}
}

// value compares what an expression says at a time.
func (r *unitRun) value(ctx context.Context, e *unitExpr) {
	query := promrules.EngineQueryFunc(r.store.engine, r.store.db)
	vector, err := query(ctx, e.Expr, r.start.Add(time.Duration(e.EvalTime)))
	if err != nil {
		r.fail("%s: %w", e.Expr, err)
		return
	}
	got, want := map[string]float64{}, map[string]float64{}
	for _, s := range vector {
		got[s.Metric.String()+" "+promqltest.HistogramTestExpression(s.H)] = s.F
	}
	for _, s := range e.Samples {
		ls, err := r.store.parser.ParseMetric(s.Labels)
		if err != nil {
			r.fail("labels %s: %w", s.Labels, err)
			return
		}
		key := ls.String() + " "
		if s.Histogram != "" {
			_, values, err := r.store.parser.ParseSeriesDesc("{} " + s.Histogram)
			if err != nil || len(values) != 1 {
				r.fail("histogram %s: %w", s.Histogram, err)
				return
			}
			key += promqltest.HistogramTestExpression(values[0].Histogram)
		}
		want[key] = s.Value
	}
	opts := cmp.Options{}
	if r.compare != nil {
		opts = append(opts, r.compare)
	}
	if diff := cmp.Diff(got, want, opts); diff != "" {
		r.fail("%s at %v (-got +want):\n%s", e.Expr, e.EvalTime, diff)
	}
}
