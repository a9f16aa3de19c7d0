package collector

import "github.com/tomeishi/tomeishi/collector/api"

// status adds what only the whole collector knows.
func (c *Collector) status() api.Status {
	s := api.Status{Version: c.o.Version, Data: c.o.Config.Data, DiskFull: c.ledger.Full()}
	s.DiskFree, s.DiskSize = c.disk()
	v := c.series.Stats()
	s.Series = &api.SeriesStatus{Count: v.Series, Rate: c.rate.perSecond(), Lag: v.Lag, CatchingUp: v.CatchingUp, Paused: v.Paused}
	if err := c.reloader.get().err; err != nil {
		s.RuleError = err.Error()
	}
	return s
}
