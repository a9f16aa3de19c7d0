package series

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"

	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules/examples"
)

// hostRules are the shipped rules for hosts, as Prometheus reads them.
func hostRules(t *testing.T) (alerts, records []rulefmt.Rule) {
	t.Helper()
	files, err := examples.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name != "hosts.yml" {
			continue
		}
		groups, errs := rulefmt.Parse(f.Text, false, model.UTF8Validation, syntax.NewParser(), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, g := range groups.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					alerts = append(alerts, r)
				} else {
					records = append(records, r)
				}
			}
		}
	}
	if len(alerts) < 20 {
		t.Fatalf("only %d host alerts are shipped", len(alerts))
	}
	return alerts, records
}

// A fleet is simulated hosts in a real store, one sample a minute.
type fleet struct {
	*Store
	minutes int
}

func at(minute int) time.Time { return time.Unix(started+int64(minute)*60, 0) }

// newFleet lets each host live through its days and evaluates the recording
// rules as time goes by.
func newFleet(t *testing.T, minutes int, hosts map[string]func(minute int) day, records []rulefmt.Rule) *fleet {
	t.Helper()
	s, err := Open(Options{Dir: t.TempDir(), Retention: 30 * 24 * time.Hour, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fleet{s, minutes}
	known := map[string]labels.Labels{}
	var names []string
	sims := map[string]*simHost{}
	for name := range hosts {
		names, sims[name] = append(names, name), newSimHost(name)
	}
	slices.Sort(names)
	app := s.db.Appender(t.Context())
	put := func(l labels.Labels, minute int, v float64) {
		if _, err := app.Append(0, l, at(minute).UnixMilli(), v); err != nil {
			t.Fatal(l, err)
		}
	}
	for minute := range minutes {
		for _, name := range names {
			sims[name].minute(hosts[name](minute), func(series string, v float64) {
				l, ok := known[name+series]
				if !ok {
					l = parseSeries(t, series, name)
					known[name+series] = l
				}
				put(l, minute, v)
			})
		}
		if minute%60 == 59 {
			if err := app.Commit(); err != nil {
				t.Fatal(err)
			}
			f.record(t, records, minute-59, minute)
			app = s.db.Appender(t.Context())
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return f
}

func parseSeries(t *testing.T, text, instance string) labels.Labels {
	t.Helper()
	l, err := syntax.NewParser().ParseMetric(text)
	if err != nil {
		t.Fatal(text, err)
	}
	b := labels.NewBuilder(l)
	return b.Set("job", "node").Set("instance", instance).Labels()
}

// ask evaluates an expression once a minute.
func (f *fleet) ask(t *testing.T, expr string, from, to int) promql.Matrix {
	t.Helper()
	q, err := f.engine.NewRangeQuery(t.Context(), f.db, nil, expr, at(from), at(to), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	m, err := q.Exec(t.Context()).Matrix()
	if err != nil {
		t.Fatal(expr, err)
	}
	return m
}

// record evaluates the recording rules over an hour at once. What looks at
// itself sees the hours before.
func (f *fleet) record(t *testing.T, records []rulefmt.Rule, from, to int) {
	t.Helper()
	app := f.db.Appender(t.Context())
	for _, r := range records {
		for _, series := range f.ask(t, r.Expr, from, to) {
			l := labels.NewBuilder(series.Metric).Set(model.MetricNameLabel, r.Record).Labels()
			for _, p := range series.Floats {
				if _, err := app.Append(0, l, p.T, p.F); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// fires says for each host in which minutes the alert fires: its expression has
// been true for as long as the rule wants.
func (f *fleet) fires(t *testing.T, r rulefmt.Rule) map[string][]int {
	t.Helper()
	out := map[string][]int{}
	for _, series := range f.ask(t, r.Expr, 0, f.minutes-1) {
		since, last := 0, -2
		for _, p := range series.Floats {
			minute := int(p.T/1000-started) / 60
			if minute != last+1 {
				since = minute
			}
			last = minute
			if time.Duration(minute-since)*time.Minute >= time.Duration(r.For) {
				out[series.Metric.Get("instance")] = append(out[series.Metric.Get("instance")], minute)
			}
		}
	}
	return out
}

// TestHostsCalmWeek: nothing fires in a week of hard, healthy work.
func TestHostsCalmWeek(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * 60
	alerts, records := hostRules(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	hosts := map[string]func(int) day{"calm": func(minute int) day { return calm(minute, rnd) }}
	f := newFleet(t, week, hosts, records)
	for _, r := range alerts {
		for host, minutes := range f.fires(t, r) {
			t.Errorf("%s fires on calm host %s in %d minutes, first %v", r.Alert, host, len(minutes), at(minutes[0]).UTC())
		}
	}
}

// A badDay is what goes wrong for an hour, which alert says so, and within how
// many minutes.
type badDay struct {
	within int
	always bool                     // not only for that hour
	wrong  func(d *day, minute int) // minutes since it began
}

func badDays() map[string]badDay {
	return map[string]badDay{
		"HostGone":                 {3, false, func(d *day, _ int) { d.down = true }},
		"HostCPUSaturated":         {16, false, func(d *day, _ int) { d.busy, d.waiting, d.load = 1, 0.8, 5*cores }},
		"HostCPUStolen":            {16, false, func(d *day, _ int) { d.steal = 0.3 }},
		"HostMemoryLow":            {6, false, func(d *day, _ int) { d.memory = 0.03 }},
		"HostThrashing":            {12, false, func(d *day, _ int) { d.stalled = 0.4 }},
		"HostOOMKill":              {2, false, func(d *day, minute int) { d.oomKills = flag(minute == 0) }},
		"HostDiskAlmostFull":       {11, false, func(d *day, _ int) { d.diskFree = 0.08 }},
		"HostDiskFull":             {2, false, func(d *day, _ int) { d.diskFree = 0.01 }},
		"HostDiskFillsSoon":        {60 * 6, false, func(d *day, minute int) { d.diskFree = 0.24 - float64(minute)/60*0.012 }},
		"HostInodesLow":            {11, false, func(d *day, _ int) { d.inodesFree = 0.01 }},
		"HostDiskSaturated":        {21, false, func(d *day, _ int) { d.diskBusy, d.latency, d.ops = 1, 0.4, 30 }},
		"HostDiskNotAnswering":     {3, false, func(d *day, _ int) { d.hangs = true }},
		"HostFilesystemReadOnly":   {2, false, func(d *day, _ int) { d.readOnly = true }},
		"HostNetworkErrors":        {16, false, func(d *day, _ int) { d.errs = 0.05 * d.packets }},
		"HostNetworkDrops":         {16, false, func(d *day, _ int) { d.drops = 0.05 * d.packets }},
		"HostListenOverflows":      {3, false, func(d *day, _ int) { d.overflows = 5 }},
		"HostTCPRetransmits":       {15, false, func(d *day, _ int) { d.resent = 0.15 }},
		"HostConntrackFull":        {6, false, func(d *day, _ int) { d.conntrack = 0.97 }},
		"HostClockOff":             {6, false, func(d *day, _ int) { d.clock = -0.2 }},
		"HostClockNotSynchronized": {16, false, func(d *day, _ int) { d.synced, d.clockError = 0, 16 }},
		"HostFileDescriptorsLow":   {6, false, func(d *day, _ int) { d.fds = 0.9 }},
		// Not what they look like: these days no alert may tell.
		"a disk that is waited for": {0, false, func(d *day, _ int) { d.ioWait, d.busy, d.load = 0.97, 0.02, 10*cores }},
		"a clock that is set":       {0, false, func(d *day, _ int) { d.boot = started - 30*86400 + 180 }},
		"/boot for an update":       {0, true, func(d *day, minute int) { d.readOnly = minute < 0 || minute > 3 }},
		"HostRebooted": {6, true, func(d *day, minute int) {
			if minute >= 0 {
				d.down, d.restarts, d.boot = minute < 4, minute == 4, started+float64(badFrom+3)*60
			}
		}},
	}
}

const (
	badFrom = 7 * 60 // the minute of the day at which it goes wrong
	badTo   = badFrom + 7*60
)

// TestHostsBadDay: of each kind of trouble, on a host of its own, its alert and
// no other tells, in time, and it ends when the trouble does.
func TestHostsBadDay(t *testing.T) {
	t.Parallel()
	alerts, records := hostRules(t)
	hosts := map[string]func(int) day{}
	for name, bad := range badDays() {
		rnd := rand.New(rand.NewPCG(2, 3))
		hosts[name] = func(minute int) day {
			d := calm(minute, rnd)
			if minute >= badFrom && minute < badTo || bad.always {
				bad.wrong(&d, minute-badFrom)
			}
			return d
		}
	}
	f := newFleet(t, badTo+2*60, hosts, records)
	// What comes with a trouble as sure as the trouble itself.
	also := map[string][]string{"HostDiskFull": {"HostDiskAlmostFull", "HostDiskFillsSoon"}, "HostDiskAlmostFull": {"HostDiskFillsSoon"}, "HostRebooted": {"HostGone"}}
	for _, r := range alerts {
		bad, tested := badDays()[r.Alert]
		if !tested {
			t.Errorf("%s has no bad day", r.Alert)
			continue
		}
		for host, minutes := range f.fires(t, r) {
			switch {
			case host == r.Alert && (minutes[0] < badFrom || minutes[0] > badFrom+bad.within):
				t.Errorf("%s fires %d minutes after the trouble began, want 0 to %d", r.Alert, minutes[0]-badFrom, bad.within)
			case host == r.Alert && minutes[len(minutes)-1] > badTo+15:
				t.Errorf("%s still fires %d minutes after the trouble ended", r.Alert, minutes[len(minutes)-1]-badTo)
			case host != r.Alert && !slices.Contains(also[host], r.Alert):
				t.Errorf("%s fires on the host of %s, from minute %d on", r.Alert, host, minutes[0]-badFrom)
			}
		}
		if len(f.fires(t, r)[r.Alert]) == 0 {
			t.Errorf("%s does not fire on its bad day", r.Alert)
		}
	}
}
