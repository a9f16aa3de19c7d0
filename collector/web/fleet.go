package web

import (
	"context"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/web/chart"
)

// A signal is something that all hosts measure, and how it is asked for all of
// them at once. The range of each value is as long as a step: what was not
// measured then is not known, while PromQL's own look back of five minutes would
// draw a line on.
type signal struct {
	name  string // of the catalog
	unit  chart.Unit
	top   float64
	query string // $w is the range
}

// fleetSignals are the pictures in the list of hosts. Their names are said with
// T where they are shown.
var fleetSignals = []signal{
	{"CPU|signal", chart.Ratio, 1, `1 - avg by (instance) (sum by (instance, cpu) (rate(node_cpu_seconds_total{mode=~"idle|iowait"}[$w])))`},
	{"Memory|signal", chart.Ratio, 1, `1 - max by (instance) (avg_over_time(node_memory_MemAvailable_bytes[$w])) / max by (instance) (avg_over_time(node_memory_MemTotal_bytes[$w]))`},
	{"Disk|signal", chart.Ratio, 1, `max by (instance) (1 - (last_over_time(node_filesystem_avail_bytes[$w]) / last_over_time(node_filesystem_size_bytes[$w]) unless last_over_time(node_filesystem_readonly[$w]) == 1))`},
	{"Network|signal", chart.BytesPerSecond, 0, `sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[$w])) + sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[$w]))`},
	{"Load|signal", chart.Count, 0, `max by (instance) (avg_over_time(node_load1[$w]))`},
}

// A fleet is the signals of all hosts over the last hour.
type fleet struct {
	from, to time.Time
	lines    []map[string]chart.Line // by signal and host
	problems []error                 // by signal
}

const (
	fleetSpan = time.Hour
	fleetStep = 2 * time.Minute
	// askTimeout bounds the queries of one page.
	askTimeout = 20 * time.Second
)

// askFleet asks one query for each signal.
func (w *Web) askFleet(ctx context.Context) *fleet {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	to := time.Now().Truncate(time.Second)
	f := &fleet{
		from: to.Add(-fleetSpan), to: to,
		lines: make([]map[string]chart.Line, len(fleetSignals)), problems: make([]error, len(fleetSignals)),
	}
	var wg sync.WaitGroup
	for i, s := range fleetSignals {
		f.lines[i] = map[string]chart.Line{}
		wg.Go(func() {
			f.problems[i] = w.o.Signals.Range(ctx, withRange(s.query, fleetStep), f.from, f.to, fleetStep, func(labels map[string]string, at []int64, values []float64) {
				f.lines[i][labels["instance"]] = chart.Line{At: at, Values: values}
			})
		})
	}
	wg.Wait()
	return f
}

// A spark is one signal of one host: its last value and its last hour.
type spark struct {
	Name  string
	Value string // empty if it is not known
	Chart chart.Chart
}

// sparks are the signals of a host.
func (f *fleet) sparks(host string, say func(string, ...any) string) []spark {
	out := make([]spark, len(fleetSignals))
	for i, s := range fleetSignals {
		l := f.lines[i][host]
		out[i] = spark{s.name, "", chart.Chart{Unit: s.unit, Top: s.top, From: f.from, To: f.to, Step: fleetStep, Lines: []chart.Line{l}, T: say}}
		if n := len(l.At); n > 0 && l.At[n-1] >= f.to.Add(-fleetStep).UnixMilli() {
			out[i].Value = s.unit.Text(l.Values[n-1])
		}
	}
	return out
}

// problem is why some signal is not known, nil if it was asked.
func (f *fleet) problem() error {
	for _, err := range f.problems {
		if err != nil {
			return err
		}
	}
	return nil
}
