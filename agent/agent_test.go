package agent

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/local"
	"github.com/tomeishi/tomeishi/agent/report"
)

const one = `{"specversion":"1.0","id":"1","source":"app","type":"payout.sent","data":{"request":"r1"}}`

func event(id string) string { return strings.Replace(one, `"id":"1"`, `"id":"`+id+`"`, 1) }

func TestEventsReachTheCollector(t *testing.T) {
	srv := newCollector(t)
	dir := t.TempDir()
	r := run(t, configOf(dir, srv.URL), false)
	if a := r.do(nil, "POST", "/v1/events", one, "Content-Type", report.StructuredType); a.code != 202 || a.json["accepted"] != 1.0 || a.json["duplicates"] != 0.0 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := r.do(r.unix, "POST", "/v1/events", event("2")+"\n"+event("3"), "Content-Type", report.LinesType, "Host", "any.host"); a.code != 202 || a.json["accepted"] != 2.0 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	want := []string{"1 agentid=a1"}
	for _, id := range []string{"2", "3"} {
		want = append(want, fmt.Sprintf("%s agentid=a1 peeruid=%d", id, os.Getuid()))
	}
	for {
		srv.mu.Lock()
		got := strings.Join(srv.got, "\n")
		n := len(srv.got)
		srv.mu.Unlock()
		if n < 3 {
			<-srv.more
			continue
		}
		if got != strings.Join(want, "\n") {
			t.Errorf("got\n%s", got)
		}
		break
	}
	r.stop()
	if _, err := os.Lstat(filepath.Join(dir, "agent.sock")); err == nil {
		t.Error("the socket is left")
	}
}

func TestAcceptedEventsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	r := run(t, configOf(dir), false)
	for i := range 5 {
		if a := r.do(nil, "POST", "/v1/events", event(fmt.Sprint(i)), "Content-Type", report.StructuredType); a.code != 202 {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	r.stop()
	srv := newCollector(t)
	run(t, configOf(dir, srv.URL), false)
	for n := 0; n < 5; {
		<-srv.more
		srv.mu.Lock()
		n = len(srv.got)
		srv.mu.Unlock()
	}
}

func TestGates(t *testing.T) {
	srv := newCollector(t)
	asks := gate("w/asks", "open", 1)
	asks["asks"], asks["mode"] = []string{"request"}, "shadow"
	srv.set("cell1", gate("w/btc", "open", 1, map[string]any{"id": "h1", "reason": "asked by police", "match": map[string]string{"customer": "c1"}}), asks)
	dir := t.TempDir()
	r := run(t, configOf(dir, srv.URL), true)
	r.until("/-/ready", 200)
	if a := r.do(nil, "GET", "/v1/gates/w/btc", ""); a.code != 200 || a.json["state"] != "open" || a.json["fresh"] != true || a.json["cell"] != "cell1" {
		t.Errorf("%d %s", a.code, a.body)
	}
	tests := []struct {
		method, path string
		code         int
		state        any
	}{
		{"GET", "/v1/gates/w/btc/check", 423, "held"}, // whose it is, is not said
		{"HEAD", "/v1/gates/w/btc/check?customer=c2", 204, nil},
		{"GET", "/v1/gates/w/btc", 200, "open"},
		{"GET", "/v1/gates/w/asks/check?customer=c2", 400, nil}, // in shadow too
		{"GET", "/v1/gates/w/asks/check?request=r1", 204, nil},
		{"GET", "/v1/gates/w/btc/check?customer=c2", 204, nil},
		{"GET", "/v1/gates/w/btc/check?customer=c1", 423, "held"},
		{"HEAD", "/v1/gates/w/btc/check?customer=c1", 423, nil},
		{"GET", "/v1/gates/w/btc?customer=c1", 200, "closed"},
		{"GET", "/v1/gates/w/eth/check", 404, nil},
		{"GET", "/v1/gates/w", 404, nil},
		{"GET", "/v1/gates/", 404, nil},
		{"GET", "/v1/gates/w/btc?watch=3", 400, nil},
		{"POST", "/v1/gates/w/btc/close", 405, nil},
		{"GET", "/v1/gates", 200, nil},
	}
	for _, tt := range tests {
		a := r.do(nil, tt.method, tt.path, "")
		if a.code != tt.code || a.json["state"] != tt.state {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, a.code, a.body)
		}
		if tt.method == "GET" && a.code >= 400 && a.json["error"] == nil {
			t.Errorf("%s %s: no error in %q", tt.method, tt.path, a.body)
		}
	}

	srv.set("cell1", gate("w/btc", "closed", 2, map[string]any{"id": "h2", "reason": "paid twice"}))
	if a := r.until("/v1/gates/w/btc/check?customer=c2", 423); !strings.Contains(a.body, "paid twice") || a.json["state"] != "closed" {
		t.Errorf("%s", a.body)
	}

	srv.set("cell2", gate("w/btc", "open", 9))
	for r.gates.Suspect() == "" {
		r.do(nil, "GET", "/v1/gates", "")
	}
	r.until("/v1/gates/w/btc/check", 423)
	adopt := `{"reason":"a new ledger"}`
	if a := r.do(nil, "POST", "/v1/adopt", adopt); a.code != 403 {
		t.Errorf("over TCP: %d %s", a.code, a.body)
	}
	if a := r.do(r.unix, "POST", "/v1/adopt", `{"reason":" "}`); a.code != 400 || a.json["field"] != "reason" {
		t.Errorf("without reason: %d %s", a.code, a.body)
	}
	if a := r.do(r.unix, "POST", "/v1/adopt", adopt); a.code != 200 {
		t.Errorf("adopt: %d %s", a.code, a.body)
	}
	r.until("/v1/gates/w/btc/check", 204)
	if a := r.do(r.unix, "POST", "/v1/adopt", adopt); a.code != 409 {
		t.Errorf("adopted twice: %d %s", a.code, a.body)
	}
}

