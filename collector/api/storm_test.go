package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

const stormRules = `groups:
- name: g
  rules:
  - alert: Metric
    expr: x > 1
  - alert: Event
    event: payout.sent
    by: [data.request]
    within: 1h
    when: count() >= 1
    limit: 10000
    annotations: {summary: '{{ $value }} payments for {{ $labels.request }}', description: 'the events {{ range $evidence }}{{ . }} {{ end }}'}
gates: [{name: g}]
`

// storm is a cell in which so many alerts of each kind stand, and the view of
// its metric rules.
func storm(t testing.TB, metric, event int) (*cell, func() []promrule.Group) {
	c := newCellOf(t, stormRules)
	groups := []promrule.Group{{File: "r.yml", Name: "g", Rules: []promrule.Rule{{Type: promrule.Alerting, Name: "Metric", State: "firing"}}}}
	var levels []entry.Level
	for i := range metric {
		instance := fmt.Sprintf("host%05d", i)
		levels = append(levels, level("1", "alertname", "Metric", "instance", instance, "job", "node", "mountpoint", "/var/lib/data"))
		groups[0].Rules[0].Alerts = append(groups[0].Rules[0].Alerts, promrule.Alert{
			Labels: pairs(levels[i].Labels), Annotations: pairs(levels[i].Annotations), State: "firing", Value: 2,
		})
	}
	if metric > 0 {
		c.fire("Metric", 0, levels...)
	}
	var requests []string
	for i := range event {
		requests = append(requests, fmt.Sprintf("w%05d", i))
	}
	c.pays(requests...)
	return c, func() []promrule.Group { return groups }
}

func stormAPI(c *cell, groups func() []promrule.Group) *http.ServeMux {
	a := &API{Options: Options{
		Machine: c.Machine.Shown(true), Message: message.New(message.Options{}), Views: &edge{groups: groups},
	}}
	mux := http.NewServeMux()
	a.Register(mux)
	return mux
}

func listAlerts(t testing.TB, mux *http.ServeMux, path string) int {
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.Len()
}

// TestStorm lists ten thousand alerts soon.
func TestStorm(t *testing.T) {
	mux := stormAPI(storm(t, 9000, 1000))
	for _, path := range []string{"/api/v1/alerts", "/api/v1/rules"} {
		began := time.Now()
		size := listAlerts(t, mux, path)
		// The race detector makes it ten times slower.
		if took := time.Since(began); took > 5*time.Second || size < 1e6 {
			t.Errorf("%s: %d bytes after %s", path, size, took)
		}
	}
}

func BenchmarkStorm(b *testing.B) {
	for _, n := range [][2]int{{10_000, 0}, {0, 10_000}} {
		b.Run(fmt.Sprintf("metric=%d,event=%d", n[0], n[1]), func(b *testing.B) {
			mux := stormAPI(storm(b, n[0], n[1]))
			for b.Loop() {
				listAlerts(b, mux, "/api/v1/alerts")
			}
		})
		b.Run(fmt.Sprintf("lock/metric=%d,event=%d", n[0], n[1]), func(b *testing.B) {
			c, _ := storm(b, n[0], n[1])
			for b.Loop() {
				c.AlertsView()
			}
		})
	}
}
