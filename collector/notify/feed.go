package notify

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// Annotations that tie an alert to what the machine knows.
const (
	alertAnnotation    = "tomeishi_alert"
	incidentAnnotation = "incident"
)

type fingerprint = model.Fingerprint

// told is one alert of the machine as the dispatcher knows it.
type told struct {
	id    string
	alert *alert.Alert
}

// A follower brings the machine's alerts to the dispatcher.
type follower struct {
	n *Notifier
	// standing are the alerts that stand, by their labels, in the order they
	// came: alerts with equal labels are one for Alertmanager, which is over
	// when the last of them is.
	standing map[fingerprint][]*told
	// under are the alerts that stand, by their ids, as they were put last.
	under map[string]*alert.Alert
}

func (f *follower) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.n.o.Feed.News():
			f.take(ctx)
		}
	}
}

// take puts what changed.
func (f *follower) take(ctx context.Context) {
	alerts := f.n.o.Feed.Take()
	if len(alerts) == 0 {
		return
	}
	if err := f.n.alerts.Put(ctx, f.changes(alerts, time.Now())...); err != nil {
		f.n.log.Error("put alerts", "error", err)
	}
}

// changes are what the dispatcher should have, each set of labels once, as it is at
// the end.
func (f *follower) changes(alerts []machine.Alert, now time.Time) []*alert.Alert {
	changed := make([]fingerprint, 0, len(alerts))
	put := make(map[fingerprint]*alert.Alert, len(alerts))
	change := func(a machine.Alert, c *alert.Alert) {
		fp := c.Fingerprint()
		if put[fp] == nil {
			changed = append(changed, fp)
		}
		put[fp] = f.change(fp, a, c)
	}
	for _, a := range alerts {
		c := f.n.convert(a, now)
		if before := f.under[a.ID]; before != nil && before.Fingerprint() != c.Fingerprint() {
			// It is masked otherwise than it was: under its old labels it is over.
			over, was := *before, a
			over.UpdatedAt, over.EndsAt, was.Ended = now, now, now.UnixNano()
			change(was, &over)
		}
		change(a, c)
	}
	out := make([]*alert.Alert, len(changed))
	for i, fp := range changed {
		out[i] = put[fp]
	}
	return out
}

// change notes an alert and returns what the dispatcher should have for its
// labels.
func (f *follower) change(fp fingerprint, a machine.Alert, c *alert.Alert) *alert.Alert {
	all := slices.DeleteFunc(f.standing[fp], func(t *told) bool { return t.id == a.ID })
	delete(f.under, a.ID)
	if a.Ended == 0 {
		all = append(all, &told{a.ID, c})
		f.under[a.ID] = c
	}
	if len(all) == 0 {
		delete(f.standing, fp)
		return c
	}
	f.standing[fp] = all
	if len(all) == 1 && all[0].alert == c {
		return c
	}
	last := *all[len(all)-1].alert
	last.UpdatedAt = c.UpdatedAt
	for _, t := range all {
		if t.alert.StartsAt.Before(last.StartsAt) {
			last.StartsAt = t.alert.StartsAt
		}
	}
	return &last
}

// convert makes an alert Alertmanager's. It has no timeout: the machine always
// says when it is over.
func (n *Notifier) convert(a machine.Alert, now time.Time) *alert.Alert {
	labels := make(model.LabelSet, len(a.Labels))
	for _, l := range a.Labels {
		labels[model.LabelName(l.Name)] = model.LabelValue(l.Value)
	}
	annotations := model.LabelSet{alertAnnotation: model.LabelValue(a.ID)}
	if n.o.Annotations != nil {
		for name, value := range n.o.Annotations(a) {
			annotations[model.LabelName(name)] = model.LabelValue(value)
		}
	}
	if a.Incident != "" {
		annotations[incidentAnnotation] = model.LabelValue(a.Incident)
	}
	c := alert.New(model.Alert{
		Labels: labels, Annotations: annotations, StartsAt: time.Unix(0, a.Raised),
		GeneratorURL: n.o.External + "/alerts/" + a.ID,
	}, now, false)
	if a.Ended != 0 {
		// Ledger time may be ahead of the wall, and an alert that ends later
		// stands.
		c.EndsAt = time.Unix(0, min(a.Ended, now.UnixNano()))
	}
	return c
}
