package tape

import "github.com/VictoriaMetrics/metrics"

type meters struct {
	entries, bytes, errors, torn, damaged, trimmed *metrics.Counter
	lagging                                        *metrics.Gauge
	sync                                           *metrics.Histogram
}

func newMeters(set *metrics.Set) *meters {
	const name = "tomeishi_tape_"
	return &meters{
		entries: set.GetOrCreateCounter(name + "entries_total"),
		bytes:   set.GetOrCreateCounter(name + "written_bytes_total"),
		errors:  set.GetOrCreateCounter(name + "write_errors_total"),
		torn:    set.GetOrCreateCounter(name + "torn_total"),
		damaged: set.GetOrCreateCounter(name + "damaged_ranges_total"),
		trimmed: set.GetOrCreateCounter(name + "trimmed_segments_total"),
		lagging: set.GetOrCreateGauge(name+"lagging", nil),
		sync:    set.GetOrCreateHistogram(name + "sync_seconds"),
	}
}
