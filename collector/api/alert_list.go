package api

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// A alertList has all alerts there are at one time: those that the machine holds,
// with the values and annotations that their rules find now, and those that only
// the rules of PromQL know.
type alertList struct {
	alerts []Alert         // first those of the machine, as they were raised
	of     map[owner][]int // places in alerts
	groups []listedGroup
}

// owner is the rule of an alert.
type owner struct {
	metric      machine.RuleID // of a metric rule; else zero
	group, name string         // of an event rule, or the name of a built-in alert
	builtIn     bool
}

type listedGroup struct {
	promrule.Group
	ids []machine.RuleID // of Rules; zero where it is not known
}

func ownerOf(m machine.Alert) owner {
	switch {
	case m.Metric:
		return owner{metric: m.RuleID}
	case builtIn(m):
		return owner{name: m.Rule, builtIn: true}
	}
	return owner{group: m.Group, name: m.Rule}
}

// builtIn tells whether an alert is about Tomeishi itself.
func builtIn(m machine.Alert) bool { return m.RuleID == machine.RuleID{} }

func (a *API) alertList() alertList {
	held := a.Machine.AlertsView()
	b := alertList{alerts: a.alerts(held, maxListed), of: map[owner][]int{}, groups: a.identified()}
	known := map[string]int{} // metric alerts that the machine holds
	for i, m := range held {
		o := ownerOf(m)
		b.of[o] = append(b.of[o], i)
		if m.Metric {
			known[alertKey(m.RuleID, m.Labels)] = i
		}
	}
	for _, m := range a.Machine.FormingView() {
		b.of[ownerOf(m)] = append(b.of[ownerOf(m)], len(b.alerts))
		pending := a.alert(m, []string{})
		pending.State, pending.Since = "pending", ""
		b.alerts = append(b.alerts, pending)
	}
	for _, g := range b.groups {
		for i, r := range g.Rules {
			for _, found := range r.Alerts {
				b.join(known, g.ids[i], found)
			}
		}
	}
	return b
}

// join adds what a rule finds to the alert that the machine holds, or as one
// that only the rule knows.
func (b *alertList) join(known map[string]int, id machine.RuleID, found promrule.Alert) {
	value := strconv.FormatFloat(found.Value, 'g', -1, 64)
	if i, ok := known[alertKey(id, boundLabels(found.Labels))]; ok {
		b.alerts[i].Value = value
		maps.Copy(b.alerts[i].Annotations, found.Annotations) // they may name the value
		return
	}
	o := owner{metric: id}
	b.of[o] = append(b.of[o], len(b.alerts))
	b.alerts = append(b.alerts, Alert{
		Labels: found.Labels, Annotations: found.Annotations, State: found.State, Value: value,
		ActiveAt: found.ActiveAt.UTC().Format(time.RFC3339Nano), Evidence: []string{},
	})
}

// list are the alerts of a rule.
func (b *alertList) list(o owner) []Alert {
	out := []Alert{}
	for _, i := range b.of[o] {
		out = append(out, b.alerts[i])
	}
	return out
}

// alertKey tells metric alerts apart. No text of a label has a byte 0xff, which
// is not UTF-8.
func alertKey(id machine.RuleID, labels []machine.Label) string {
	var b strings.Builder
	b.Write(id[:])
	for _, l := range labels {
		b.WriteString(l.Name + "\xff" + l.Value + "\xff")
	}
	return b.String()
}

// boundLabels are labels as the machine holds them.
func boundLabels(labels map[string]string) []machine.Label {
	out := make([]machine.Label, 0, len(labels))
	for name, value := range labels {
		out = append(out, machine.Label{Name: name, Value: value})
	}
	return machine.BoundLabels(out)
}

// identified are the groups of the rules of PromQL, with the machine's ids of
// those that alert. Rules of the live set that nobody evaluates yet are among
// them: their alerts may stand.
func (a *API) identified() []listedGroup {
	var out []listedGroup
	place := map[[2]string]int{}
	for _, g := range a.groups() {
		place[[2]string{g.File, g.Name}] = len(out)
		out = append(out, listedGroup{g, make([]machine.RuleID, len(g.Rules))})
	}
	seen := map[machine.RuleID]bool{}
	for _, r := range a.Machine.MetricRulesView() {
		if seen[r.ID] {
			continue // the alerts of twins are shown once
		}
		seen[r.ID] = true
		key := [2]string{r.File, r.Group}
		at, ok := place[key]
		if !ok {
			at = len(out)
			place[key] = at
			out = append(out, listedGroup{Group: promrule.Group{File: r.File, Name: r.Group}})
		}
		out[at].identify(r)
	}
	return out
}

// identify gives the first rule without an id that looks like it the rule's.
func (g *listedGroup) identify(r machine.MetricRuleView) {
	for i, have := range g.Rules {
		if have.Type == promrule.Alerting && have.Name == r.Name && have.Duration == r.For && g.ids[i] == (machine.RuleID{}) {
			g.ids[i] = r.ID
			return
		}
	}
	rule := promrule.Rule{
		Type: promrule.Alerting, Name: r.Name, Query: r.Expr, Duration: r.For, KeepFiringFor: r.KeepFiring, Health: "unknown", State: "unknown",
		Labels: map[string]string{}, Annotations: map[string]string{},
	}
	for _, l := range r.Labels {
		rule.Labels[l.Name] = l.Value
	}
	for _, l := range r.Annotations {
		rule.Annotations[l.Name] = l.Value
	}
	g.Rules, g.ids = append(slices.Clip(g.Rules), rule), append(g.ids, r.ID)
}
