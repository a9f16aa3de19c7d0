package series

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	// maxLevels and maxLevelsBytes bound the levels of one proposal.
	maxLevels      = 500
	maxLevelsBytes = 1 << 20
	// maxAnnotations and maxAnnotation, in bytes, bound those of one level.
	maxAnnotations = 64
	maxAnnotation  = 4 << 10
	// maxProposal is how long the proposals of one evaluation may take.
	maxProposal = 10 * time.Second
)

// An alerting is an alerting rule: what the machine knows under one ID.
type alerting struct {
	id    machine.RuleID
	twins []twin // more than one if rules are equal
	// warm tells whether, before the evaluation that is compared, every twin
	// knew since when its alerts are true. Prometheus reads that back from the
	// series after the second evaluation of a group that is new; what is
	// missing before may be true all the same.
	warm bool
	// needs are the groups that record what it reads.
	needs []*promrules.Group
	// keep is keep_firing_for, the longest of the twins, and seen what stands and has
	// been true since this set is evaluated. Prometheus does not read back when
	// the others were true last, so those are kept as long from the beginning.
	keep time.Duration
	seen map[string]bool
}

type twin struct {
	*promrules.AlertingRule
	parsed parsedAlert
}

// before is called before an evaluation.
func (g *group) before() {
	for _, a := range g.rules {
		a.warm = !slices.ContainsFunc(a.twins, func(r twin) bool { return !r.Restored() })
	}
}

// differences are where what fires and what stands differ.
type differences struct {
	firing   []entry.Level
	resolved []string
}

// compare is called after an evaluation.
func (g *group) compare(standing func(machine.RuleID) []machine.Standing, since time.Duration) (d differences) {
	for _, a := range g.rules {
		a.compare(standing(a.id), since, &d)
	}
	return d
}

// An active is an alert whose expression is true, or was until lately.
type active struct {
	*promrules.Alert
	of     twin
	labels []machine.Label
	known  bool // the machine has it
	stands bool // and need not be told again
}

// compare adds the differences of one rule. Pending is true too: what stands
// does not end by it.
func (a *alerting) compare(standing []machine.Standing, since time.Duration, d *differences) {
	alerts := a.active()
	mayEnd := a.warm && !a.waits(since) && !slices.ContainsFunc(a.twins, func(r twin) bool { return !evaluated(r.AlertingRule) })
	seen := map[string]bool{}
	for _, s := range standing {
		key := labelsKey(s.Labels)
		have := alerts[key]
		if a.keep > 0 && (have != nil || a.seen[key]) {
			seen[key] = true
		}
		switch {
		case have != nil:
			have.known, have.stands = true, !s.Unheard && !s.Renew // one that fires is heard again
		case mayEnd && !s.Silent && (seen[key] || since >= a.keep):
			d.resolved = append(d.resolved, s.ID)
		}
	}
	a.seen = seen
	// One more than can stand says that there are more; all of them, again and
	// again, would fill the ledger.
	room := max(0, machine.MaxStanding-len(standing)) + 1
	for _, have := range inOrder(alerts) {
		if have.State != promrules.StateFiring || have.stands {
			continue
		}
		if !have.known {
			if room == 0 {
				continue
			}
			room--
		}
		d.firing = append(d.firing, a.level(have))
	}
}

// inOrder are the alerts that have been true for longest first.
func inOrder(alerts map[string]*active) []*active {
	return slices.SortedFunc(maps.Values(alerts), func(x, y *active) int {
		return cmp.Or(x.ActiveAt.Compare(y.ActiveAt), slices.CompareFunc(x.labels, y.labels, byLabel))
	})
}

func byLabel(x, y machine.Label) int {
	return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Value, y.Value))
}

// evaluated tells whether a rule's alerts are those of its last evaluation. A
// series that two rules make with other values is an error of the rule, but
// not of its alerts.
func evaluated(r *promrules.AlertingRule) bool {
	return r.Health() == promrules.HealthGood || errors.Is(r.LastError(), storage.ErrDuplicateSampleForTimestamp)
}

