package collector

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series"
)

const (
	selfInterval = 5 * time.Second
	// heardWithin is how lately an agent must have been heard to count as up.
	heardWithin = 10 * time.Second
	// maxRuleErrors bounds the rules that are named one by one.
	maxRuleErrors = 100
)

// watchSelf tells the ledger how Tomeishi itself is.
func (c *Collector) watchSelf(ctx context.Context) {
	c.every(ctx, func() { c.compareConditions(ctx) })
}

// watchAgents tells the series which agents are up. It has a goroutine of its
// own, because the series may stall.
func (c *Collector) watchAgents(ctx context.Context) {
	c.every(ctx, func() {
		if err := c.series.Own(ctx, time.Now(), c.ups()); err != nil && ctx.Err() == nil {
			c.log.Debug("note which agents are up", "error", err)
		}
		c.rate.look(time.Now(), c.series.Stats().Appended)
	})
}

func (c *Collector) every(ctx context.Context, do func()) {
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

// rate is how fast a count rises, over the last two looks at it.
type rate struct {
	mu   sync.Mutex
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

// compareConditions proposes where what is and what stands differ. What is not
// committed is found again the next time. A text is that of the moment at which
// the condition began: one that changes by itself would fill the ledger.
func (c *Collector) compareConditions(ctx context.Context) {
	stands := map[string]machine.ConditionView{}
	for _, s := range c.machine.Conditions() {
		stands[conditionKey(s.Name, s.Labels)] = s
	}
	past := maps.Clone(stands)
	for _, is := range c.conditions(stands) {
		key := conditionKey(is.Name, is.Labels)
		if _, ok := stands[key]; !ok {
			c.note(ctx, is)
		}
		delete(past, key) // two rules may have one name
	}
	for _, over := range past {
		c.note(ctx, entry.Condition{Name: over.Name, Labels: over.Labels})
	}
}

func (c *Collector) note(ctx context.Context, condition entry.Condition) {
	_, err := c.must(ctx, entry.KindCondition, condition)
	if err != nil && ctx.Err() == nil {
		c.log.Warn("note a condition", "name", condition.Name, "error", err)
	}
}

func conditionKey(name string, labels []machine.Label) string {
	return name + " " + machine.Text(labels)
}

// conditions are the built-in alerts that only the edge can see and that are
// true now. What stands already needs less to go on: nothing flaps.
func (c *Collector) conditions(stands map[string]machine.ConditionView) (out []entry.Condition) {
	add := func(name, text string, labels ...machine.Label) {
		out = append(out, entry.Condition{Name: name, Labels: labels, Firing: true, Text: text})
	}
	_, low := stands[conditionKey("DiskLow", nil)]
	if text := c.diskLow(low); text != "" {
		add("DiskLow", text)
	}
	if err := c.reload.get().err; err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		add("ReloadFailed", "what was to be loaded again has an error, and what was there before goes on: "+first)
	}
	_, off := stands[conditionKey("LedgerTimeOff", nil)]
	if text := timeOff(time.Duration(c.ledger.Now()-time.Now().UnixNano()), off); text != "" {
		add("LedgerTimeOff", text)
	}
	if c.ledger.Full() {
		add("DiskFull", "the collector's disk is full: what is reported is refused and waits at the agents; gates and decisions still work")
	}
	if text := c.rules.Blind(); text != "" {
		add("RuleErrors", "metric rules are not evaluated: "+text, machine.Label{Name: "error", Value: "blind"})
	}
	for _, f := range c.notify.Failing() {
		add("NotifyFailing", "people are not told through "+f.Integration+" of receiver "+f.Receiver+": "+f.Error,
			machine.BoundLabels([]machine.Label{{Name: "receiver", Value: f.Receiver}, {Name: "integration", Value: f.Integration}})...)
	}
	for _, f := range c.rules.Failing(maxRuleErrors) {
		add("RuleErrors", "rule "+f.Rule+" could not be evaluated: "+f.Error,
			machine.BoundLabels([]machine.Label{{Name: "error", Value: "metric"}, {Name: "rule", Value: f.Rule}})...)
	}
	return out
}

// disk is how much room the data folder's disk has, and its size, in bytes; 0
// if nobody knows.
func (c *Collector) disk() (free, size uint64) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(c.o.Config.Data, &fs); err != nil {
		return 0, 0
	}
	return fs.Bavail * uint64(fs.Bsize), fs.Blocks * uint64(fs.Bsize)
}

// diskLow says that the data folder has little room left: a tenth of the disk,
// and less than 20 GiB.
func (c *Collector) diskLow(stands bool) string {
	free, size := c.disk()
	percent, most := uint64(10), uint64(20<<30)
	if stands {
		percent, most = 12, 22<<30
	}
	switch {
	case size == 0:
		return "the collector's data folder cannot be read"
	case free > most || free*100 > size*percent:
		return ""
	}
	return fmt.Sprintf("less than %d %% of the collector's disk is free", percent)
}

// timeOff says how far ledger time is from the wall clock, if it is far: more
// than a second.
func timeOff(ahead time.Duration, stands bool) string {
	most := time.Second
	if stands {
		most = time.Second / 2
	}
	switch {
	case ahead > most:
		return "ledger time is ahead of this host's clock: the clock was set back, or was ahead before"
	case ahead < -most:
		return "ledger time is behind this host's clock and catches up by a tenth: the clock was set forward"
	}
	return ""
}

// lead notes in the ledger that this collector serves from now on.
func (c *Collector) lead(ctx context.Context) error {
	_, err := c.must(ctx, entry.KindLead, entry.Lead{})
	return err
}
