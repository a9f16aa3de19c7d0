package collector

import (
	"context"
	"time"
)

// trimTape drops the segments that retention no longer wants.
func (c *Collector) trimTape(ctx context.Context) {
	keep := c.o.Config.Retention.Tape
	if keep == 0 {
		return
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := c.tape.Trim(time.Now().Add(-keep), 0); err != nil {
			c.log.Warn("trim the tape", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
