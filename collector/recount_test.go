package collector

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// paidAt is a payment that was made at a time.
func paidAt(id, request string, at time.Time) string {
	return strings.Replace(payment(id, request), `"data"`, fmt.Sprintf(`"time":%q,"data"`, at.UTC().Format(time.RFC3339)), 1)
}

// TestRecount sends a payment so late that what it counts with is only on the tape.
func TestRecount(t *testing.T) {
	c := testConfig(t)
	path := filepath.Join(t.TempDir(), "r.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Replace(demoRules(t), "within: 24h", "within: 10m", 1)
	write(strings.Replace(text, "payout.sent", "other", 1))
	c.Rules = []string{path}
	r := start(t, c)
	at := time.Now().Add(-30 * 24 * time.Hour)
	r.post(paidAt("tx1", "w1", at))
	r.post(paidAt("tx3", "w2", at))
	write(text)
	code, body := r.request(http.MethodPost, "/-/reload", "", "")
	r.want(200, code, body)
	r.post(paidAt("tx4", "w2", at.Add(11*time.Minute)))
	r.await("a recount that finds nothing", func() bool { return r.machine.Totals().Owed == 0 })
	_, body = r.request(http.MethodGet, demoGate, "", "")
	r.want(200, 200, body, `"state":"open"`)
	r.post(paidAt("tx2", "w1", at.Add(time.Minute)))
	r.await("the gate closed", func() bool {
		_, body := r.request(http.MethodGet, demoGate, "", "")
		return strings.Contains(body, `"state":"closed"`)
	})
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	r.want(200, 200, body, `"value":"2"`)
	r.stop()
	if m := replay(t, c); m.Totals().Recounted != 1 {
		t.Errorf("%d events came back, want 1", m.Totals().Recounted)
	}
}

// TestReloadFills edits a rule between two payments of one request.
func TestReloadFills(t *testing.T) {
	c := testConfig(t)
	path := filepath.Join(t.TempDir(), "r.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(demoRules(t))
	c.Rules = []string{path}
	r := start(t, c)
	r.post(payment("tx1", "w1"))
	write(strings.Replace(demoRules(t), "within: 24h", "within: 25h", 1))
	code, body := r.request(http.MethodPost, "/-/reload", "", "")
	r.want(200, code, body, "changed DemoPaidTwice", "read from the tape")
	if strings.Contains(body, "begins only") {
		t.Errorf("the tape has all: %s", body)
	}
	r.post(payment("tx2", "w1"))
	r.await("the gate closed", func() bool {
		_, body := r.request(http.MethodGet, demoGate, "", "")
		return strings.Contains(body, `"state":"closed"`) && !strings.Contains(body, "counting_anew")
	})
}

// TestRecountWaitsForTheTape: a tape that takes no entries gives no rule a part for
// the whole.
func TestRecountWaitsForTheTape(t *testing.T) {
	c := testConfig(t)
	path := filepath.Join(t.TempDir(), "r.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(demoRules(t))
	c.Rules = []string{path}
	r := start(t, c)
	if err := r.tape.Close(); err != nil {
		t.Fatal(err)
	}
	r.post(payment("tx1", "w1"))
	write(strings.Replace(demoRules(t), "within: 24h", "within: 25h", 1))
	code, body := r.request(http.MethodPost, "/-/reload", "", "")
	r.want(200, code, body, "read from the tape")
	due := r.machine.Recounter()
	if due == nil {
		t.Fatal("nothing is due")
	}
	if err := r.leader.readBack(t.Context(), due); err == nil || r.machine.Recounter() == nil {
		t.Errorf("what the tape lacks is taken for nothing: %v", err)
	}
}
