package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/closers"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// running is a collector that serves.
type running struct {
	*Collector
	t    testing.TB
	stop func()
}

func testConfig(t testing.TB) config.Config {
	t.Helper()
	c := config.Default()
	c.Listen, c.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	// Sockets have short names: a test's folder may be too long for one.
	dir, err := os.MkdirTemp("/tmp", "tmc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c.Socket = filepath.Join(dir, "c.sock")
	return c
}

func start(t testing.TB, c config.Config) *running {
	t.Helper()
	return startOptions(t, Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Up: true})
}

func startOptions(t testing.TB, o Options) *running {
	t.Helper()
	col, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- col.Run(ctx) }()
	r := &running{Collector: col, t: t}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(r.stop)
	r.await("ready", func() bool { return r.code(http.MethodGet, "/-/ready", "", "") == http.StatusOK })
	return r
}

func (r *running) await(what string, ok func() bool) {
	r.t.Helper()
	over := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			r.t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func (r *running) request(method, path, contentType, body string, change ...func(*http.Request)) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for _, c := range change {
		c(req)
	}
	return r.roundTrip(http.DefaultClient, req)
}

func (r *running) roundTrip(client *http.Client, req *http.Request) (int, string) {
	r.t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (r *running) code(method, path, contentType, body string) int {
	r.t.Helper()
	code, _ := r.request(method, path, contentType, body)
	return code
}

// want checks the status and that the answer holds all of the parts.
func (r *running) want(code int, got int, body string, parts ...string) {
	r.t.Helper()
	if got != code {
		r.t.Errorf("answered %d, want %d: %s", got, code, body)
	}
	for _, p := range parts {
		if !strings.Contains(body, p) {
			r.t.Errorf("the answer lacks %q: %s", p, body)
		}
	}
}

func payment(id, request string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"test","type":"payout.sent","data":{"request":%q,"payment":%q,"amount":"1.5"}}`, id, request, id)
}

func (r *running) post(body string) (int, string) {
	r.t.Helper()
	return r.request(http.MethodPost, "/v1/events", report.StructuredType, body)
}

func (r *running) decide(path, body string) (int, string) {
	r.t.Helper()
	return r.request(http.MethodPost, path, "application/json", body)
}

const demoGate = "/v1/gates/demo/withdrawals"

// TestSpine walks from an event to a closed gate, and back.
func TestSpine(t *testing.T) {
	r := start(t, testConfig(t))
	code, body := r.post(payment("tx1", "w1"))
	r.want(202, code, body, `"accepted":1`, `"duplicates":0`)
	code, body = r.post(payment("tx1", "w1"))
	r.want(202, code, body, `"accepted":0`, `"duplicates":1`)
	r.want(204, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
	r.post(payment("tx2", "w1"))
	code, body = r.request(http.MethodGet, demoGate+"/check", "", "")
	r.want(423, code, body, "closed", "w1")
	_, body = r.request(http.MethodGet, demoGate, "", "")
	r.want(200, 200, body, `"state":"closed"`, `"by":"DemoPaidTwice"`, `"cause":"rule"`, `"incident":"i1"`, `"mode":"enforce"`, r.machine.CellID())
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	r.want(200, 200, body, `"alertname":"DemoPaidTwice"`, r.machine.CellID()+"/test/tx1", r.machine.CellID()+"/test/tx2", `"value":"2"`)
	_, body = r.request(http.MethodGet, "/v1/effects", "", "")
	r.want(200, 200, body, `"state":"applied"`, `"target":"demo/withdrawals"`)

	code, body = r.decide(demoGate+"/open", `{"reason":"r"}`)
	r.want(400, code, body, `"field":"verdict"`)
	code, body = r.decide(demoGate+"/open", `{"verdict":"test"}`)
	r.want(400, code, body, `"field":"reason"`)
	code, body = r.decide(demoGate+"/open", `{"reason":"r","verdict":"test","epoch":0}`)
	r.want(409, code, body, "h1")
	code, body = r.decide(demoGate+"/open", `{"reason":"looked at both","verdict":"test"}`)
	r.want(200, code, body, `"state":"open"`, `"holds":[]`)
	_, body = r.request(http.MethodGet, "/v1/incidents/i1", "", "")
	r.want(200, 200, body, `"verdict":"test"`, "looked at both", `"actor":"local"`)
	r.post(payment("tx3", "w1"))
	r.want(423, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
}

// replay is the machine as a stopped collector's ledger has it.
func replay(t *testing.T, c config.Config) *machine.Machine {
	t.Helper()
	var release closers.Stack
	core, err := openCore(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)}, metrics.NewSet(), &release)
	if err := errors.Join(err, release.Close()); err != nil {
		t.Fatal(err)
	}
	return core.machine
}

// TestRestart stops and starts a collector and finds everything as it was.
func TestRestart(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	r.post(payment("tx1", "w1"))
	r.post(payment("tx2", "w1"))
	r.stop() // until then it may be told whom people were told
	hash, cell := r.machine.Hash(), r.machine.CellID()
	if got := replay(t, c); got.Hash() != hash || got.CellID() != cell {
		t.Errorf("cell %s state %x, was cell %s state %x", got.CellID(), got.Hash(), cell, hash)
	}
	r = start(t, c)
	code, body := r.post(payment("tx1", "w1"))
	r.want(202, code, body, `"duplicates":1`)
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	r.want(200, 200, body, "/test/tx1", "/test/tx2")
}

func TestBadInput(t *testing.T) {
	r := start(t, testConfig(t))
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	ev := func(extra string) string {
		return `{"specversion":"1.0","id":"1","source":"s","type":"t"` + extra + `}`
	}
	for _, c := range []struct {
		name, contentType, body string
		code                    int
		parts                   []string
	}{
		{"not JSON", report.StructuredType, `{"id":`, 400, []string{"ends too early"}},
		{"no id", report.StructuredType, `{"specversion":"1.0","source":"s","type":"t"}`, 400, []string{`"field":"id"`}},
		{"wrong type", report.StructuredType, `{"specversion":"1.0","id":7,"source":"s","type":"t"}`, 400, []string{`"field":"id"`, "a string"}},
		{"duplicate key", report.StructuredType, ev(`,"data":{"a":1,"a":2}`), 400, []string{`"field":"data.a"`, "twice"}},
		{"duplicate attribute", report.StructuredType, ev(`,"id":"2"`), 400, []string{`"field":"id"`}},
		{"money as a number", report.BatchType, `[` + ev("") + `,` + ev(`,"data":{"amount":1.5}`) + `]`, 400, []string{`"field":"[1].data.amount"`}},
		{"an hour ahead", report.StructuredType, ev(`,"time":"` + future + `"`), 400, []string{`"field":"time"`, "ahead"}},
		{"no version", report.StructuredType, `{"id":"1","source":"s","type":"t"}`, 400, []string{`"field":"specversion"`}},
		{"unknown content type", "text/csv", "a,b", 415, []string{"text/csv", report.LinesType}},
		{"no content type", "", "{}", 415, []string{report.StructuredType}},
		{"body over the bound", report.LinesType, strings.Repeat(" ", report.MaxBody+1), 413, nil},
		{"event over the bound", report.StructuredType, ev(`,"data":"` + strings.Repeat("x", report.MaxEvent) + `"`), 413, nil},
		{"invalid UTF-8", report.StructuredType, ev(",\"subject\":\"\xff\""), 400, []string{"UTF-8"}},
	} {
		code, body := r.request(http.MethodPost, "/v1/events", c.contentType, c.body)
		if code != c.code || !json.Valid([]byte(body)) {
			t.Errorf("%s: %d %s, want %d and JSON", c.name, code, body, c.code)
		}
		for _, p := range c.parts {
			if !strings.Contains(body, p) {
				t.Errorf("%s: %s lacks %q", c.name, body, p)
			}
		}
	}
	past := ev(`,"time":"1999-01-01T00:00:00Z"`)
	code, body := r.request(http.MethodPost, "/v1/events", report.StructuredType, past)
	r.want(202, code, body)
	if n := r.machine.Totals().Accepted; n != 1 {
		t.Errorf("%d events were accepted, want 1", n)
	}
}

func TestDoors(t *testing.T) {
	r := start(t, testConfig(t))
	code, body := r.request(http.MethodGet, "/v1/gates", "", "", func(q *http.Request) { q.Host = "evil.example" })
	r.want(403, code, body, `"field":"Host"`)
	code, body = r.request(http.MethodPost, demoGate+"/close", "application/json", `{"reason":"r"}`, func(q *http.Request) {
		q.Header.Set("Origin", "https://evil.example")
		q.Header.Set("Sec-Fetch-Site", "cross-site")
	})
	r.want(403, code, body)
	r.want(204, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
	r.want(405, r.code(http.MethodDelete, "/v1/gates", "", ""), "")
	r.want(404, r.code(http.MethodGet, "/v1/gates/none", "", ""), "")
	r.want(404, r.code(http.MethodPost, demoGate+"/explode", "", ""), "")
	code, body = r.request(http.MethodGet, "/v1/claims", "", "")
	r.want(404, code, body, "not in this version")
	code, body = r.decide(demoGate+"/close", `{"reason":"r","color":"red"}`)
	r.want(400, code, body, "color")
	code, body = r.decide(demoGate+"/close", `{"reason":5}`)
	r.want(400, code, body, `"field":"reason"`)
	code, body = r.decide(demoGate+"/close", strings.Repeat("x", 1<<20))
	r.want(413, code, body)
	code, body = r.request(http.MethodGet, "/v1/gates?watch=x", "", "")
	r.want(400, code, body, "watch")
}

// TestDecisionsOnTheSocketOnly is a collector without auth: over TCP everybody
// on the host may look and report, and nobody may decide.
func TestDecisionsOnTheSocketOnly(t *testing.T) {
	o := Options{Config: testConfig(t), Log: slog.New(slog.DiscardHandler)}
	r := startOptions(t, o)
	code, body := r.decide(demoGate+"/close", `{"reason":"r"}`)
	r.want(403, code, body, "socket")
	local := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", r.Socket())
	}}}
	defer local.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x"+demoGate+"/close", strings.NewReader(`{"reason":"r"}`))
	if err != nil {
		t.Fatal(err)
	}
	code, body = r.roundTrip(local, req)
	r.want(200, code, body, `"state":"closed"`, fmt.Sprintf("uid:%d", os.Getuid()))
}

// TestWatch is told of a change at once, and of none when the time is over.
func TestWatch(t *testing.T) {
	r := start(t, testConfig(t))
	var list struct {
		Epoch uint64
	}
	read := func(query string) {
		t.Helper()
		code, body := r.request(http.MethodGet, "/v1/gates"+query, "", "")
		if err := json.Unmarshal([]byte(body), &list); err != nil || code != 200 {
			t.Fatalf("%d %s %v", code, body, err)
		}
	}
	read("")
	before := list.Epoch
	read(fmt.Sprintf("?watch=%d&wait=20ms", before))
	if list.Epoch != before {
		t.Errorf("epoch %d without a change, was %d", list.Epoch, before)
	}
	told := make(chan string)
	go func() {
		_, body := r.request(http.MethodGet, fmt.Sprintf("%s?watch=%d", demoGate, 1), "", "")
		told <- body
	}()
	r.decide(demoGate+"/close", `{"reason":"look"}`)
	if body := <-told; !strings.Contains(body, `"closed"`) {
		t.Errorf("told %s", body)
	}
	read(fmt.Sprintf("?watch=%d", before))
	if list.Epoch <= before {
		t.Errorf("epoch %d after a change, was %d", list.Epoch, before)
	}
}

// TestVerified sees an effect verified once the only agent with a lease has
// asked again with the epoch.
func TestVerified(t *testing.T) {
	c := testConfig(t)
	rulesFile := filepath.Join(t.TempDir(), "r.yml")
	if err := os.WriteFile(rulesFile, []byte(strings.Replace(demoRules(t), "mode: enforce", "mode: enforce, lease: 1s", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules = []string{rulesFile}
	r := start(t, c)
	ask := func(epoch uint64) {
		r.request(http.MethodGet, fmt.Sprintf("/v1/gates?agent=a&watch=%d&wait=1ms", epoch), "", "")
	}
	ask(0)
	r.post(payment("tx1", "w1"))
	r.post(payment("tx2", "w1"))
	_, epoch := r.machine.GatesView()
	r.await("verified", func() bool {
		ask(epoch)
		_, body := r.request(http.MethodGet, "/v1/effects", "", "")
		return strings.Contains(body, `"verified"`) && strings.Contains(body, "1 agent confirmed")
	})
}

func demoRules(t *testing.T) string {
	t.Helper()
	return `groups:
- name: demo
  rules:
  - alert: DemoPaidTwice
    event: payout.sent
    by: [data.request]
    within: 24h
    when: distinct(data.payment) >= 2
    labels: {severity: critical}
    mitigate: [stop]
gates: [{name: demo/withdrawals, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: demo/withdrawals, mode: enforce}]
`
}

func TestReload(t *testing.T) {
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
	write(strings.Replace(demoRules(t), "within: 24h", "within: 24 parsecs", 1))
	code, body := r.request(http.MethodPost, "/-/reload", "", "")
	r.want(422, code, body, path+":7:13:", "24 parsecs", "^")
	_, body = r.request(http.MethodGet, "/metrics", "", "")
	r.want(200, 200, body, "tomeishi_rules_last_reload_successful 0")
	write(strings.Replace(demoRules(t), "severity: critical", "severity: page", 1))
	code, body = r.request(http.MethodPost, "/-/reload", "", "")
	r.want(200, code, body)
	_, body = r.request(http.MethodGet, "/metrics", "", "")
	r.want(200, 200, body, "tomeishi_rules_last_reload_successful 1")
	r.post(payment("tx2", "w1")) // the first payment came before the reload
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	r.want(200, 200, body, `"severity":"page"`, `"value":"2"`)

	// The only rule that closes the gate is put into shadow.
	write(strings.Replace(demoRules(t), "mitigate: [stop]", "mitigate: [{use: stop, mode: shadow}]", 1))
	code, body = r.request(http.MethodPost, "/-/reload", "", "")
	r.want(200, code, body, "DISARMED: rule DemoPaidTwice no longer closes gate demo/withdrawals", "UNGUARDED: gate demo/withdrawals")
	_, body = r.request(http.MethodGet, "/v1/status", "", "")
	r.want(200, 200, body, `"name":"GateUnguarded"`, `"labels":"gate=demo/withdrawals`)
	_, body = r.request(http.MethodGet, "/rules", "", "")
	r.want(200, 200, body, "rule DemoPaidTwice no longer closes gate demo/withdrawals")
}

// TestUnreadable has an application that renames a field, and one that misspells
// the type: two payments of one withdrawal are never silence.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig(t))
	for i := range 5 {
		r.post(fmt.Sprintf(`{"specversion":"1.0","id":"x%d","source":"pay","type":"payout.sent","data":{"reqest":"w1","payment":"p%d"}}`, i, i))
	}
	r.post(`{"specversion":"1.0","id":"y","source":"pay","type":"Payout.Sent","data":{"request":"w1","payment":"p"}}`)
	_, body := r.request(http.MethodGet, "/v1/status", "", "")
	r.want(200, 200, body, `"name":"RuleBlind"`, "data.request is missing or of no use (is it data.reqest now?)", "Events of type Payout.Sent come, and no rule reads them")
}