// active are the alerts that are pending or firing, by what the machine takes
// for one.
func (a *alerting) active() map[string]*active {
	out := map[string]*active{}
	for _, r := range a.twins {
		for _, alert := range r.ActiveAlerts() {
			l := machine.BoundLabels(pairs(alert.Labels))
			key := labelsKey(l)
			if have := out[key]; have == nil || have.State < alert.State {
				out[key] = &active{Alert: alert, of: r, labels: l}
			}
		}
	}
	return out
}

func (a *alerting) level(have *active) entry.Level {
	return entry.Level{
		Rule:        hex.EncodeToString(a.id[:]),
		Labels:      have.labels,
		Annotations: have.of.annotations(have.Alert),
		Value:       strconv.FormatFloat(have.Value, 'g', -1, 64),
		Active:      have.ActiveAt.UnixNano(),
	}
}

// pairs are labels as the machine has them, sorted by name.
func pairs(ls labels.Labels) []machine.Label {
	out := make([]machine.Label, 0, ls.Len())
	ls.Range(func(l labels.Label) { out = append(out, machine.Label{Name: l.Name, Value: l.Value}) })
	return out
}

// annotations are those of an alert of the rule, sorted by name.
func (r twin) annotations(a *promrules.Alert) []machine.Label {
	out := append(pairs(a.Annotations), r.parsed.fixed...)
	slices.SortFunc(out, byLabel)
	out = out[:min(len(out), maxAnnotations)]
	for i, l := range out {
		out[i].Value = clip(l.Value)
	}
	return out
}

// clip is a text that is short enough, in valid UTF-8.
func clip(s string) string {
	if len(s) > maxAnnotation {
		s = strings.ToValidUTF8(s[:maxAnnotation], "") + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// labelsKey tells label sets apart: no label has a byte 0xff, which is not
// UTF-8.
func labelsKey(ls []machine.Label) string {
	var b strings.Builder
	for _, l := range ls {
		b.WriteString(l.Name)
		b.WriteByte(0xff)
		b.WriteString(l.Value)
		b.WriteByte(0xff)
	}
	return b.String()
}

// proposals are the differences in pieces that are small enough. What fires
// comes first, so that an incident whose alert only changes its labels goes on.
func (d differences) proposals() (out []entry.Levels) {
	for len(d.firing)+len(d.resolved) > 0 {
		fires, ends := fitting(d.firing), 0
		if fires == len(d.firing) {
			ends = min(len(d.resolved), maxLevels-fires)
		}
		out = append(out, entry.Levels{Firing: d.firing[:fires], Resolved: d.resolved[:ends]})
		d.firing, d.resolved = d.firing[fires:], d.resolved[ends:]
	}
	return out
}

// fitting is how many levels one proposal takes, which is at least one.
func fitting(levels []entry.Level) int {
	bytes := 0
	for i, l := range levels[:min(len(levels), maxLevels)] {
		for _, texts := range [][]machine.Label{l.Labels, l.Annotations} {
			for _, t := range texts {
				bytes += len(t.Name) + len(t.Value)
			}
		}
		if i > 0 && bytes > maxLevelsBytes {
			return i
		}
	}
	return min(len(levels), maxLevels)
}

// propose puts the differences into the ledger. What fails or is not known is
// found again by the next evaluation, if it is still so; that one must not
// wait for this.
func (r *Rules) propose(ctx context.Context, set string, interval time.Duration, d differences) {
	ctx, cancel := context.WithTimeout(ctx, min(interval*3/4, maxProposal))
	defer cancel()
	for _, l := range d.proposals() {
		l.Set = set
		err := r.o.Propose(ctx, l)
		if err != nil {
			r.failed.Inc()
			if !r.refused.Swap(true) {
				r.o.Log.Warn("alerts of metric rules are not in the ledger: the next evaluation tries again", "error", err)
			}
			return
		}
		r.fired.Add(len(l.Firing))
		r.resolved.Add(len(l.Resolved))
		if r.refused.Swap(false) {
			r.o.Log.Info("alerts of metric rules are in the ledger again")
		}
	}
}
