package series

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/tomeishi/tomeishi/collector/promrule"
)

// Groups are the groups that are evaluated, by file and name. There are none
// before Run.
func (r *Rules) Groups() []promrule.Group {
	now := r.loaded.Load()
	if now == nil {
		return nil
	}
	out := make([]promrule.Group, 0, len(now.groups))
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

func (g *group) view() promrule.Group {
	v := promrule.Group{
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

func ruleView(r promrules.Rule) promrule.Rule {
	v := promrule.Rule{
		Type: promrule.Recording, Name: r.Name(), Query: r.Query().String(), Labels: r.Labels().Map(), Health: string(r.Health()),
		EvaluationTime: r.GetEvaluationDuration(), LastEvaluation: r.GetEvaluationTimestamp(),
	}
	if err := r.LastError(); err != nil {
		v.LastError = clip(err.Error())
	}
	return v
}

// view adds what only alerting rules have.
func (r twin) view(v *promrule.Rule) {
	v.Type, v.State = promrule.Alerting, r.State().String()
	v.Duration, v.KeepFiringFor, v.Annotations = r.HoldDuration(), r.KeepFiringFor(), r.parsed.annotations
	alerts := r.ActiveAlerts()
	slices.SortFunc(alerts, func(x, y *promrules.Alert) int { return labels.Compare(x.Labels, y.Labels) })
	for _, a := range alerts {
		view := promrule.Alert{
			Labels: a.Labels.Map(), Annotations: map[string]string{},
			State: a.State.String(), ActiveAt: a.ActiveAt, Value: a.Value,
		}
		for _, l := range r.annotations(a) {
			view.Annotations[l.Name] = l.Value
		}
		v.Alerts = append(v.Alerts, view)
	}
}
