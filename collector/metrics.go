package collector

import (
	"context"
	"iter"
	"path/filepath"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/series"
)

// openSeries opens the view of metrics and the rules on it.
func (c *Collector) openSeries() (err error) {
	log := c.log.With("component", "series")
	c.series, err = series.Open(series.Options{
		Dir: filepath.Join(c.o.Config.Data, "series"), Retention: c.o.Config.Retention.Series,
		Interval: c.o.Config.EvaluationInterval, Entries: c.entries, Propose: c.proposeWrite, Log: log, Metrics: c.metrics, Version: c.o.Version,
	})
	if err != nil {
		return err
	}
	c.onClose("series", c.series.Close)
	c.rules, err = series.NewRules(c.series, series.RulesOptions{
		Interval: c.o.Config.EvaluationInterval, ExternalLabels: c.o.Config.Labels, ExternalURL: c.o.Config.ExternalURL,
		Standing: c.machine.Standing, Propose: c.proposeLevels, Log: log, Metrics: c.metrics,
	})
	return err
}

// entries reads the tape as the series want it.
func (c *Collector) entries(from uint64) iter.Seq2[entry.Entry, error] {
	return func(yield func(entry.Entry, error) bool) {
		for item, err := range c.tape.From(from) {
			e := entry.Entry{Index: item.Index}
			if err == nil {
				e, err = item.Open()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// proposeWrite puts samples that came in by remote write into the ledger.
func (c *Collector) proposeWrite(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (uint64, error) {
	index, out, err := c.propose(ctx, kind, body, digest)
	if err == nil {
		err = asError(out)
	}
	return index, err
}

// proposeLevels puts what metric rules found into the ledger.
func (c *Collector) proposeLevels(ctx context.Context, l entry.Levels) error {
	_, err := c.must(ctx, entry.KindLevels, l)
	return err
}

// loadMetricRules makes the live set's metric rules run.
func (c *Collector) loadMetricRules() error {
	set, name := c.machine.LiveSet()
	if set == nil {
		return nil
	}
	return c.rules.Load(name, set.Prometheus, set.Metrics)
}

// asError is the error among the outcomes of an entry.
func asError(out any) error {
	err, _ := out.(error)
	return err
}
