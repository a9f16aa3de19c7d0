//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/filekind"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/cmd/internal/build"
)

// TestMain makes this binary the command when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("TOMEISHI_AGENT_TEST") == "1" {
		main()
	}
	testscript.Main(m, map[string]func(){"tomeishi-agent": main})
}

// TestScript runs the scripts of testdata/script against the real program.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"code": code},
	})
}

// code N PROGRAM ARG... runs the program, which has to exit with code N.
func code(ts *testscript.TestScript, _ bool, args []string) {
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// TestKeys is that a configuration is known by each of its keys.
func TestKeys(t *testing.T) {
	for _, key := range config.Keys() {
		f := strictyaml.File{Name: "f.yml", Text: []byte(key + ": x\n")}
		if kind := filekind.Of(f, filekind.Agent); kind != filekind.Agent {
			t.Errorf("%s is taken for a key of %s", key, kind)
		}
	}
}

func TestUsage(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yml")
	bad := filepath.Join(t.TempDir(), "bad.yml")
	if err := os.WriteFile(bad, []byte("data: /d\nlisten: 0.0.0.0:9310\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		code int
		want string
	}{
		{"--help", done, "adopt --config FILE --reason TEXT"},
		{"adopt --help", done, "--reason TEXT"},
		{"--version", done, "tomeishi-agent " + build.Version + " ("},
		{"--config " + bad + " --log-level loud", usage, "--log-level"},
		{"", usage, "--config FILE is missing"},
		{"--confg x", usage, "flag provided but not defined"},
		{"--config x extra", usage, `unknown argument "extra"`},
		{"--config " + bad + " --log.level loud", usage, "debug, info, warn, error"},
		{"--config " + missing, failed, "no such file"},
		{"--config " + bad, failed, "listen: 127.0.0.1:9310"},
		{"check", usage, "FILE is missing"},
		{"check --help", done, "Exit code 0"},
		{"adopt --config " + bad, usage, "--reason TEXT is missing"},
		{"adopt --config agent.yml --reason x --data " + missing, failed, "no such file"},
	}
	for _, tt := range tests {
		var out, errs strings.Builder
		code := run(strings.Fields(tt.args), &out, &errs)
		if code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) {
			t.Errorf("%q: exit code %d\n%s%s", tt.args, code, out.String(), errs.String())
		}
		if (code == done) != (errs.Len() == 0) {
			t.Errorf("%q: wrote to the wrong stream", tt.args)
		}
	}
}

// TestExample runs the shipped configuration, tells the running agent to
// adopt, stops it, and adopts without it.
func TestExample(t *testing.T) {
	if _, err := config.Read("agent.yml", config.Flags{}); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--config", "agent.yml", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "TOMEISHI_AGENT_TEST=1")
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := listening(t, logs)
	resp := post(t, addr, `{"specversion":"1.0","id":"1","source":"a","type":"payout.sent"}`)
	if resp != http.StatusAccepted {
		t.Errorf("answered %d", resp)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	resp = post(t, addr, `{"specversion":"1.0","id":"2","source":"a","type":"payout.sent"}`)
	if resp != http.StatusAccepted {
		t.Errorf("answered %d after SIGHUP", resp)
	}
	adopting := []string{"adopt", "--config", "agent.yml", "--data", data, "--reason", "test"}
	var out, errs strings.Builder
	if code := run(adopting, &out, &errs); code != failed || !strings.Contains(errs.String(), "nothing to adopt") {
		t.Errorf("adopt: exit code %d\n%s", code, errs.String())
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(logs)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "agent stopped") || !strings.Contains(string(rest), "SIGHUP changes nothing") {
		t.Errorf("%v\n%s", err, rest)
	}
	errs.Reset()
	if code := run(adopting, &out, &errs); code != failed || !strings.Contains(errs.String(), "nothing to adopt") {
		t.Errorf("adopt without anything kept: exit code %d\n%s", code, errs.String())
	}
}

// listening reads the log up to the line that says where the agent listens.
func listening(t *testing.T, logs io.Reader) string {
	t.Helper()
	// Byte by byte, so that the rest stays in the pipe.
	for r := bufio.NewReaderSize(one{logs}, 16); ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, line)
		}
		var said struct{ Msg, Listen string }
		if err := json.Unmarshal(line, &said); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if said.Msg == "agent runs" {
			return said.Listen
		}
	}
}

type one struct{ r io.Reader }

func (o one) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }

func post(t *testing.T, addr, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}
