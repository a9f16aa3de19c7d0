package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/auth"
)

// TestRights asks everything under every token of a collector with auth.
func TestRights(t *testing.T) {
	c := testConfig(t)
	digest := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return hex.EncodeToString(sum[:])
	}
	for _, may := range [][]string{{"view"}, {"view", "operate"}, {"view", "approve"}, {}} {
		name := "can-" + strings.Join(may, "-")
		c.Auth.People = append(c.Auth.People, auth.Person{Name: name, TokenSHA256: digest(name), May: may})
	}
	for _, id := range []string{"a", "b"} {
		c.Auth.Agents = append(c.Auth.Agents, auth.AgentKey{ID: id, TokenSHA256: digest("agent-" + id)})
	}
	r := startOptions(t, Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	var events report.Builder
	events.Add(&report.Event{ID: "1", Source: "s", Type: "t", Seen: 1})
	block := string(report.Block{Head: report.Head{Agent: "a", Seq: 1}, Batch: events.Batch()}.Append(nil))
	const nobody, view, operate, approve, agentA, agentB = "can-", "can-view", "can-view-operate", "can-view-approve", "agent-a", "agent-b"
	tokens := []string{nobody, view, operate, approve, agentA, agentB}
	for _, q := range []struct {
		method, path, contentType, body string
		codes                           [6]int // in the order of tokens
	}{
		{"GET", "/v1/gates", "", "", [6]int{403, 200, 200, 200, 200, 200}},
		{"GET", "/v1/gates?agent=a", "", "", [6]int{403, 403, 403, 403, 200, 403}},
		{"GET", "/api/v1/alerts", "", "", [6]int{403, 200, 200, 200, 403, 403}},
		{"GET", "/v1/status", "", "", [6]int{403, 200, 200, 200, 403, 403}},
		{"GET", "/v1/status?hash", "", "", [6]int{403, 403, 200, 403, 403, 403}},
		{"GET", "/v1/backup", "", "", [6]int{403, 403, 200, 403, 403, 403}},
		{"POST", "/v1/events", report.StructuredType, payment("p", "w"), [6]int{403, 403, 202, 403, 202, 202}},
		{"POST", "/v1/blocks", report.BlocksType, block, [6]int{403, 403, 403, 403, 200, 403}},
		{"POST", "/api/v1/query", "application/x-www-form-urlencoded", "query=1", [6]int{403, 200, 200, 200, 403, 403}},
		{"POST", "/api/v1/write", "application/x-protobuf", "", [6]int{403, 403, 400, 403, 403, 403}},
		{"GET", "/v1/agents", "", "", [6]int{403, 200, 200, 200, 403, 403}},
		{"POST", "/v1/agents/a/forget", "", `{"reason":"r"}`, [6]int{403, 403, 409, 403, 403, 403}},
		{"POST", demoGate + "/close", "", `{"reason":"r"}`, [6]int{403, 403, 200, 403, 403, 403}},
		{"POST", "/v1/effects/e9/approve", "", "", [6]int{403, 403, 403, 404, 403, 403}},
		{"POST", "/v1/effects/e9/undo", "", "", [6]int{403, 403, 404, 403, 403, 403}},
		{"POST", "/-/reload", "", "", [6]int{403, 403, 200, 403, 403, 403}},
		{"GET", "/-/ready", "", "", [6]int{200, 200, 200, 200, 200, 200}},
	} {
		for i, token := range tokens {
			code, body := r.request(q.method, q.path, q.contentType, q.body, func(h *http.Request) {
				h.Header.Set("Authorization", "Bearer "+token)
			})
			if code != q.codes[i] {
				t.Errorf("%s %s as %s: %d %.200s, want %d", q.method, q.path, token, code, body, q.codes[i])
			}
		}
	}
	code, _ := r.request(http.MethodGet, "/v1/gates", "", "")
	r.want(401, code, "")
	code, body := r.onSocket(http.MethodGet, "/v1/gates?agent=a", "")
	r.want(403, code, body, `"field":"agent"`)
	code, body = r.onSocket(http.MethodPost, demoGate+"/close", `{"reason":"r2"}`)
	r.want(200, code, body)
}

