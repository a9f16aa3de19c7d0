package collector

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordedEvents asks by PromQL for what a rule makes of events.
func TestRecordedEvents(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	file := filepath.Join(t.TempDir(), "rules.yml")
	const text = "groups: [{name: g, rules: [{record: paid_total, event: payout.sent, value: sum(data.amount), where: '!has(data.asset)'}]}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules = []string{file}
	r := start(t, c)
	for _, id := range []string{"tx1", "tx2"} {
		code, body := r.post(payment(id, "w1"))
		r.want(http.StatusAccepted, code, body)
	}
	r.await("the sum", func() bool { return strings.Contains(r.query("paid_total"), `"3"]`) })
	code, body := r.request(http.MethodGet, "/api/v1/rules", "", "")
	r.want(http.StatusOK, code, body, `"type":"recording"`, `"name":"paid_total"`, "the sum of data.amount of payout.sent events")
}
