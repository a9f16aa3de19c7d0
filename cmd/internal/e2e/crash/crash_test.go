// Package crash kills the real programs at random moments and compares what
// they know afterwards with an oracle.
package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const kills = 100

const ruleFile = `groups:
- name: crash
  rules:
  - alert: Seen                 # one alert for each event: what is applied, and how often
    event: payout.sent
    by: [data.payment]
    within: 1h
    when: count() >= 1
    limit: 100000
    labels: {severity: info}
  - alert: PaidTwice
    event: payout.sent
    by: [data.request]
    within: 1h
    when: distinct(data.payment) >= 2
    limit: 100000
    labels: {severity: warning}
    mitigate: [stop]
gates:
- {name: btc, mode: enforce, lease: 2s}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`

// TestKill posts events to the agent and to the collector without pause, kills
// one or both of them a hundred times, and then looks: every event that was
// acknowledged is there exactly once, none is there twice, and the gate is
// closed if and only if a request was paid twice.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes for a minute: not with -short")
	}
	w := newWorld(t)
	w.collector.start(t)
	w.agent.start(t)
	w.awaitReady(t)

	ctx, stop := context.WithCancel(t.Context())
	var posting sync.WaitGroup
	for i := range 4 {
		posting.Go(func() { w.post(ctx, i) })
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for range kills {
		pause := time.NewTimer(time.Duration(20+rnd.IntN(400)) * time.Millisecond)
		<-pause.C
		victims := [][]*process{{w.collector}, {w.agent}, {w.collector, w.agent}}[rnd.IntN(3)]
		for _, p := range victims {
			p.kill(t)
		}
		for _, p := range victims {
			p.start(t)
		}
	}
	w.awaitReady(t)
	stop()
	posting.Wait()
	w.compare(t)
	w.restartKeepsState(t)
}

// world is the two programs and what was told to them.
type world struct {
	dir              string
	collector, agent *process
	collectorURL     string
	agentURL         string

	mu      sync.Mutex
	acked   map[string]bool // payment: acknowledged or not known to be
	request map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{dir: dir, acked: map[string]bool{}, request: map[string]string{}}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "github.com/tomeishi/tomeishi/cmd/tomeishi", "github.com/tomeishi/tomeishi/cmd/tomeishi-agent")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c, a := freePort(t), freePort(t)
	w.collectorURL, w.agentURL = "http://"+c, "http://"+a
	write(t, filepath.Join(dir, "rules.yml"), ruleFile)
	write(t, filepath.Join(dir, "collector.yml"), fmt.Sprintf("listen: %s\ndata: collector\nrules: [rules.yml]\n", c))
	write(t, filepath.Join(dir, "agent.yml"), fmt.Sprintf("id: host1\nlisten: %s\ndata: %s/agent\ncollectors: [%s]\n", a, dir, w.collectorURL))
	w.collector = &process{path: dir + "/tomeishi", args: []string{"collector", "--config", dir + "/collector.yml"}, log: dir + "/collector.log"}
	w.agent = &process{path: dir + "/tomeishi-agent", args: []string{"--config", dir + "/agent.yml"}, log: dir + "/agent.log"}
	t.Cleanup(func() {
		w.collector.kill(t)
		w.agent.kill(t)
		if t.Failed() {
			for _, p := range []*process{w.collector, w.agent} {
				t.Logf("%s:\n%s", p.log, tail(p.log))
			}
		}
	})
	return w
}

func tail(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-4000):]
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is one run after another of one program.
type process struct {
	path string
	args []string
	log  string
	cmd  *exec.Cmd
}

func (p *process) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (p *process) kill(t *testing.T) { p.end(t, syscall.SIGKILL) }

func (p *process) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%s was not running any more: %v\n%s", p.path, err, tail(p.log))
	}
	if err := p.cmd.Wait(); sig == syscall.SIGTERM && err != nil {
		t.Errorf("%s: %v", p.path, err)
	}
	p.cmd = nil
}

func (w *world) awaitReady(t *testing.T) {
	t.Helper()
	for _, url := range []string{w.collectorURL, w.agentURL} {
		await(t, url+" ready", func() bool {
			code, _ := get(t, url+"/-/ready")
			return code == http.StatusOK
		})
	}
}

// await polls a condition that another process fulfills.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	over := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			t.Fatalf("waited a minute in vain: %s", what)
		case <-tick.C:
		}
	}
}

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, b
}

