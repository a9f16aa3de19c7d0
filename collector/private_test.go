package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/auth"
)

const privateRules = `
groups:
- name: g
  rules:
  - alert: Twice
    event: payout.sent
    by: [data.request, data.customer]
    within: 1h
    when: count() >= 2
    labels: {severity: critical}
    annotations: {summary: 'twice for {{ $labels.customer }}'}
    mitigate: [stop]
  - {alert: HeldOne, event: payout.sent, by: {who: data.customer}, within: 1h, when: count() >= 2, labels: {severity: critical}, mitigate: [hold]}
  - {alert: Waits, event: payout.sent, by: [data.address], within: 1h, when: count() >= 2, labels: {severity: critical}, mitigate: [ask]}
  - {alert: Forming, event: payout.sent, by: [data.customer], within: 1h, when: count() >= 2, for: 1h}
  - {alert: Faulty, event: payout.sent, where: int(data.number) > 1, within: 1h, when: count() > 1}
gates: [{name: demo/withdrawals, mode: enforce, asks: [request, customer, address]}]
mitigations:
- {name: stop, action: gate.close, target: demo/withdrawals, mode: enforce}
- {name: hold, action: gate.hold, target: demo/withdrawals, match: {tag: '{{ $labels.who }}'}, mode: enforce}
- {name: ask, action: gate.hold, target: demo/withdrawals, match: {address: '{{ $labels.address }}'}, mode: approve}
`

const privateTypes = "events: {payout.sent: {private: [customer, address, number]}}\n"

// secretText is in every private value of the test, and nowhere else.
const secretText = "zqx77"

// A buffer is written and read by several.
type buffer struct {
	mu sync.Mutex // guards what follows
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestPrivate asks for everything as somebody who may do everything but see what is
// private, and finds it nowhere: not in an answer, not in what people are told, not in
// the log. Whoever may see it does.
func TestPrivate(t *testing.T) {
	told := &buffer{}
	hook := newHook(t, told)
	c := testConfig(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c.Rules = []string{file("a.yml", privateRules+privateTypes)}
	c.Alertmanager = file("am.yml", "route: {receiver: r, group_wait: 0s, group_by: ['...']}\nreceivers: [{name: r, webhook_configs: [{url: '"+hook+"'}]}]\n")
	for name, may := range map[string][]string{"some": {"view", "operate", "approve"}, "all": {"view", "operate", "approve", "reveal"}} {
		sum := sha256.Sum256([]byte(name))
		c.Auth.People = append(c.Auth.People, auth.Person{Name: name, TokenSHA256: hex.EncodeToString(sum[:]), May: may})
	}
	log := &buffer{}
	r := startOptions(t, Options{Config: c, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	as := func(token, method, path, body string) (int, string) {
		t.Helper()
		kind := "application/json"
		if path == "/v1/events" {
			kind = report.StructuredType
		}
		return r.request(method, path, kind, body, func(q *http.Request) {
			q.Header.Set("Authorization", "Bearer "+token)
			q.Header.Set("Accept", "text/html,*/*")
		})
	}
	for i := range 2 {
		code, body := as("some", http.MethodPost, "/v1/events", fmt.Sprintf(
			`{"specversion":"1.0","id":"p%d","source":"test","type":"payout.sent","data":{"request":"w1","customer":"c-%[2]s","address":"a-%[2]s","number":"77%[2]s"}}`, i, secretText))
		r.want(202, code, body)
	}
	code, body := as("some", http.MethodPost, demoGate+"/close", `{"reason":"r","match":{"customer":"c-`+secretText+`"}}`)
	r.want(200, code, body)
	if strings.Contains(body, secretText) {
		t.Errorf("the answer to a decision shows it: %s", body)
	}
	mask := regexp.MustCompile(`•[0-9a-f]{8}`).FindString(body)
	code, body = as("some", http.MethodPost, demoGate+"/close", `{"reason":"r","match":{"customer":"`+mask+`"}}`)
	r.want(400, code, body, `"field":"match.customer"`, "reveal")

	gate, _ := r.machine.GateView("demo/withdrawals")
	paths := []string{"/alertmanager/api/v2/alerts", "/alertmanager/api/v2/alerts/groups", "/api/v1/series?match[]=up", "/gates/demo/withdrawals/open?do=open&verdict=false&epoch=99", "/silences?matchers=" + url.QueryEscape("customer="+mask)}
	for _, a := range r.machine.AlertsView() {
		paths = append(paths, "/alerts/"+a.ID)
	}
	for _, p := range patterns(t) {
		if p != "/v1/stream" && p != "/logout" {
			paths = append(paths, pathsOf(t, p, gate.Holds[0].Incident, gate.Holds[0].Alert)...)
		}
	}
	r.await("people are told", func() bool {
		return strings.Contains(told.String(), "Twice") && strings.Contains(told.String(), "HeldOne")
	})
	masked, shown := 0, 0
	for _, path := range paths {
		if _, body := as("some", http.MethodGet, path, ""); strings.Contains(body, secretText) {
			at := strings.Index(body, secretText)
			t.Errorf("%s shows what is private: …%s…", path, body[max(0, at-100):at+len(secretText)])
		} else if strings.Contains(body, mask) {
			masked++
		}
		_, body := as("all", http.MethodGet, path, "")
		if strings.Contains(body, secretText) {
			shown++
		}
		if strings.HasPrefix(path, "/alertmanager/") && strings.Contains(body, secretText) {
			t.Errorf("%s is not as people are told", path)
		}
	}
	if masked < 8 || shown < 8 {
		t.Errorf("of %d paths %d have the mask, and %d show what is under it: the walk saw little", len(paths), masked, shown)
	}
	t.Logf("%d paths, %d masked, %d shown", len(paths), masked, shown)
	if code, body := as("some", http.MethodGet, "/v1/backup", ""); code != http.StatusForbidden {
		t.Errorf("a backup: %d %.100s", code, body)
	}
	if text := told.String(); strings.Contains(text, secretText) || !strings.Contains(text, mask) {
		t.Errorf("told: %s", text)
	}

	if text := log.String(); strings.Contains(text, secretText) {
		at := strings.Index(text, secretText)
		t.Errorf("the log shows it: …%s…", text[max(0, at-300):at+20])
	}

	// What is no longer private is told anew, and what is again, too.
	file("a.yml", privateRules)
	code, body = as("some", http.MethodPost, "/-/reload", "")
	r.want(200, code, body)
	if _, body := as("some", http.MethodGet, "/api/v1/alerts", ""); !strings.Contains(body, secretText) {
		t.Errorf("nothing is private, and masked: %s", body)
	}
	file("a.yml", privateRules+privateTypes)
	code, body = as("some", http.MethodPost, "/-/reload", "")
	r.want(200, code, body)
	r.await("people are told anew", func() bool {
		_, body := as("some", http.MethodGet, "/alertmanager/api/v2/alerts?active=true", "")
		return strings.Contains(body, mask) && !strings.Contains(body, secretText)
	})
}

// newHook takes what people are told.
func newHook(t *testing.T, told io.Writer) string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(told, r.Body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
