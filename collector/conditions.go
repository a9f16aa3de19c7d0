package collector

import (
	"context"
	"errors"
	"strconv"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// maxRuleErrors bounds the rules that are named one by one.
const maxRuleErrors = 100

// maxRefused bounds the agents that are named because their token is refused.
const maxRefused = 10

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
	err := c.reloader.get().err
	_, half := errors.AsType[*metricError](err)
	if err != nil && !half {
		add("ReloadFailed", record.New(record.AboutReload, placeIn(err)...))
	}
	_, off := stands[conditionKey("LedgerTimeOff", nil)]
	if is, ok := c.timeOff(off); ok {
		out = append(out, is)
	}
	if c.ledger.Full() {
		add("DiskFull", record.New(record.AboutDiskFull))
	}
	if n := c.machine.LeftOut(); n > 0 {
		add("RuleErrors", record.New(record.AboutRulesLeftOut, strconv.Itoa(n)), machine.Label{Name: "error", Value: "load"})
	}
	if half || c.rules.Blind() != "" { // what metric rules of another set find is refused
		add("RuleErrors", record.New(record.AboutRulesBlind), machine.Label{Name: "error", Value: "blind"})
	}
	out = append(out, c.unfed(stands)...)
	if c.leader.memory.full.Load() {
		add("MemoryFull", record.New(record.AboutMemoryFull))
	}
	for _, f := range c.notify.Failing() {
		add("NotifyFailing", record.New(record.AboutNotifyFailing, f.Receiver, f.Integration),
			machine.BoundLabels([]machine.Label{{Name: "receiver", Value: f.Receiver}, {Name: "integration", Value: f.Integration}})...)
	}
	for _, f := range c.rules.Failing(maxRuleErrors) {
		add("RuleErrors", record.New(record.AboutMetricRule, f.Rule),
			machine.BoundLabels([]machine.Label{{Name: "error", Value: "metric"}, {Name: "rule", Value: f.Rule}})...)
	}
	if c.machine.BehaviorView() >= 3 {
		refused := c.door.Claims()
		for _, is := range refused[:min(len(refused), maxRefused)] {
			add("AgentRefused", record.New(record.AboutAgentRefused, is.Agent, is.Address),
				machine.BoundLabels([]machine.Label{{Name: "claimed", Value: is.Agent}, {Name: "address", Value: is.Address}})...)
		}
	}
	return out
}

// unfed are the metrics without which rules that guard a gate cannot become true, and
// that do not come. What was said of them stands until it is known that they come.
func (c *Collector) unfed(stands map[string]machine.ConditionView) (out []entry.Condition) {
	if c.machine.BehaviorView() < 3 {
		return nil
	}
	set, name := c.machine.LiveSet()
	found, known := c.rules.Unfed(context.Background(), set, name)
	if !known {
		for _, s := range stands {
			if s.Name == "RuleBlind" {
				out = append(out, entry.Condition{Name: s.Name, Labels: s.Labels, Firing: true, About: s.About})
			}
		}
		return out
	}
	for _, f := range found {
		labels := machine.BoundLabels([]machine.Label{{Name: "group", Value: f.Group}, {Name: "metric", Value: f.Metric}, {Name: "rule", Value: f.Rule}})
		about := record.New(record.AboutBlindMetric, f.Rule, labels[1].Value, f.Near)
		is := entry.Condition{Name: "RuleBlind", Labels: labels, Firing: true, About: about}
		if _, said := stands[conditionKey(is.Name, is.Labels)]; (said || f.Sure) && len(out) < maxRuleErrors {
			out = append(out, is)
		}
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
	case size == 0, c.ledger.Gone() != nil:
		return record.New(record.AboutDiskUnread)
	case free > most || free*100 > size*percent:
		return record.Note{}
	}
	return record.New(record.AboutDiskLow, strconv.FormatUint(percent, 10))
}

// timeOff is the condition that ledger time is far from the wall clock: by more
// than a second.
func (c *core) timeOff(stands bool) (entry.Condition, bool) {
	most := time.Second
	if stands {
		most = time.Second / 2
	}
	is := entry.Condition{Name: "LedgerTimeOff", Firing: true, Behind: c.ledger.TimeBehind()}
	switch {
	case c.ledger.TimeDoubted():
		is.About = record.New(record.AboutTimeDoubted)
	case is.Behind > most:
		is.About = record.New(record.AboutTimeBehind)
	case is.Behind < -most:
		is.About = record.New(record.AboutTimeAhead)
		is.Behind = 0
	default:
		return is, false
	}
	return is, true
}

// placeIn is the file and the line of the first problem, and how many there are;
// none if the error is not about a file's text. What is wrong there is said by
// detail, from memory: the ledger keeps no sentences.
func placeIn(err error) []string {
	wrong, ok := errors.AsType[*strictyaml.Error](err)
	if !ok {
		return nil
	}
	first := wrong.Problems[0]
	return []string{first.File, strconv.Itoa(first.Line), strconv.Itoa(len(wrong.Problems))}
}

// detail is what this collector remembers of a condition that stands, beside what
// the ledger keeps of it; empty after it is over, or where another collector saw
// it.
func (c *Collector) detail(a machine.Alert) string {
	if a.Ended != 0 {
		return ""
	}
	switch a.About.Kind {
	case record.AboutReload:
		if err := c.reloader.get().err; err != nil {
			return err.Error()
		}
	case record.AboutRulesLeftOut:
		return c.machine.LeftOutProblems()
	case record.AboutRulesBlind:
		if err := c.reloader.get().err; err != nil {
			return err.Error()
		}
		return c.rules.Blind()
	case record.AboutNotifyFailing:
		for _, f := range c.notify.Failing() {
			if f.Receiver == a.About.Arg("receiver") && f.Integration == a.About.Arg("integration") {
				return f.Error
			}
		}
	case record.AboutMetricRule:
		for _, f := range c.rules.Failing(maxRuleErrors) {
			if f.Rule == a.About.Arg("rule") {
				return f.Error
			}
		}
	default: // what the ledger keeps says all
	}
	return ""
}