// onSocket asks over the Unix socket.
func (r *running) onSocket(method, path, body string) (int, string) {
	r.t.Helper()
	local := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", r.Socket())
	}}}
	defer local.CloseIdleConnections()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://x"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.roundTrip(local, req)
}

// TestConfirmsNothingToCome has an agent name an epoch that does not exist yet:
// it is answered at once, and has confirmed nothing.
func TestConfirmsNothingToCome(t *testing.T) {
	r := start(t, testConfig(t))
	now := r.machine.GateEpoch()
	code, body := r.request(http.MethodGet, fmt.Sprintf("/v1/gates?agent=a&watch=%d", now+100), "", "")
	r.want(200, code, body, fmt.Sprintf(`"epoch":%d`, now))
	if know, open := r.leader.term.Load().leases.Confirmed(now+1, "demo/withdrawals"); know != 0 || open != 1 {
		t.Errorf("%d agents know an epoch that does not exist, %d do not", know, open)
	}
}

// TestStop stops while watches and a stream are open, and connections on which
// nobody asks.
func TestStop(t *testing.T) {
	r := start(t, testConfig(t))
	epoch := r.machine.GateEpoch()
	told := make(chan int, 3)
	watches := []string{"/v1/gates", demoGate, "/v1/stream"}
	for _, path := range watches {
		go func() {
			code := 0
			defer func() { told <- code }() // also when the request fails
			code, _ = r.request(http.MethodGet, fmt.Sprintf("%s?watch=%d", path, epoch), "", "")
		}()
	}
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r.await("all watches are open", func() bool { return r.servers.running.Load() == 3 })
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took > time.Second {
		t.Errorf("stopping took %s", took)
	}
	for range watches {
		if code := <-told; code != http.StatusOK {
			t.Errorf("a watch was answered %d", code)
		}
	}
}

// TestGoneWhileSubmitted has senders leave while the ledger takes their events,
// and others use the memory of their requests.
func TestGoneWhileSubmitted(t *testing.T) {
	r := start(t, testConfig(t))
	var wg sync.WaitGroup
	for sender := range 4 {
		wg.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				body := payment(fmt.Sprintf("%d-%d", sender, i), strings.Repeat("w", i))
				q := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/v1/events", strings.NewReader(body))
				q.Header.Set("Content-Type", report.StructuredType)
				go cancel()
				r.servers.tcp.Handler.ServeHTTP(httptest.NewRecorder(), q)
			}
		})
	}
	wg.Wait()
	if n := r.machine.Totals().Malformed; n != 0 {
		t.Errorf("%d entries cannot be read", n)
	}
}

// TestNotASocket keeps a file that stands where the socket should.
func TestNotASocket(t *testing.T) {
	c := testConfig(t)
	if err := os.WriteFile(c.Socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(c.Socket); string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// TestRestoreBeside keeps what is beside the folder, and leaves nothing there.
func TestRestoreBeside(t *testing.T) {
	r := start(t, testConfig(t))
	_, whole := r.request(http.MethodGet, "/v1/backup", "", "")
	parent := t.TempDir()
	precious := filepath.Join(parent, "data.part", "precious")
	if err := os.MkdirAll(precious, 0o700); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	dir := filepath.Join(parent, "data")
	if _, err := Restore(t.Context(), dir+"/", io.LimitReader(strings.NewReader(whole), 5000), "root", log); err == nil {
		t.Error("restored half a backup")
	}
	if _, err := Restore(t.Context(), dir+"/", bytes.NewReader([]byte(whole)), "root", log); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 2 {
		t.Errorf("beside the folder: %v, %v", entries, err)
	}
}

// ask posts to a handler without a collector.
func ask(t *testing.T, h http.Handler, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}
