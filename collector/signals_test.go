package collector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// queueRules stop the withdrawals when a metric says so, two seconds long.
const queueRules = `groups:
- name: queue
  interval: 1s
  rules:
  - record: queue:double
    expr: queue_length * 2
  - alert: QueueLong
    expr: queue:double > 200
    for: 1s
    labels: {severity: critical, team: 'payments'}
    annotations: {summary: '{{ $value }} wait at {{ $labels.instance }}, {{ with query "queue_length" }}{{ . | first | value }}{{ end }} by their own count'}
    mitigate: [stop]
gates: [{name: withdrawals, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: withdrawals, mode: enforce}]
`

// host is an agent that measures one number.
type host struct {
	*running
	samples report.Samples
	enc     report.SampleEncoder
}

func newHost(r *running, id string) *host {
	return &host{running: r, samples: report.Samples{
		Agent: id, Lane: report.SpoolID{1}, Schema: report.NewSchema([]report.Series{{Name: "queue_length"}}),
	}}
}

func (h *host) send(at time.Time, value float64) {
	h.t.Helper()
	h.samples.Sent = at.UnixMilli()
	h.samples.Frames = []report.Frame{{Time: at.UnixMilli(), Values: []float64{value}}}
	code, body := h.request(http.MethodPost, "/v1/blocks", report.SamplesType, string(h.enc.Encode(nil, &h.samples)))
	h.want(http.StatusOK, code, body, fmt.Sprint(at.UnixMilli()))
	h.enc.Acked()
}

// sendAll sends each series' rise times n.
func (h *host) sendAll(at time.Time, rise []float64, n float64) {
	h.t.Helper()
	values := make([]float64, len(rise))
	for i, v := range rise {
		values[i] = v * n
	}
	h.samples.Sent = at.UnixMilli()
	h.samples.Frames = []report.Frame{{Time: at.UnixMilli(), Values: values}}
	code, body := h.request(http.MethodPost, "/v1/blocks", report.SamplesType, string(h.enc.Encode(nil, &h.samples)))
	h.want(http.StatusOK, code, body, fmt.Sprint(at.UnixMilli()))
	h.enc.Acked()
}

// keep sends the value each half second until stop is closed.
func (h *host) keep(value float64) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			h.send(time.Now(), value)
			select {
			case <-quit:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (r *running) query(expr string) string {
	r.t.Helper()
	code, body := r.request(http.MethodGet, "/api/v1/query?query="+url.QueryEscape(expr), "", "")
	r.want(http.StatusOK, code, body)
	return body
}

// alert is the first alert of the name, and whether there is one.
func (r *running) alert(name string) (a struct {
	State, Value, Incident string
	Unheard                bool
	Labels, Annotations    map[string]string
	Effects                []string
}, found bool,
) {
	r.t.Helper()
	var got struct {
		Data struct {
			Alerts []json.RawMessage
		}
	}
	_, body := r.request(http.MethodGet, "/api/v1/alerts", "", "")
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		r.t.Fatal(err, body)
	}
	for _, raw := range got.Data.Alerts {
		if err := json.Unmarshal(raw, &a); err != nil {
			r.t.Fatal(err)
		}
		if a.Labels["alertname"] == name {
			return a, true
		}
	}
	return a, false
}

func (r *running) gateClosed(name string) bool {
	return r.code(http.MethodGet, "/v1/gates/"+name+"/check?request=1", "", "") == http.StatusLocked
}

// TestMetricRule goes from an agent's samples to a closed gate, through kill and
// restart, to the end of the alert.
func TestMetricRule(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(queueRules), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules, c.Labels = []string{file}, map[string]string{"dc": "tokyo"}
	r := start(t, c)
	h := newHost(r, "payer-1")
	began := time.Now()
	stop := h.keep(150)
	r.await("the gate closes", func() bool { return r.gateClosed("withdrawals") })
	t.Logf("closed %v after the first sample", time.Since(began))
	a, _ := r.alert("QueueLong")
	if a.State != "firing" || a.Labels["instance"] != "payer-1" || a.Labels["team"] != "payments" || a.Incident == "" || len(a.Effects) != 1 ||
		a.Annotations["summary"] != "300 wait at payer-1, 150 by their own count" {
		t.Errorf("the alert is %+v", a)
	}
	stop()

	// A new start finds the samples, the alert, and the gate as they were, and
	// does not take silence for the end of it.
	r.stop()
	if err := os.RemoveAll(filepath.Join(c.Data, "series")); err != nil {
		t.Fatal(err)
	}
	r = start(t, c)
	if !r.gateClosed("withdrawals") {
		t.Error("the gate is open after the restart")
	}
	r.await("the view is refilled from the tape", func() bool {
		return r.query("count_over_time(queue_length[5m]) > 1") != r.query("absent_metric")
	})
	h = newHost(r, "payer-1")
	stop = h.keep(150)
	r.await("it is evaluated again", func() bool { return len(r.query("queue:double")) > 100 })
	if _, stands := r.alert("QueueLong"); !stands {
		t.Error("the alert ended with the restart")
	}
	stop()

	// The number falls: the alert ends, the gate stays as it is.
	stop = h.keep(1)
	r.await("the alert ends", func() bool { _, stands := r.alert("QueueLong"); return !stands })
	stop()
	if !r.gateClosed("withdrawals") {
		t.Error("the gate opened by itself")
	}
}

