package collector

// measure names the gauges of the collector's own metrics.
func (c *Collector) measure() {
	m := c.metrics
	gauge := func(name string, value func() float64) { m.NewGauge(name, value) }
	gauge("tomeishi_rules_last_reload_successful", func() float64 { return number(c.reloader.get().err == nil) })
	gauge("tomeishi_rules_last_reload_success_timestamp_seconds", func() float64 {
		return float64(c.reloader.get().last.UnixMilli()) / 1000
	})
	gauge("tomeishi_events_accepted_total", func() float64 { return float64(c.machine.Totals().Accepted) })
	gauge("tomeishi_events_duplicates_total", func() float64 { return float64(c.machine.Totals().Duplicates) })
	gauge("tomeishi_events_late_total", func() float64 { return float64(c.machine.Totals().Late) })
	gauge("tomeishi_events_recounted_total", func() float64 { return float64(c.machine.Totals().Recounted) })
	gauge("tomeishi_recounts_due", func() float64 { return float64(c.machine.Totals().Owed) })
	gauge("tomeishi_events_set_aside_total", func() float64 { return float64(c.machine.Totals().SetAside) })
	gauge("tomeishi_events_ahead_total", func() float64 { return float64(c.machine.Totals().Ahead) })
	gauge("tomeishi_events_malformed_total", func() float64 { return float64(c.machine.Totals().Malformed) })
	gauge("tomeishi_alerts_firing", func() float64 { return float64(c.machine.Totals().Alerts) })
	gauge("tomeishi_holds", func() float64 { return float64(c.machine.Totals().Holds) })
	gauge("tomeishi_window_keys", func() float64 { return float64(c.machine.Totals().Keys) })
	gauge("tomeishi_machine_bytes", func() float64 { return float64(c.machine.Totals().Bytes) })
	gauge("tomeishi_rules_bytes", func() float64 { return float64(c.machine.Totals().RuleBytes) })
	gauge("tomeishi_rules_bytes_bound", func() float64 { return float64(c.leader.memory.bound) })
	gauge("tomeishi_rules_keys_shed_total", func() float64 { return float64(c.machine.Totals().Shed) })
	gauge("tomeishi_dedup_fingerprints", func() float64 { return float64(c.machine.Totals().Fingerprints) })
	gauge("tomeishi_dedup_forgotten_before_timestamp_seconds", func() float64 { return float64(c.machine.Totals().HorizonFloor) })
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
