package api

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/record"
)

const mixedRules = `groups:
- name: hosts
  interval: 15s
  rules:
  - record: host:load
    expr: node_load1
  - alert: Busy
    expr: host:load > 4
    for: 5m
    labels: {severity: warning}
    annotations: {summary: 'load {{ $value }}'}
  - alert: Busy
    expr: host:load > 8
    for: 1m
    labels: {severity: critical}
  - alert: Twice
    event: payout.sent
    by: [data.request]
    within: 1h
    when: count() >= 2
    annotations: {summary: '{{ $value }} for {{ $labels.request }}'}
- name: later
  rules:
  - alert: NotYet
    expr: up == 0
gates: [{name: g}]
`

// found are the groups as they are evaluated: Busy is pending for a, fires for
// b and c; the collector does not hold c yet.
func found() []promrule.Group {
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	alert := func(instance, state string, value float64) promrule.Alert {
		return promrule.Alert{
			Labels:      map[string]string{"alertname": "Busy", "severity": "warning", "instance": instance},
			Annotations: map[string]string{"summary": "load"}, State: state, ActiveAt: at, Value: value,
		}
	}
	return []promrule.Group{{
		File: "r.yml", Name: "hosts", Interval: 15 * time.Second, LastEvaluation: at, EvaluationTime: time.Millisecond, Missed: 3,
		Rules: []promrule.Rule{
			{Type: promrule.Recording, Name: "host:load", Query: "node_load1", Health: "ok", LastEvaluation: at},
			{
				Type: promrule.Alerting, Name: "Busy", Query: "host:load > 4", Duration: 5 * time.Minute, Health: "ok", State: "firing",
				Labels: map[string]string{"severity": "warning"}, LastEvaluation: at,
				Alerts: []promrule.Alert{alert("a", "pending", 5), alert("b", "firing", 6.5), alert("c", "firing", 7)},
			},
			{Type: promrule.Alerting, Name: "Busy", Query: "host:load > 8", Duration: time.Minute, Health: "err", LastError: "many-to-many", State: "inactive"},
		},
	}}
}

// fire makes metric alerts of a rule stand.
func (c *cell) fire(rule string, n int, levels ...entry.Level) {
	c.t.Helper()
	for _, r := range c.MetricRulesView() {
		if r.Name != rule {
			continue
		}
		if n--; n >= 0 {
			continue
		}
		for i := range levels {
			levels[i].Rule = hex.EncodeToString(r.ID[:])
		}
		c.apply(entry.KindLevels, entry.Levels{Set: "s", Firing: levels})
		return
	}
	c.t.Fatalf("no rule %s", rule)
}

func level(value string, labels ...string) entry.Level {
	l := entry.Level{Value: value, Active: 1e18, Annotations: []machine.Label{{Name: "summary", Value: "{{ as it is }}"}}}
	for i := 0; i < len(labels); i += 2 {
		l.Labels = append(l.Labels, machine.Label{Name: labels[i], Value: labels[i+1]})
	}
	return l
}

// mixed is a cell in which alerts of every kind stand.
func mixed(t testing.TB) *cell {
	c := newCellOf(t, mixedRules)
	c.fire("Busy", 0,
		level("6", "alertname", "Busy", "severity", "warning", "instance", "b"),
		level("9", "alertname", "Busy", "severity", "warning", "instance", "gone"))
	c.fire("NotYet", 0, level("0", "alertname", "NotYet", "instance", "x"))
	c.apply(entry.KindCondition, entry.Condition{Name: "DiskLow", Firing: true, About: record.New(record.AboutDiskLow, "10")})
	c.pays("w1", "w1")
	return c
}

