package collector

import (
	"context"
	"maps"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
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
	add := func(name string, about record.Note, labels ...machine.Label) {
		out = append(out, entry.Condition{Name: name, Labels: labels, Firing: true, About: about})
	}
	_, low := stands[conditionKey("DiskLow", nil)]
	if about := c.diskLow(low); !about.IsZero() {
		add("DiskLow", about)
	}
	if err := c.reload.get().err; err != nil {
		add("ReloadFailed", record.New(record.AboutReload, placeIn(err)...))
	}
	_, off := stands[conditionKey("LedgerTimeOff", nil)]
	if about := timeOff(time.Duration(c.ledger.Now()-time.Now().UnixNano()), off); !about.IsZero() {
		add("LedgerTimeOff", about)
	}
	if c.ledger.Full() {
		add("DiskFull", record.New(record.AboutDiskFull))
	}
	if c.rules.Blind() != "" {
		add("RuleErrors", record.New(record.AboutRulesBlind), machine.Label{Name: "error", Value: "blind"})
	}
	for _, f := range c.notify.Failing() {
		add("NotifyFailing", record.New(record.AboutNotifyFailing, f.Receiver, f.Integration),
			machine.BoundLabels([]machine.Label{{Name: "receiver", Value: f.Receiver}, {Name: "integration", Value: f.Integration}})...)
	}
	for _, f := range c.rules.Failing(maxRuleErrors) {
		add("RuleErrors", record.New(record.AboutMetricRule, f.Rule),
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
func (c *Collector) diskLow(stands bool) record.Note {
	free, size := c.disk()
	percent, most := uint64(10), uint64(20<<30)
	if stands {
		percent, most = 12, 22<<30
	}
	switch {
	case size == 0:
		return record.New(record.AboutDiskUnread)
	case free > most || free*100 > size*percent:
		return record.Note{}
	}
	return record.New(record.AboutDiskLow, strconv.FormatUint(percent, 10))
}

// timeOff says how far ledger time is from the wall clock, if it is far: more
// than a second.
func timeOff(ahead time.Duration, stands bool) record.Note {
	most := time.Second
	if stands {
		most = time.Second / 2
	}
	switch {
	case ahead > most:
		return record.New(record.AboutTimeAhead)
	case ahead < -most:
		return record.New(record.AboutTimeBehind)
	}
	return record.Note{}
}

// problemAt is how a problem of a file begins: FILE:LINE:COLUMN.
var problemAt = regexp.MustCompile(`^([^:\n]+):(\d+):\d+: `)

// placeIn is the first place that an error names: the file and the line. What is
// wrong there says the screen, from what the collector itself remembers.
func placeIn(err error) []string {
	found := problemAt.FindStringSubmatch(err.Error())
	if found == nil {
		return nil
	}
	return found[1:]
}

// lead notes in the ledger that this collector serves from now on, and raises the
// version of the machine's behavior to what this program knows. A live rule set
// that does not load under it keeps the earlier one.
func (c *Collector) lead(ctx context.Context) error {
	if _, err := c.must(ctx, entry.KindLead, entry.Lead{}); err != nil {
		return err
	}
	now := c.machine.BehaviorView()
	if now >= machine.Behavior {
		return nil
	}
	out, err := c.submit(ctx, entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	if err != nil {
		return err
	}
	if refusal, ok := out.(*machine.Refusal); ok {
		c.log.Warn("behavior version not raised", "version", now, "newest", machine.Behavior, "error", refusal)
		return nil
	}
	c.log.Info("behavior version raised", "from", now, "to", machine.Behavior)
	return nil
}
