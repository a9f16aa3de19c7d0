package crash

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

const proofRules = `events: {payout.recorded: {sources: [books]}}
groups:
- name: crash
  rules:
  - {alert: Recorded, event: payout.recorded, by: [data.request], within: 1h, when: count() >= 1, labels: {severity: info}}
  - {alert: Heard, event: payout.requested, by: [data.request], unless: {event: payout.recorded, within: 100ms}, grace: 1m}
  - alert: NotRecorded
    event: payout.sent
    by: [data.request]
    unless: {event: payout.recorded, within: 2s}
    grace: 2s
    labels: {severity: critical}
    mitigate: [stop]
gates:
- {name: btc, mode: enforce, lease: 2s}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`

// TestProof kills the agent by which one application reports, while a payment waits for
// what that should say of it: nobody knows whether it did, the alert says so, and the gate
// stays open. Once the agent is back, one payment was recorded in time, as it then says,
// and of the other it is proven that it was not.
func TestProof(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real process: not with -short")
	}
	w := newWorld(t)
	write(t, filepath.Join(w.dir, "rules.yml"), proofRules)
	w.collector.start(t)
	w.agent.start(t)
	w.awaitReady(t)
	w.reports(t, w.agentURL, "books", "payout.recorded", "w-0")
	w.reports(t, w.collectorURL, "payer", "payout.sent", "w-1")
	w.reports(t, w.agentURL, "books", "payout.recorded", "w-1")
	await(t, "the agent's events at the collector", func() bool { return w.said(t, "Recorded", "w-1") == "proven" })

	w.reports(t, w.collectorURL, "payer", "payout.requested", "w-0") // what is proven only once the agent is heard
	await(t, "the agent is heard", func() bool { return w.said(t, "Heard", "w-0") == "proven" })
	w.agent.kill(t)
	paid := time.Now()
	w.reports(t, w.collectorURL, "payer", "payout.sent", "w-2")
	w.reports(t, w.collectorURL, "payer", "payout.sent", "w-3")
	await(t, "both are unknown", func() bool {
		return w.said(t, "NotRecorded", "w-2") == "unknown" && w.said(t, "NotRecorded", "w-3") == "unknown"
	})
	if !bytes.Contains(w.gate(t, w.collectorURL), []byte(`"open"`)) {
		t.Error("what is not proven has closed the gate")
	}

	w.agent.start(t)
	w.awaitReady(t)
	w.reportsAt(t, w.agentURL, "books", "payout.recorded", "w-2", paid.Add(time.Second))
	await(t, "the one that was not recorded is proven", func() bool { return w.said(t, "NotRecorded", "w-3") == "proven" })
	if !bytes.Contains(w.gate(t, w.collectorURL), []byte(`"closed"`)) {
		t.Error("what is proven has not closed the gate")
	}
	await(t, "what was recorded is withdrawn", func() bool {
		return w.said(t, "Recorded", "w-2") != "" && w.said(t, "NotRecorded", "w-1") == "" && w.said(t, "NotRecorded", "w-2") == ""
	})
}

// reports posts one event.
func (w *world) reports(t *testing.T, url, source, kind, request string) {
	t.Helper()
	w.reportsAt(t, url, source, kind, request, time.Now())
}

func (w *world) reportsAt(t *testing.T, url, source, kind, request string, at time.Time) {
	t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":"%s-%s","source":%q,"type":%q,"time":%q,"data":{"request":%q}}`, kind, request, source, kind, at.Format(time.RFC3339Nano), request)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/events", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s of %s: %s", kind, request, resp.Status)
	}
}

// said is what a rule says of a request: that it is proven, unknown, or nothing.
func (w *world) said(t *testing.T, rule, request string) string {
	t.Helper()
	code, body := get(t, w.collectorURL+"/api/v1/alerts")
	if code != http.StatusOK {
		return "" // it begins
	}
	for _, a := range alertsOf(t, body) {
		switch {
		case a.Labels["alertname"] != rule || a.Labels["request"] != request:
		case a.Labels["certainty"] != "":
			return a.Labels["certainty"]
		default:
			return "proven"
		}
	}
	return ""
}
