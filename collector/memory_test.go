package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestMemory pays more requests than rules may remember: they forget, which is told, and
// the second payment of one of them still closes the gate.
func TestMemory(t *testing.T) {
	r := startOptions(t, Options{Config: testConfig(t), RuleBytes: 1, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Up: true})
	r.post(payment("tx1", "w1"))
	var batch []string
	for i := range 500 {
		batch = append(batch, payment(fmt.Sprint("x", i), fmt.Sprint("x", i)))
	}
	code, body := r.request(http.MethodPost, "/v1/events", "application/x-ndjson", strings.Join(batch, "\n"))
	r.want(202, code, body)
	r.await("all forgotten", func() bool { return r.machine.Totals().Shed > 500 && r.machine.Totals().Keys == 0 })
	stands := func(name, kind string) bool {
		return slices.ContainsFunc(r.machine.AlertsView(), func(a machine.Alert) bool {
			return a.Rule == name && a.Ended == 0 && a.Label("error") == kind && a.Label("severity") == "critical"
		})
	}
	r.await("that it is told", func() bool { return stands("RuleErrors", "memory") && stands("MemoryFull", "") })
	r.post(payment("tx2", "w1"))
	r.await("the gate closed", func() bool {
		_, body := r.request(http.MethodGet, demoGate, "", "")
		return strings.Contains(body, `"state":"closed"`)
	})
	_, body = r.request(http.MethodGet, "/metrics", "", "")
	r.want(200, 200, body, "tomeishi_rules_bytes_bound 1\n", "tomeishi_rules_keys_shed_total 10")
}
