package series

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
)

// A GroupView is a group of metric rules as it is now.
type GroupView struct {
	File, Name     string
	Interval       time.Duration
	Limit          int           // of alerts or series of one rule; 0 for none
	LastEvaluation time.Time     // zero before the first
	EvaluationTime time.Duration // that the last one took
	Missed         uint64        // evaluations, because one before took too long
	Rules          []RuleView    // in the order of the file
}

// Types of rules.
const (
	Alerting  = "alerting"
	Recording = "recording"
)

// A RuleView is a metric rule as it is now.
type RuleView struct {
	Type           string // Alerting or Recording
	Name, Query    string
	Duration       time.Duration // of `for`
	KeepFiringFor  time.Duration
	Labels         map[string]string // templates, those of the group among them
	Annotations    map[string]string // templates
	Health         string            // ok, err or unknown
	LastError      string            // of the last evaluation; empty if it was well
	EvaluationTime time.Duration
	LastEvaluation time.Time
	State          string // firing, pending, inactive or unknown; empty for Recording
	Alerts         []AlertView
}

// An AlertView is an alert as its rule has it. Whether it stands is for the
// machine to say.
type AlertView struct {
	Labels, Annotations map[string]string
	State               string // pending or firing
	ActiveAt            time.Time
	Value               float64
}

// Groups are the groups that are evaluated, by file and name. There are none
// before Run.
func (r *Rules) Groups() []GroupView {
	now := r.loaded.Load()
	if now == nil {
		return nil
	}
	out := make([]GroupView, 0, len(now.groups))
	for _, g := range now.groups {
		out = append(out, g.view())
	}
	return out
}

// Failing are the rules whose last evaluation failed, in the order of Groups,
// each by its name and why; at most so many.
func (r *Rules) Failing(most int) (out []Failure) {
	now := r.loaded.Load()
	if now == nil {
		return nil
	}
	for _, g := range now.groups {
		for _, rule := range g.Rules() {
			if err := rule.LastError(); err != nil && len(out) < most {
				out = append(out, Failure{rule.Name(), err.Error()})
			}
		}
	}
	return out
}

// A Failure is why a rule could not be evaluated.
type Failure struct{ Rule, Error string }

func (g *group) view() GroupView {
	v := GroupView{
		File: g.File(), Name: g.Name(), Interval: g.Interval(), Limit: g.Limit(), Missed: g.missed.Load(),
		LastEvaluation: g.GetLastEvaluation(), EvaluationTime: g.GetEvaluationTime(),
	}
	rules := map[promrules.Rule]twin{}
	for _, a := range g.rules {
		for _, r := range a.twins {
			rules[r.AlertingRule] = r
		}
	}
	for _, r := range g.Rules() {
		view := ruleView(r)
		if alerting, ok := rules[r]; ok {
			alerting.view(&view)
		}
		v.Rules = append(v.Rules, view)
	}
	return v
}

func ruleView(r promrules.Rule) RuleView {
	v := RuleView{
		Type: Recording, Name: r.Name(), Query: r.Query().String(), Labels: r.Labels().Map(), Health: string(r.Health()),
		EvaluationTime: r.GetEvaluationDuration(), LastEvaluation: r.GetEvaluationTimestamp(),
	}
	if err := r.LastError(); err != nil {
		v.LastError = clip(err.Error())
	}
	return v
}

// view adds what only alerting rules have.
func (r twin) view(v *RuleView) {
	v.Type, v.State = Alerting, r.State().String()
	v.Duration, v.KeepFiringFor, v.Annotations = r.HoldDuration(), r.KeepFiringFor(), r.parsed.annotations
	alerts := r.ActiveAlerts()
	slices.SortFunc(alerts, func(x, y *promrules.Alert) int { return labels.Compare(x.Labels, y.Labels) })
	for _, a := range alerts {
		view := AlertView{
			Labels: a.Labels.Map(), Annotations: map[string]string{},
			State: a.State.String(), ActiveAt: a.ActiveAt, Value: a.Value,
		}
		for _, l := range r.annotations(a) {
			view.Annotations[l.Name] = l.Value
		}
		v.Alerts = append(v.Alerts, view)
	}
}
