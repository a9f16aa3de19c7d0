package operate

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const threeAgents = `{"agents": [
  {"agent": "db1", "state": "ok", "heard": "2026-11-21T07:30:00Z", "clock_offset_seconds": -0.0012, "clock_judged": "2026-11-21T07:30:00Z", "series": 250, "seq": 7},
  {"agent": "web/3\u001b", "state": "silent", "ills": ["silent", "clock off"], "heard": "x", "series": 0, "seq": 0}]}`

func TestAgentList(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, clitest.Says(200, threeAgents))
	exit, out, stderr := runTest(t, "agent", "list", "--server", at)
	for _, want := range []string{
		"AGENT      STATE              HEARD", "\ndb1        ok                 ", " ago  -1.2 ms  250     7\n", "\nweb/3\\x1b  SILENT, CLOCK OFF  x ",
	} {
		if exit != term.Done || !strings.Contains(out, want) {
			t.Errorf("exit %d, said %q, no %q in\n%s", exit, stderr, want, out)
		}
	}
	if exit, out, _ := runTest(t, "agent", "list", "--json", "--server", at); exit != term.Done || !strings.Contains(out, `"state": "silent"`) {
		t.Errorf("--json: exit %d, output %s", exit, out)
	}
	if exit, out, _ := runTest(t, "agent", "list", "--server", clitest.Serve(t, clitest.Says(200, `{"agents": []}`))); exit != term.Done || out != "no agent was heard yet\n" {
		t.Errorf("exit %d, output %q", exit, out)
	}
}

func TestAgentForget(t *testing.T) {
	clitest.Chdir(t)
	var path, body string
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		path, body = r.URL.EscapedPath(), string(text)
		_, _ = io.WriteString(w, threeAgents)
	})
	for id, want := range map[string]string{
		"web3": "/v1/agents/web3/forget",
		"a/b":  "/v1/agents/a%2Fb/forget",
		"..":   "/v1/agents/%2E%2E/forget",
		"a.b?": "/v1/agents/a%2Eb%3F/forget",
	} {
		exit, out, stderr := runTest(t, "agent", "forget", id, "--reason", "given back", "--server", at)
		if exit != term.Done || out != "agent "+id+" is forgotten, 2 agents left\n" || path != want || body != `{"reason":"given back"}` {
			t.Errorf("%s: exit %d, output %q, said %q; asked %s %s", id, exit, out, stderr, path, body)
		}
	}
	for _, tt := range []struct{ args, want string }{
		{"agent forget", "AGENT is missing"},
		{"agent forget web3", "--reason is missing"},
		{"agent remove web3", `there is no command "remove"`},
	} {
		if exit, _, stderr := runTest(t, strings.Fields(tt.args)...); exit != term.Usage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d, said %q", tt.args, exit, stderr)
		}
	}
	exit, _, stderr := runTest(t, "agent", "forget", "", "--reason", "x", "--server", at)
	if exit != term.Usage || !strings.Contains(stderr, "AGENT is empty") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	exit, _, stderr = runTest(t, "agent", "forget", "web3", "--reason", "x", "--server", clitest.Serve(t, clitest.Says(409, `{"error": "agent web3 was heard 2 seconds ago: stop it first"}`)))
	if exit != term.Failed || !strings.Contains(stderr, "stop it first") || strings.Contains(stderr, "KNOWN") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	exit, _, stderr = runTest(t, "agent", "forget", "web3", "--reason", "x", "--server", clitest.Serve(t, clitest.Resets))
	if exit != term.Failed || !strings.Contains(stderr, "NOT KNOWN whether agent web3 was forgotten") || !strings.Contains(stderr, "\n  tomeishi agent list --server ") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}
