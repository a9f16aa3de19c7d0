package spool

import "github.com/VictoriaMetrics/metrics"

type meters struct {
	events, full, unknown, damaged, missing, refused, renewals *metrics.Counter
	append                                                     *metrics.Histogram
}

func newMeters(set *metrics.Set, q *Queue) *meters {
	const name = "tomeishi_agent_spool_"
	locked := func(f func() float64) func() float64 {
		return func() float64 {
			q.mu.Lock()
			defer q.mu.Unlock()
			return f()
		}
	}
	set.GetOrCreateGauge(name+"bytes", locked(func() float64 { return float64(q.used()) }))
	set.GetOrCreateGauge(name+"waiting_blocks", locked(func() float64 { return float64(q.last - q.acked) }))
	set.GetOrCreateGauge(name+"refused_blocks", func() float64 {
		_, n := asideSize(q.dir)
		return float64(n)
	})
	return &meters{
		events:   set.GetOrCreateCounter(name + "events_total"),
		full:     set.GetOrCreateCounter(name + "full_total"),
		unknown:  set.GetOrCreateCounter(name + "unknown_total"),
		damaged:  set.GetOrCreateCounter(name + "damaged_total"),
		missing:  set.GetOrCreateCounter(name + "missing_blocks_total"),
		refused:  set.GetOrCreateCounter(name + "refused_total"),
		renewals: set.GetOrCreateCounter(name + "renewals_total"),
		append:   set.GetOrCreateHistogram(name + "append_seconds"),
	}
}
