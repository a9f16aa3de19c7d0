package series

import (
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/promrule"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestGroups(t *testing.T) {
	const text = `
groups:
- name: a
  interval: 1s
  labels: {team: ops}
  rules:
  - {record: double, expr: load * 2}
  - alert: High
    expr: double>2
    for: 3s
    keep_firing_for: 1m
    labels: {severity: page}
    annotations: {summary: '{{ $value }}'}
- name: b
  interval: 1m
  rules: [{alert: Broken, expr: load > on (x) load}]
`
	inWorld(t, text, func(w *world) {
		begun := time.Now()
		w.live(3500*time.Millisecond, map[string]float64{`load{host="b"}`: 3, `load{host="a"}`: 2})
		want := []promrule.Group{{
			File: "rules.yml", Name: "a", Interval: time.Second,
			Rules: []promrule.Rule{
				{Type: promrule.Recording, Name: "double", Query: "load * 2", Labels: map[string]string{"team": "ops"}, Health: "ok"},
				{
					Type: promrule.Alerting, Name: "High", Query: "double > 2", Duration: 3 * time.Second, KeepFiringFor: time.Minute,
					Labels: map[string]string{"severity": "page", "team": "ops"}, Annotations: map[string]string{"summary": "{{ $value }}"},
					Health: "ok", State: "pending",
					Alerts: []promrule.Alert{
						{Labels: map[string]string{"alertname": "High", "host": "a", "severity": "page", "team": "ops"}, Annotations: map[string]string{"summary": "4"}, State: "pending", Value: 4},
						{Labels: map[string]string{"alertname": "High", "host": "b", "severity": "page", "team": "ops"}, Annotations: map[string]string{"summary": "6"}, State: "pending", Value: 6},
					},
				},
			},
		}, {
			File: "rules.yml", Name: "b", Interval: time.Minute,
			Rules: []promrule.Rule{{Type: promrule.Alerting, Name: "Broken", Query: "load > on (x) load", Labels: map[string]string{}, Annotations: map[string]string{}, Health: "unknown", State: "unknown"}},
		}}
		times := cmpopts.IgnoreTypes(time.Time{})
		if diff := cmp.Diff(w.Groups(), want, times); diff != "" {
			t.Errorf("groups (-got +want):\n%s", diff)
		}
		if got := w.Groups()[0]; got.LastEvaluation.Before(begun) || got.Rules[1].Alerts[0].ActiveAt.Before(begun) {
			t.Errorf("times are not those of the evaluation: %+v", got)
		}
		w.live(time.Minute, map[string]float64{`load{host="b"}`: 3, `load{host="a"}`: 2})
		high, broken := w.Groups()[0].Rules[1], w.Groups()[1].Rules[0]
		if high.State != "firing" || high.Alerts[0].State != "firing" {
			t.Errorf("High is %s", high.State)
		}
		if broken.Health != "err" || !strings.Contains(broken.LastError, "many-to-many") {
			t.Errorf("Broken is %s: %s", broken.Health, broken.LastError)
		}
	})
}
