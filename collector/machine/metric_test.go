package machine

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// metricTestRules has metric rules beside the event rules of testRules.
var metricTestRules = strings.Replace(testRules, "gates:\n", `- name: hosts
  rules:
  - {alert: Stuck, expr: up == 0, labels: {severity: critical}, mitigate: [stop]}
  - {alert: Slow, expr: load > 1, labels: {severity: warning}}
  - {alert: Full, expr: free < 1, labels: {severity: critical}}
  - {alert: Tried, expr: free < 2, labels: {severity: warning}, mitigate: [stop-all]}
  - {alert: Asks, expr: free < 3, labels: {severity: warning}, mitigate: [ask]}
gates:
`, 1)

// metricRule is a metric rule of the live set.
func (r *rig) metricRule(name string) MetricRuleView {
	r.t.Helper()
	for _, v := range r.m.MetricRulesView() {
		if v.Name == name {
			return v
		}
	}
	r.t.Fatalf("no metric rule %s", name)
	return MetricRuleView{}
}

// level is an alert of a rule that fires; labels are names and values in turn.
func (r *rig) level(rule string, labels ...string) entry.Level {
	r.t.Helper()
	v := r.metricRule(rule)
	l := entry.Level{Rule: hex.EncodeToString(v.ID[:]), Value: "1", Active: r.now.UnixNano(), Labels: []Label{{Name: "alertname", Value: rule}}}
	for _, p := range v.Labels {
		l.Labels = append(l.Labels, Label{Name: p.Name, Value: p.Value})
	}
	for i := 0; i < len(labels); i += 2 {
		l.Labels = append(l.Labels, Label{Name: labels[i], Value: labels[i+1]})
	}
	slices.SortFunc(l.Labels, compareNames)
	return l
}

func (r *rig) levels(l entry.Levels) LevelsOutcome {
	r.t.Helper()
	_, set, _ := r.m.RulesView()
	if l.Set == "" {
		l.Set = set
	}
	out := r.json(entry.KindLevels, l)
	r.must(out)
	return out.(LevelsOutcome)
}

func (r *rig) firing(l ...entry.Level) LevelsOutcome { return r.levels(entry.Levels{Firing: l}) }

func (r *rig) resolve(ids ...string) LevelsOutcome { return r.levels(entry.Levels{Resolved: ids}) }

// ids are the standing alerts of a metric rule.
func (r *rig) ids(rule string) (out []string) {
	for _, s := range r.m.Standing(r.metricRule(rule).ID) {
		out = append(out, s.ID)
	}
	return out
}

var hostSchema = report.NewSchema([]report.Series{{Name: "up"}})

// samples are one frame of an agent, sent live unless sent is zero.
func samples(agent string, lane byte, at, sent time.Time) []byte {
	s := report.Samples{
		Agent: agent, Lane: report.SpoolID{lane}, Schema: hostSchema,
		Frames: []report.Frame{{Time: at.UnixMilli(), Values: []float64{1}}},
	}
	if !sent.IsZero() {
		s.Sent = sent.UnixMilli()
	}
	return s.Append(nil)
}

// speaks lets an agent send a live frame.
// speaksOn lets the agents speak each second, and ends at the last one.
func (r *rig) speaksOn(seconds int, agents ...string) {
	r.t.Helper()
	for range seconds + 1 {
		r.later(time.Second)
		for _, a := range agents {
			r.speaks(a)
		}
	}
}

func (r *rig) speaks(agent string) SamplesOutcome {
	r.t.Helper()
	out := r.apply(entry.KindSamples, samples(agent, 1, r.now, r.now))
	r.must(out)
	return out.(SamplesOutcome)
}