// TestRulesByPrometheusClient reads rules and alerts with Prometheus's own
// library.
func TestRulesByPrometheusClient(t *testing.T) {
	s := mixed(t).server(found)
	client, err := promapi.NewClient(promapi.Config{Address: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	prom := promv1.NewAPI(client)
	alerts, err := prom.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range alerts.Alerts {
		if a.ActiveAt.IsZero() {
			t.Errorf("%v is active since never", a.Labels)
		}
		if _, err := strconv.ParseFloat(a.Value, 64); err != nil {
			t.Errorf("%v: %v", a.Labels, err)
		}
		got = append(got, fmt.Sprintf("%s %s%s %s %s", a.Labels["alertname"], a.Labels["instance"], a.Labels["request"], a.State, a.Value))
	}
	want := []string{
		"Busy b firing 6.5", "Busy gone firing 9", "NotYet x firing 0", "DiskLow  firing 1", "Twice w1 firing 2",
		"Busy a pending 5", "Busy c firing 7",
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Error(d)
	}

	rules, err := prom.Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			switch r := r.(type) {
			case promv1.RecordingRule:
				got = append(got, fmt.Sprintf("%s %s records %s", g.File, g.Name, r.Name))
			case promv1.AlertingRule:
				got = append(got, fmt.Sprintf("%s %s %s %s %s %d", g.File, g.Name, r.Name, r.State, r.Health, len(r.Alerts)))
			}
		}
	}
	want = []string{
		"built in tomeishi DiskLow firing ok 1",
		"r.yml hosts records host:load",
		"r.yml hosts Busy firing ok 4",
		"r.yml hosts Busy inactive err 0",
		"r.yml hosts Twice firing ok 1",
		"r.yml later NotYet firing unknown 1",
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Error(d)
	}
}

type rulesAnswer struct {
	Status, Error string
	Data          struct {
		Groups []struct {
			Name, File     string
			Interval       float64
			Limit          *int
			EvaluationTime *float64
			LastEvaluation *time.Time
			Rules          []Rule
		}
		Next string `json:"groupNextToken"`
	}
}

func (r rulesAnswer) names() (out []string) {
	for _, g := range r.Data.Groups {
		for _, rule := range g.Rules {
			out = append(out, g.Name+"/"+rule.Name)
		}
	}
	return out
}

// TestRulesShape has the fields that Grafana expects, and what only the machine
// knows.
func TestRulesShape(t *testing.T) {
	s := mixed(t).server(found)
	var all rulesAnswer
	ask(t, http.MethodGet, s.URL+"/api/v1/rules", "", &all)
	for _, g := range all.Data.Groups {
		if g.LastEvaluation == nil || g.EvaluationTime == nil || g.Limit == nil {
			t.Errorf("group %s lacks a field: %+v", g.Name, g)
		}
	}
	hosts := all.Data.Groups[1]
	if hosts.Interval != 15 || *hosts.EvaluationTime != 0.001 {
		t.Errorf("%+v", hosts)
	}
	busy, twice := hosts.Rules[1], hosts.Rules[3]
	if busy.Counts != nil || twice.Counts == nil || twice.Matched != 2 {
		t.Errorf("counts of events: %+v and %+v", busy.Counts, twice.Counts)
	}
	held, gone, pending := busy.Alerts[0], busy.Alerts[1], busy.Alerts[2]
	if held.ID == "" || held.Value != "6.5" || held.Annotations["summary"] != "load" || held.ActiveAt != "2001-09-09T01:46:40Z" {
		t.Errorf("%+v, want what the machine holds with the value of now", held)
	}
	if gone.ID == "" || gone.Value != "9" || gone.Annotations["summary"] != "{{ as it is }}" {
		t.Errorf("%+v, want it as the machine holds it", gone)
	}
	if pending.ID != "" || pending.State != "pending" || pending.Annotations["summary"] != "load" {
		t.Errorf("%+v, want it as the rule finds it", pending)
	}
	if a := twice.Alerts[0]; a.Annotations["summary"] != "2 for w1" || a.Total != 2 {
		t.Errorf("%+v", a)
	}
	if a := all.Data.Groups[0].Rules[0].Alerts[0]; a.Annotations["summary"] != "Less than 10 % of the collector's disk is free." {
		t.Errorf("%+v, want the summary of the built-in alert", a)
	}
}

