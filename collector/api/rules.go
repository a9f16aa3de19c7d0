package api

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// Rule is an alerting rule in the shape of Prometheus's API; what counts
// instead of an expression stands in query.
type Rule struct {
	Type           string            `json:"type"`
	Name           string            `json:"name"`
	Query          string            `json:"query"`
	Duration       float64           `json:"duration"`      // seconds
	KeepFiringFor  float64           `json:"keepFiringFor"` // seconds
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	Alerts         []Alert           `json:"alerts"`
	State          string            `json:"state"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"` // seconds
	LastEvaluation time.Time         `json:"lastEvaluation"`
	*Counts
}

// Counts are what happened to the events of an event rule.
type Counts struct {
	Counting  string `json:"countingSince"`
	LastFired string `json:"lastFired,omitempty"`
	Keys      int    `json:"keys"`
	Matched   uint64 `json:"matched"`
	Missing   uint64 `json:"missing"`
	Late      uint64 `json:"late"`
	Errors    uint64 `json:"errors"`
	Saturated uint64 `json:"saturated,omitempty"` // events of keys of which something was forgotten for want of room
	Shed      uint64 `json:"shed,omitempty"`      // keys that were forgotten for want of memory
	// Unseen are the types that it reads and of which no event has come yet.
	Unseen []string `json:"unseen,omitempty"`
}

// RecordingRule is a recording rule in the shape of Prometheus's API.
type RecordingRule struct {
	Type           string            `json:"type"`
	Name           string            `json:"name"`
	Query          string            `json:"query"`
	Labels         map[string]string `json:"labels"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"` // seconds
	LastEvaluation time.Time         `json:"lastEvaluation"`
}

type ruleGroup struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"`    // Rule, RecordingRule
	Interval       float64   `json:"interval"` // seconds; 0 where events are judged as they come
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"` // seconds
	LastEvaluation time.Time `json:"lastEvaluation"`
}

// ruleList is the answer to GET /api/v1/rules.
type ruleList struct {
	Groups []*ruleGroup `json:"groups"`
	Next   string       `json:"groupNextToken,omitempty"`
}

func (a *API) getRules(w http.ResponseWriter, r *http.Request) {
	ask, err := readRuleAsk(r.URL.RawQuery)
	if err != nil {
		badData(w, err)
		return
	}
	list, err := ask.page(a.ruleGroups(ask))
	if err != nil {
		badData(w, err)
		return
	}
	report.WriteJSON(w, http.StatusOK, promAnswer{"success", list})
}

// ruleGroups are all groups that have a rule which is asked for, by file and
// name.
func (a *API) ruleGroups(ask ruleAsk) []*ruleGroup {
	groups := map[[2]string]*ruleGroup{}
	add := func(file string, g ruleGroup, name string, rule any) {
		key := [2]string{file, g.Name}
		if !ask.wants(file, g.Name, name, rule) {
			return
		}
		if alerting, ok := rule.(Rule); ok && ask.noAlerts {
			alerting.Alerts = nil
			rule = alerting
		}
		if groups[key] == nil {
			g.File = file
			groups[key] = &g
		}
		groups[key].Rules = append(groups[key].Rules, rule)
	}
	b := a.alertList()
	for _, g := range b.groups {
		shape := ruleGroup{
			Name: g.Name, Interval: g.Interval.Seconds(), Limit: g.Limit,
			EvaluationTime: g.EvaluationTime.Seconds(), LastEvaluation: g.LastEvaluation,
		}
		for i, r := range g.Rules {
			if r.Type == promrule.Recording {
				add(g.File, shape, r.Name, recordingShape(r))
			} else {
				add(g.File, shape, r.Name, metricShape(r, b.list(owner{metric: g.ids[i]})))
			}
		}
	}
	_, _, now := a.Machine.At()
	views, _, _ := a.Machine.RulesView()
	for _, v := range views {
		group := ruleGroup{Name: v.Group, LastEvaluation: now}
		if rule := a.eventShape(v, b.list(owner{group: v.Group, name: v.Name}), now); v.Records {
			add(v.File, group, v.Name, recordedShape(rule))
		} else {
			add(v.File, group, v.Name, rule)
		}
	}
	for _, name := range b.builtIns() {
		rule := builtInShape(name, b.list(owner{builtIn: true, name: name}), now)
		add("built in", ruleGroup{Name: "tomeishi", LastEvaluation: now}, name, rule)
	}
	return slices.SortedFunc(maps.Values(groups), func(x, y *ruleGroup) int {
		return cmp.Or(strings.Compare(x.File, y.File), strings.Compare(x.Name, y.Name))
	})
}