// TestBackup restores a backup elsewhere, where every gate holds; and refuses
// one that was cut, or changed in one bit.
func TestBackup(t *testing.T) {
	r := start(t, testConfig(t))
	r.post(payment("tx1", "w1"))
	_, whole := r.request(http.MethodGet, "/v1/backup", "", "")
	r.post(payment("tx2", "w1")) // after the backup
	log := slog.New(slog.DiscardHandler)
	for name, bad := range map[string]string{
		"cut":     whole[:len(whole)*2/3],
		"flipped": whole[:700] + string(whole[700]^1) + whole[701:],
		"empty":   "",
	} {
		dir := filepath.Join(t.TempDir(), "restored")
		if _, err := Restore(t.Context(), dir, strings.NewReader(bad), "root", log); err == nil {
			t.Errorf("%s: restored", name)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: left %s behind: %v", name, dir, err)
		}
	}
	c := testConfig(t)
	said, err := Restore(t.Context(), c.Data, bytes.NewReader([]byte(whole)), "root", log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, r.machine.CellID()) {
		t.Errorf("restored %q", said)
	}
	if _, err := Restore(t.Context(), c.Data, strings.NewReader(whole), "root", log); err == nil {
		t.Error("restored over a folder that is not empty")
	}
	back := start(t, c)
	if back.machine.CellID() == r.machine.CellID() {
		t.Error("agents would take the restored ledger for the one that they knew")
	}
	code, body := back.request(http.MethodGet, demoGate+"/check", "", "")
	back.want(423, code, body, "restored")
	code, body = back.decide(demoGate+"/open", `{"reason":"compared with the bank"}`)
	back.want(200, code, body, `"open"`)
	code, body = back.post(payment("tx1", "w1"))
	back.want(202, code, body, `"duplicates":1`)
	back.post(payment("tx2", "w1"))
	back.want(423, back.code(http.MethodGet, demoGate+"/check", "", ""), "")
	_, body = back.request(http.MethodGet, "/api/v1/alerts", "", "")
	back.want(200, 200, body, "/test/tx1", "/test/tx2")
}