// TestRulesFilters takes Prometheus's parameters.
func TestRulesFilters(t *testing.T) {
	s := mixed(t).server(found)
	for query, want := range map[string][]string{
		"type=record":                           {"hosts/host:load"},
		"type=alert":                            {"tomeishi/DiskLow", "hosts/Busy", "hosts/Busy", "hosts/Twice", "later/NotYet"},
		"rule_name[]=Busy":                      {"hosts/Busy", "hosts/Busy"},
		"rule_name[]=Twice&rule_name[]=NotYet":  {"hosts/Twice", "later/NotYet"},
		"rule_group[]=later":                    {"later/NotYet"},
		"file[]=other.yml":                      nil,
		"group_limit=1":                         {"tomeishi/DiskLow"},
		"exclude_alerts=true&rule_name[]=Twice": {"hosts/Twice"},
	} {
		var got rulesAnswer
		if code := ask(t, http.MethodGet, s.URL+"/api/v1/rules?"+query, "", &got); code != http.StatusOK || got.Data.Groups == nil {
			t.Errorf("%s: %d %+v", query, code, got)
		}
		if d := cmp.Diff(got.names(), want); d != "" {
			t.Errorf("%s:\n%s", query, d)
		}
		if query == "exclude_alerts=true&rule_name[]=Twice" {
			if r := got.Data.Groups[0].Rules[0]; r.Alerts != nil || r.State != "firing" {
				t.Errorf("%+v, want the state without alerts", r)
			}
		}
	}
	for _, query := range []string{"type=x", "group_limit=0", "group_limit=x", "group_next_token=x", "group_limit=1&group_next_token=x", "exclude_alerts=maybe", "match[]=up", "%zz"} {
		var got rulesAnswer
		if code := ask(t, http.MethodGet, s.URL+"/api/v1/rules?"+query, "", &got); code != http.StatusBadRequest || got.Status != "error" || got.Error == "" {
			t.Errorf("%s: %d %+v", query, code, got)
		}
	}
	var pages []string
	for next := ""; ; {
		var got rulesAnswer
		ask(t, http.MethodGet, s.URL+"/api/v1/rules?group_limit=1"+next, "", &got)
		pages = append(pages, got.names()[0])
		if got.Data.Next == "" {
			break
		}
		next = "&group_next_token=" + got.Data.Next
	}
	if d := cmp.Diff(pages, []string{"tomeishi/DiskLow", "hosts/host:load", "later/NotYet"}); d != "" {
		t.Error(d)
	}
}

// TestStatusCountsRules says how many rules there are and which fail.
func TestStatusCountsRules(t *testing.T) {
	s := mixed(t).server(found)
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if st.Rules != 1 || st.Metrics != 3 || st.Recording != 1 || st.Missed != 3 || st.Alerts != 5 {
		t.Errorf("%+v", st)
	}
	if d := cmp.Diff(st.Failures, []RuleFail{{"Busy", "many-to-many"}}); d != "" || st.Failing != 1 {
		t.Error(d)
	}
	standing := []AlertCount{{"Busy", "warning", 2}, {"DiskLow", "warning", 1}, {"NotYet", "", 1}, {"Twice", "", 1}}
	if d := cmp.Diff(st.Standing, standing); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(st.BuiltIn[0].Summary, "Less than 10 % of the collector's disk is free."); d != "" {
		t.Error(d)
	}
}

// TestPending: what is true of an event rule, but not for as long as it says, is pending as
// Prometheus has it.
func TestPending(t *testing.T) {
	c := newCellOf(t, "groups: [{name: g, rules: [{alert: Lasting, event: payout.sent, by: [data.request], within: 1h, when: count() >= 2, for: 5m, annotations: {summary: 'of {{ $labels.request }}'}}]}]")
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	c.pays("w1", "w1")
	client, err := promapi.NewClient(promapi.Config{Address: c.server(nil).URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := promv1.NewAPI(client).Alerts(t.Context())
	if err != nil || len(got.Alerts) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if a := got.Alerts[0]; a.State != "pending" || a.Value != "2" || a.Labels["request"] != "w1" || a.Annotations["summary"] != "of w1" || a.ActiveAt.IsZero() {
		t.Errorf("%+v", a)
	}
	rules, err := promv1.NewAPI(client).Rules(t.Context(), nil)
	if err != nil || len(rules.Groups) != 1 || rules.Groups[0].Rules[0].(promv1.AlertingRule).State != "pending" || rules.Groups[0].Rules[0].(promv1.AlertingRule).Duration != 300 {
		t.Errorf("%+v, %v", rules, err)
	}
}
