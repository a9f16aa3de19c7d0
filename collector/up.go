package collector

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

const (
	selfInterval = 5 * time.Second
	// heardWithin is how lately an agent must have been heard to count as up.
	heardWithin = 10 * time.Second
)

// every calls do again and again until ctx ends.
func every(ctx context.Context, do func()) {
	tick := time.NewTicker(selfInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// watchAgents tells the series which agents are up, and what rules record of events. It has a goroutine of its
// own, because the series may stall.
func (c *Collector) watchAgents(ctx context.Context) {
	every(ctx, func() {
		if err := c.series.Own(ctx, time.Now(), append(c.ups(), c.recorded()...)); err != nil && ctx.Err() == nil {
			c.log.Debug("note which agents are up, and what rules record", "error", err)
		}
		c.rate.look(time.Now(), c.series.Stats().Appended)
	})
}

// ups are the values of up, one for each agent that is known. While what agents
// send is refused, nobody knows.
func (c *Collector) ups() (out []series.OwnSample) {
	if c.ledger.Full() {
		return nil
	}
	now := c.ledger.Now()
	for _, a := range c.machine.AgentsView() {
		out = append(out, series.OwnSample{
			Labels: map[string]string{"__name__": "up", "job": "node", "instance": a.ID},
			Value:  number(now-a.Heard <= int64(heardWithin)),
		})
	}
	return out
}

// recorded is what rules record of events.
func (c *Collector) recorded() (out []series.OwnSample) {
	c.machine.Recorded(func(name string, labels []machine.Label, value decimal.Decimal) {
		s := series.OwnSample{Labels: map[string]string{"__name__": name}}
		for _, l := range labels {
			s.Labels[l.Name] = l.Value
		}
		s.Value, _ = strconv.ParseFloat(value.String(), 64) // the nearest there is
		out = append(out, s)
	})
	return out
}

// rate is how fast a count rises, over the last two looks at it.
type rate struct {
	mu   sync.Mutex // guards what follows
	at   time.Time
	last uint64
	per  float64 // a second
}

func (r *rate) look(at time.Time, count uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if took := at.Sub(r.at).Seconds(); !r.at.IsZero() && took > 0 {
		r.per = float64(count-r.last) / took
	}
	r.at, r.last = at, count
}

func (r *rate) perSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.per
}