func TestSecondProcess(t *testing.T) {
	c := testConfig(t)
	start(t, c)
	_, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("a second collector on the same data: %v", err)
	}
}

// TestAskStrictly: a question that is not quite understood must not be
// answered "pay".
func TestAskStrictly(t *testing.T) {
	r := start(t, testConfig(t))
	code, body := r.decide(demoGate+"/close", `{"reason":"r","match":{"request":"w-1"}}`)
	r.want(200, code, body)
	for query, want := range map[string]int{
		"request=w-1": 423, "request=w-2": 204, "": 423, // it may be the one that is held
		"request=w-1;x=1": 400, "request=w-1%25%zz": 400, "request=": 400, "reqest=w-1": 400, "request=w-2&request=w-1": 400,
	} {
		code, body := r.request(http.MethodGet, demoGate+"/check?"+query, "", "")
		if code != want {
			t.Errorf("check?%s: %d %s, want %d", query, code, body, want)
		}
	}
	_, body = r.request(http.MethodGet, demoGate+"/check?request=w-1", "", "")
	r.want(423, 423, body, "this payment is held")
}

// TestTapeMissing: the evidence of what came before the last snapshot is gone
// with the tape, and that is said.
func TestTapeMissing(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	r.post(payment("tx1", "w1"))
	if err := r.ledger.Snapshot(); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := os.RemoveAll(filepath.Join(c.Data, "tape")); err != nil {
		t.Fatal(err)
	}
	r = start(t, c)
	_, body := r.request(http.MethodGet, "/metrics", "", "")
	r.want(200, 200, body, "tomeishi_tape_damaged_ranges_total 1")
	r.post(payment("tx2", "w1"))
	r.want(423, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
	_, body = r.request(http.MethodGet, "/api/v1/alerts", "", "")
	r.want(200, 200, body, "no longer on the tape", "/test/tx2")
}