// TestConditions: what is wrong with Tomeishi itself is an alert while it is.
func TestConditions(t *testing.T) {
	c := testConfig(t)
	file := filepath.Join(t.TempDir(), "rules.yml")
	good := "groups: [{name: g, interval: 1s, rules: [{alert: Twice, expr: 'a * on () b > 0'}, {alert: Twice, labels: {of: two}, expr: 'a * on () b > 0'}]}]\n"
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules = []string{file}
	r := start(t, c)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("groups: [{name: g, rules: [{alert: Broken, expr: 'sum('}]}]\n")
	if _, err := r.Reload(t.Context()); err == nil {
		t.Error("a broken file was loaded")
	}
	r.leader.compareConditions(t.Context())
	if a, ok := r.alert("ReloadFailed"); !ok || a.Annotations["summary"] == "" || a.Annotations["runbook_url"] == "" {
		t.Errorf("no alert tells of the failed reload, or not how: %+v", a)
	}
	write(good)
	if _, err := r.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	r.leader.compareConditions(t.Context())
	if _, ok := r.alert("ReloadFailed"); ok {
		t.Error("ReloadFailed stands after a good reload")
	}

	// Two series on each side match: the expression is an error.
	series := []report.Series{
		{Name: "a", Labels: []report.Attr{{Name: "x", Value: "1"}}},
		{Name: "a", Labels: []report.Attr{{Name: "x", Value: "2"}}},
		{Name: "b", Labels: []report.Attr{{Name: "x", Value: "1"}}},
		{Name: "b", Labels: []report.Attr{{Name: "x", Value: "2"}}},
	}
	s := report.Samples{Agent: "h", Schema: report.NewSchema(series), Frames: []report.Frame{{Time: time.Now().UnixMilli(), Values: []float64{1, 1, 1, 1}}}}
	var enc report.SampleEncoder
	code, body := r.request(http.MethodPost, "/v1/blocks", report.SamplesType, string(enc.Encode(nil, &s)))
	r.want(http.StatusOK, code, body)
	r.await("the rule's error is an alert", func() bool {
		r.leader.compareConditions(t.Context())
		a, ok := r.alert("RuleErrors")
		return ok && a.Labels["rule"] == "Twice"
	})
	r.await("both rules of the name fail", func() bool { return len(r.rules.Failing(10)) == 2 })
	was, _, _ := r.machine.At()
	r.leader.compareConditions(t.Context())
	if is, _, _ := r.machine.At(); is != was {
		t.Errorf("what stands is told again: entry %d, was %d", is, was)
	}
}

// TestReloadMetricRules: an alert that stands in shadow closes its gate once
// the gate enforces, also if whoever made the rules live was lost on the way.
func TestReloadMetricRules(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	file := filepath.Join(t.TempDir(), "rules.yml")
	shadow := strings.Replace(queueRules, "{name: withdrawals, mode: enforce}", "{name: withdrawals, mode: shadow}", 1)
	if err := os.WriteFile(file, []byte(shadow), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules = []string{file}
	r := start(t, c)
	defer newHost(r, "payer-1").keep(150)()
	r.await("the alert stands", func() bool { _, stands := r.alert("QueueLong"); return stands })
	if r.gateClosed("withdrawals") {
		t.Fatal("a gate in shadow is closed")
	}
	if err := os.WriteFile(file, []byte(queueRules), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := ruleFiles(c.Rules)
	if err != nil {
		t.Fatal(err)
	}
	// As a reload does that is lost before its metric rules run.
	if _, err := r.submitOK(t.Context(), entry.KindPrepare, entry.Prepare{Set: setName(files), Files: files}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.submitOK(t.Context(), entry.KindLive, entry.Live{Set: setName(files)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.await("the gate closes", func() bool { return r.gateClosed("withdrawals") })
}

// TestHostPictures asks all queries of a host's page of the real engine, with
// the series that a real host has: each must be a query that joins its lines.
func TestHostPictures(t *testing.T) {
	r := start(t, testConfig(t))
	var series []report.Series
	var rise []float64 // of each second
	add := func(perSecond float64, name string, labels ...report.Attr) {
		series, rise = append(series, report.Series{Name: name, Labels: labels}), append(rise, perSecond)
	}
	for _, cpu := range []string{"0", "1"} {
		for i, mode := range []string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"} {
			add(float64(i+1)/40, "node_cpu_seconds_total", report.Attr{Name: "cpu", Value: cpu}, report.Attr{Name: "mode", Value: mode})
		}
	}
	for _, mount := range []string{"/", "/data"} {
		add(1, "node_filesystem_avail_bytes", report.Attr{Name: "mountpoint", Value: mount})
		add(2, "node_filesystem_size_bytes", report.Attr{Name: "mountpoint", Value: mount})
	}
	for _, name := range []string{
		"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes", "node_memory_SwapTotal_bytes", "node_memory_SwapFree_bytes",
		"node_load1", "node_load15", "node_filefd_allocated", "node_nf_conntrack_entries", "node_netstat_Tcp_RetransSegs", "node_netstat_Tcp_OutSegs",
	} {
		add(1, name)
	}
	h := &host{running: r, samples: report.Samples{Agent: "db-1", Lane: report.SpoolID{1}, Schema: report.NewSchema(series)}}
	now := time.Now()
	for _, ago := range []int{20, 10, 0} {
		h.sendAll(now.Add(-time.Duration(ago)*time.Second), rise, float64(100-ago))
	}
	var page string
	r.await("the page shows the signals", func() bool {
		_, page = r.request(http.MethodGet, "/hosts/db-1", "", "")
		return strings.Contains(page, "interrupts") || strings.Contains(page, "This is not known")
	})
	for _, want := range []string{"interrupts", "iowait", "steal", "/data"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if _, after, bad := strings.Cut(page, "This is not known"); bad {
		t.Errorf("a picture could not be made: %.200s", after)
	}
}
