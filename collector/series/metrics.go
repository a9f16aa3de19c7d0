package series

import (
	"github.com/VictoriaMetrics/metrics"
)

// meters count what the view does. What the engines inside tell of themselves
// is in their own registry.
type meters struct {
	set        *metrics.Set
	appended   *metrics.Counter
	repeated   *metrics.Counter
	unreadable *metrics.Counter
	catchUps   *metrics.Counter
	failures   *metrics.Counter
	panics     *metrics.Counter
	busy       *metrics.Counter
}

func newMeters(set *metrics.Set, s *Store) meters {
	m := meters{
		set:        set,
		appended:   set.NewCounter("tomeishi_series_appended_samples_total"),
		repeated:   set.NewCounter("tomeishi_series_repeated_frames_total"),
		unreadable: set.NewCounter("tomeishi_series_unreadable_entries_total"),
		catchUps:   set.NewCounter("tomeishi_series_catch_ups_total"),
		failures:   set.NewCounter("tomeishi_series_store_failures_total"),
		panics:     set.NewCounter("tomeishi_series_write_panics_total"),
		busy:       set.NewCounter("tomeishi_series_refused_queries_total"),
	}
	for _, reason := range reasons() {
		m.refused(reason)
	}
	set.NewGauge("tomeishi_series", func() float64 { return float64(s.db.Head().NumSeries()) })
	set.NewGauge("tomeishi_series_applied_index", func() float64 { return float64(s.progress.get()) })
	set.NewGauge("tomeishi_series_lag_entries", func() float64 {
		applied := s.progress.get()
		return float64(max(applied, s.queue.newest()) - applied)
	})
	set.NewGauge("tomeishi_series_queue_bytes", func() float64 { return float64(s.queue.size()) })
	set.NewGauge("tomeishi_series_paused", func() float64 { return number(s.disk.paused.Load()) })
	set.NewGauge("tomeishi_series_catching_up", func() float64 {
		select {
		case <-s.caughtUp:
			return 0
		default:
			return 1
		}
	})
	return m
}

func (m *meters) refused(reason string) *metrics.Counter {
	return m.set.GetOrCreateCounter(`tomeishi_series_refused_samples_total{reason="` + reason + `"}`)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