func TestRefusals(t *testing.T) {
	r := run(t, configOf(t.TempDir()), false)
	big := `{"specversion":"1.0","id":"` + strings.Repeat("x", 9<<20)
	tests := []struct {
		name, method, path, body string
		header                   []string
		code                     int
		field                    any
	}{
		{"no JSON", "POST", "/v1/events", "{", []string{"Content-Type", report.StructuredType}, 400, nil},
		{"no id", "POST", "/v1/events", `{"specversion":"1.0","source":"a","type":"t"}`, []string{"Content-Type", report.StructuredType}, 400, "id"},
		{"media type", "POST", "/v1/events", one, []string{"Content-Type", "text/plain"}, 415, nil},
		{"too large", "POST", "/v1/events", big, []string{"Content-Type", report.StructuredType}, 413, nil},
		{"foreign host", "POST", "/v1/events", one, []string{"Host", "evil.example"}, 403, "Host"},
		{"foreign host reads", "GET", "/v1/gates", "", []string{"Host", "evil.example"}, 403, "Host"},
		{"foreign origin", "POST", "/v1/events", one, []string{"Origin", "http://evil.example"}, 403, "Origin"},
		{"method", "GET", "/v1/events", "", nil, 405, nil},
		{"method of adopt", "GET", "/v1/adopt", "", nil, 405, nil},
		{"claims", "POST", "/v1/claims", "{}", nil, 501, nil},
		{"path", "GET", "/v1/nothing", "", nil, 404, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := r.do(nil, tt.method, tt.path, tt.body, tt.header...)
			if a.code != tt.code || a.json["error"] == nil || tt.field != nil && a.json["field"] != tt.field {
				t.Errorf("%d %s", a.code, a.body)
			}
			if tt.code == 405 && a.header.Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
	t.Run("too large, length unknown", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+r.Addr()+"/v1/events", io.MultiReader(strings.NewReader(big)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != 413 {
			t.Errorf("%d, %v", resp.StatusCode, err)
		}
	})
	if a := r.do(nil, "GET", "/metrics", ""); a.code != 200 || !strings.Contains(a.body, `tomeishi_agent_info{id="a1",version="test"} 1`) {
		t.Errorf("metrics: %d\n%s", a.code, a.body)
	}
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		if a := r.do(nil, "GET", path, ""); a.code != 200 {
			t.Errorf("%s: %d", path, a.code)
		}
	}
}

func TestNewRefusesAndReleases(t *testing.T) {
	dir := t.TempDir()
	first, err := New(Options{Config: configOf(dir)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(Options{Config: configOf(dir)})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by pid %d", os.Getpid())) {
		t.Errorf("a second one on the same data: %v", err)
	}
	taken := configOf(t.TempDir())
	taken.Listen = first.Addr()
	if _, err := New(Options{Config: taken}); err == nil {
		t.Error("listens where another does")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := New(Options{Config: configOf(dir)})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestLeftovers: after a kill, the old socket is there and nobody serves it.
func TestLeftovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := local.ListenUnix(t.Context(), filepath.Join(dir, "agent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Config: configOf(dir)}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("took over a live socket: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := run(t, configOf(dir), false)
	if a := r.do(r.unix, "GET", "/-/ready", ""); a.code != 200 {
		t.Errorf("%d", a.code)
	}
	r.stop()
	if err := os.WriteFile(filepath.Join(dir, "agent.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Config: configOf(dir)}); err == nil {
		t.Error("took the place of a file that is no socket")
	}
}

func TestFullSpoolIs429(t *testing.T) {
	c := configOf(t.TempDir())
	c.Spool.Max = 16 << 20
	r := run(t, c, false)
	var lines bytes.Buffer
	for i := range 9 {
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"%d","source":"a","type":"t","data":"%s"}`+"\n", i, strings.Repeat("x", 800<<10))
	}
	for {
		a := r.do(nil, "POST", "/v1/events", lines.String(), "Content-Type", report.LinesType)
		if a.code == 202 {
			continue
		}
		if a.code != 429 || a.header.Get("Retry-After") == "" || a.json["error"] == nil {
			t.Errorf("%d %s", a.code, a.body)
		}
		return
	}
}