// post sends events until ctx ends. What is not answered is sent once more,
// as an application would: the same id counts once.
func (w *world) post(ctx context.Context, poster int) {
	client := &http.Client{Timeout: 2 * time.Second}
	for n := 0; ctx.Err() == nil; n++ {
		payment := fmt.Sprintf("p%d-%d", poster, n)
		request := "r" + payment
		if n%500 == 499 {
			request = fmt.Sprintf("rp%d-%d", poster, n-1) // pays the one before again
		}
		url := w.agentURL
		if poster == 3 {
			url = w.collectorURL
		}
		ok := false
		for try := 0; try < 2 && !ok; try++ {
			if ok = send(ctx, client, url, payment, request); !ok {
				pause(ctx, 10*time.Millisecond)
			}
		}
		w.mu.Lock()
		w.acked[payment], w.request[payment] = ok, request
		w.mu.Unlock()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func send(ctx context.Context, client *http.Client, url, payment, request string) bool {
	body := fmt.Sprintf(`{"specversion":"1.0","id":"e-%s","source":"crash","type":"payout.sent","data":{"request":%q,"payment":%q}}`, payment, request, payment)
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, url+"/v1/events", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusAccepted
}

type alert struct {
	Labels   map[string]string `json:"labels"`
	Value    string            `json:"value"`
	Evidence []string          `json:"evidence"`
}

func (w *world) alerts(t *testing.T) []alert {
	t.Helper()
	code, body := get(t, w.collectorURL+"/api/v1/alerts")
	if code != http.StatusOK {
		t.Fatalf("alerts: %d %.200s", code, body)
	}
	return alertsOf(t, body)
}

func alertsOf(t *testing.T, body []byte) []alert {
	t.Helper()
	var out struct {
		Data struct {
			Alerts []alert `json:"alerts"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("alerts: %v %.200s", err, body)
	}
	return out.Data.Alerts
}

// compare waits until everything acknowledged has arrived, and then looks at
// all of it.
func (w *world) compare(t *testing.T) {
	t.Helper()
	acked := 0
	for _, ok := range w.acked {
		if ok {
			acked++
		}
	}
	var seen map[string]alert
	var twice map[string]bool
	await(t, "every acknowledged event at the collector", func() bool {
		seen, twice = map[string]alert{}, map[string]bool{}
		for _, a := range w.alerts(t) {
			switch a.Labels["alertname"] {
			case "Seen":
				seen[a.Labels["payment"]] = a
			case "PaidTwice":
				twice[a.Labels["request"]] = true
			}
		}
		missing := 0
		for payment, ok := range w.acked {
			if _, there := seen[payment]; ok && !there {
				missing++
			}
		}
		return missing == 0
	})
	t.Logf("%d events posted, %d acknowledged, %d applied, %d requests paid twice", len(w.acked), acked, len(seen), len(twice))
	payments := map[string]int{}
	for payment, a := range seen {
		if _, posted := w.acked[payment]; !posted {
			t.Errorf("%s was applied and never posted", payment)
		}
		if a.Value != "1" || len(a.Evidence) != 1 || !strings.HasSuffix(a.Evidence[0], "/crash/e-"+payment) {
			t.Errorf("%s: value %s, evidence %v", payment, a.Value, a.Evidence)
		}
		payments[w.request[payment]]++
	}
	for request, n := range payments {
		if twice[request] != (n >= 2) {
			t.Errorf("request %s was paid %d times; alert: %v", request, n, twice[request])
		}
	}
	closed := strings.Contains(string(w.gate(t, w.collectorURL)), `"closed"`)
	if closed != (len(twice) > 0) {
		t.Errorf("%d requests paid twice, gate closed: %v", len(twice), closed)
	}
	await(t, "the agent's copy of the gate", func() bool {
		return strings.Contains(string(w.gate(t, w.agentURL)), `"closed"`) == closed
	})
	if acked < kills || len(twice) == 0 {
		t.Errorf("only %d events and %d pairs got through: this shows nothing", acked, len(twice))
	}
}

func (w *world) gate(t *testing.T, url string) []byte {
	t.Helper()
	_, body := get(t, url+"/v1/gates/btc")
	return body
}

// restartKeepsState stops and starts the collector, which verifies the chain,
// and compares the hash of its state.
func (w *world) restartKeepsState(t *testing.T) {
	t.Helper()
	w.agent.end(t, syscall.SIGTERM)
	hash := func() []byte {
		_, body := get(t, w.collectorURL+"/v1/status?hash")
		var s struct {
			Index        uint64
			Chain, State string
		}
		if err := json.Unmarshal(body, &s); err != nil || s.State == "" {
			t.Fatalf("status: %v %.200s", err, body)
		}
		return fmt.Appendf(nil, "%d %s %s", s.Index, s.Chain, s.State)
	}
	// Effects are verified once all leases have run out; then nothing is due.
	await(t, "all effects verified", func() bool {
		_, body := get(t, w.collectorURL+"/v1/effects")
		return !bytes.Contains(body, []byte(`"applied"`))
	})
	before := hash()
	w.collector.end(t, syscall.SIGTERM)
	w.collector.args = append(w.collector.args, "--log-level", "debug")
	w.collector.start(t)
	await(t, "ready again", func() bool {
		code, _ := get(t, w.collectorURL+"/-/ready")
		return code == http.StatusOK
	})
	// What it found when it was opened: then it serves and writes on.
	found := replayed.FindSubmatch(w.collector.read(t))
	if found == nil {
		t.Fatal("the collector does not say what it has replayed")
	}
	if after := bytes.Join(found[1:], []byte(" ")); !bytes.Equal(before, after) {
		t.Errorf("index, chain and state\nbefore the restart %s\nafter              %s", before, after)
	}
}

var replayed = regexp.MustCompile(`"ledger replayed","index":(\d+),"chain":"(\w+)","state":"(\w+)"`)

func (p *process) read(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
