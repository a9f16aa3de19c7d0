package collector

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/rules/window"
)

// TestEvidence lists the newest evidence of an alert, and all that is kept at
// its incident.
func TestEvidence(t *testing.T) {
	r := start(t, testConfig(t))
	var all []string
	for batch := range 5 {
		var lines strings.Builder
		for i := range 5 {
			id := fmt.Sprintf("tx %d/%d", batch, i)
			lines.WriteString(payment(id, "w1") + "\n")
			all = append(all, fmt.Sprintf("%s/test/tx%%20%d%%2F%d", r.machine.CellID(), batch, i))
		}
		code, body := r.request(http.MethodPost, "/v1/events", report.LinesType, lines.String())
		r.want(202, code, body, `"accepted":5`)
	}
	var list struct {
		Data struct {
			Alerts []api.Alert
			Groups []struct{ Rules []api.Rule }
		}
	}
	read := func(path string, v any) {
		t.Helper()
		code, body := r.request(http.MethodGet, path, "", "")
		if err := json.Unmarshal([]byte(body), v); err != nil || code != 200 {
			t.Fatalf("%s: %d %s %v", path, code, body, err)
		}
	}
	check := func(what string, alerts []api.Alert, want []string) {
		t.Helper()
		if len(alerts) == 0 || alerts[0].Total != len(all) || !slices.Equal(alerts[0].Evidence, want) {
			t.Errorf("%s: %+v, want %v", what, alerts, want)
		}
	}
	read("/api/v1/alerts", &list)
	check("alerts", list.Data.Alerts, all[15:])
	read("/api/v1/rules", &list)
	for _, g := range list.Data.Groups {
		for _, rule := range g.Rules {
			if len(rule.Alerts) > 0 && rule.Query != "built in" {
				check("rules", rule.Alerts, all[15:])
			}
		}
	}
	var in api.Incident
	read("/v1/incidents/i1", &in)
	check("incident", in.Detail, all)
	r.decide(demoGate+"/close", `{"reason":"an entry without events"}`)
	index, _, _ := r.machine.At()
	got := r.evidence([]window.Ref{window.MakeRef(index, 0), window.MakeRef(9999, 3)})
	if !strings.Contains(got[0], "holds no events") || got[1] != "entry 9999 event 3, no longer on the tape" {
		t.Errorf("no events there, but named %q", got)
	}
}

// BenchmarkEvidence names 1,000 × 100 events of 100 entries, which nobody has
// asked for before.
func BenchmarkEvidence(b *testing.B) {
	r := startOptions(b, Options{Config: testConfig(b), Log: slog.New(slog.DiscardHandler), Up: true})
	var refs []window.Ref
	for batch := range 100 {
		var lines strings.Builder
		for i := range 1000 {
			lines.WriteString(payment(fmt.Sprintf("t%d-%d", batch, i), fmt.Sprintf("w%d-%d", batch, i)) + "\n")
		}
		r.request(http.MethodPost, "/v1/events", report.LinesType, lines.String())
		index, _, _ := r.machine.At()
		for i := range 1000 {
			refs = append(refs, window.MakeRef(index, i))
		}
	}
	for b.Loop() {
		r.places.names = nil
		if names := r.evidence(refs); !strings.HasSuffix(names[999], "/test/t0-999") {
			b.Fatal(names[999])
		}
	}
}

// TestWhatDiffers: an id that was used again is told with the fields that differ and
// the line to add.
func TestWhatDiffers(t *testing.T) {
	r := start(t, testConfig(t))
	first := payment("tx1", "w1")
	second := strings.Replace(first, `"data":{`, `"data":{"sent_at":"now",`, 1)
	if second == first {
		t.Fatal(first)
	}
	code, body := r.request(http.MethodPost, "/v1/events", report.LinesType, first+"\n"+second+"\n")
	r.want(202, code, body, `"accepted":2`)
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	for _, want := range []string{"EventIdReused", "data.sent_at", "varies: [sent_at]"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	// What a rule counts by may not vary: whoever wrote the line would let the second
	// payment pass as a repeat.
	third := strings.Replace(first, `"w1"`, `"w2"`, 1)
	code, body = r.request(http.MethodPost, "/v1/events", report.LinesType, third+"\n")
	r.want(202, code, body, `"accepted":1`)
	if _, body = r.request(http.MethodGet, "/api/v1/alerts", "", ""); !strings.Contains(body, "data.request") || strings.Contains(body, "varies: [") {
		t.Errorf("a line is given for what a rule reads: %s", body)
	}
}