// builtIns are the names of the built-in alerts that stand.
func (b *alertList) builtIns() (names []string) {
	for o := range b.of {
		if o.builtIn {
			names = append(names, o.name)
		}
	}
	slices.Sort(names)
	return names
}

func recordingShape(r promrule.Rule) RecordingRule {
	return RecordingRule{
		Type: promrule.Recording, Name: r.Name, Query: r.Query, Labels: r.Labels, Health: r.Health, LastError: r.LastError,
		EvaluationTime: r.EvaluationTime.Seconds(), LastEvaluation: r.LastEvaluation,
	}
}

// recordedShape is a rule that records events.
func recordedShape(r Rule) RecordingRule {
	return RecordingRule{
		Type: promrule.Recording, Name: r.Name, Query: r.Query, Labels: r.Labels,
		Health: r.Health, LastError: r.LastError, LastEvaluation: r.LastEvaluation,
	}
}

func metricShape(r promrule.Rule, alerts []Alert) Rule {
	return Rule{
		Type: promrule.Alerting, Name: r.Name, Query: r.Query, Duration: r.Duration.Seconds(), KeepFiringFor: r.KeepFiringFor.Seconds(),
		Labels: r.Labels, Annotations: r.Annotations, Alerts: alerts, State: stateOf(alerts, r.State),
		Health: r.Health, LastError: r.LastError, EvaluationTime: r.EvaluationTime.Seconds(), LastEvaluation: r.LastEvaluation,
	}
}

// stateOf is the state of a rule with these alerts.
func stateOf(alerts []Alert, none string) string {
	state := none
	for _, a := range alerts {
		if a.State == "firing" {
			return a.State
		}
		state = a.State
	}
	if len(alerts) == 0 && state != "unknown" {
		return "inactive" // what the rule found before has ended
	}
	return state
}

// ill is how long a rule counts as ill after an error.
const ill = time.Hour

func (a *API) eventShape(v machine.RuleView, alerts []Alert, now time.Time) Rule {
	r := Rule{
		Type: promrule.Alerting, Name: v.Name, Query: v.Explain(), Duration: v.For.Seconds(), KeepFiringFor: v.KeepFiring.Seconds(),
		Labels: map[string]string{}, Annotations: map[string]string{},
		Alerts: alerts, State: stateOf(alerts, "inactive"), Health: "ok", LastEvaluation: now,
		Counts: &Counts{
			Counting: rfc3339(v.Began.UnixNano()), LastFired: rfc3339(v.LastFired), Keys: v.Keys,
			Matched: v.Matched, Missing: v.Missing, Late: v.Late, Errors: v.RuleStats.Errors,
			Saturated: v.Saturated, Shed: v.Shed,
			Unseen: v.Unseen,
		},
	}
	for _, l := range v.Labels {
		r.Labels[l.Name] = l.Value
	}
	for _, l := range v.Annotations {
		r.Annotations[l.Name] = l.Value
	}
	if v.RuleStats.Errors > 0 && now.UnixNano()-v.LastErrorAt < int64(ill) {
		r.Health, r.LastError = "err", a.Message.Record(v.LastError)
	}
	if !v.Blind.IsZero() {
		r.Health, r.LastError = "err", a.Message.Record(v.Blind)
	}
	return r
}

func builtInShape(name string, alerts []Alert, now time.Time) Rule {
	return Rule{
		Type: promrule.Alerting, Name: name, Query: "built in", Labels: map[string]string{}, Annotations: map[string]string{},
		Alerts: alerts, State: "firing", Health: "ok", LastEvaluation: now,
	}
}
