package ledger

import "github.com/VictoriaMetrics/metrics"

type meters struct {
	index, full, ahead                             *metrics.Gauge
	applied, appends, bytes, reopened, refused     *metrics.Counter
	unknown, snapshots, snapshotErrors, headErrors *metrics.Counter
	commit, append, snapshot                       *metrics.Histogram
}

func newMeters(set *metrics.Set) *meters {
	const name = "tomeishi_ledger_"
	gauge := func(s string) *metrics.Gauge { return set.GetOrCreateGauge(name+s, nil) }
	counter := func(s string) *metrics.Counter { return set.GetOrCreateCounter(name + s) }
	histogram := func(s string) *metrics.Histogram { return set.GetOrCreateHistogram(name + s) }
	return &meters{
		index:          gauge("applied_index"),
		full:           gauge("full"),
		ahead:          gauge("wall_clock_ahead_seconds"),
		applied:        counter("applied_total"),
		appends:        counter("appends_total"),
		bytes:          counter("appended_bytes_total"),
		reopened:       counter("reopened_total"),
		refused:        counter("refused_total"),
		unknown:        counter("unknown_total"),
		snapshots:      counter("snapshots_total"),
		snapshotErrors: counter("snapshot_errors_total"),
		headErrors:     counter("head_errors_total"),
		commit:         histogram("commit_seconds"),
		append:         histogram("append_seconds"),
		snapshot:       histogram("snapshot_seconds"),
	}
}
