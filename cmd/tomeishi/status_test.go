package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	chdir(t)
	const rest = `"version": "0.1.0", "cell": "c", "index": 9, "time": "2026-11-21T07:30:00Z", "chain": "00112233445566", "gates": 2, "rules": 1,
	  "rules_live": "2026-11-21T07:00:00Z", "agents": [{"agent": "host1", "seq": 4, "heard": "2026-11-21T07:30:00Z", "blind": [{"from": 2, "to": 3}]}]}`
	for name, tt := range map[string]struct {
		body string
		exit int
		want string
	}{
		"well":       {`{"ready": "yes", "closed": [], ` + rest, exitDone, "gates       2 gates, none closed\nwell        yes\n"},
		"closed":     {`{"ready": "yes", "closed": ["demo/w"], ` + rest, exitDone, "gates       1 of 2 gates CLOSED: demo/w\nwell        yes\n"},
		"shadow":     {`{"ready": "yes", "shadow": ["a"], ` + rest, exitDone, "gates       2 gates, none closed; only in shadow: a\n"},
		"not ready":  {`{"ready": "starting", ` + rest, exitFailed, "well        NO: not ready: starting\n"},
		"disk full":  {`{"ready": "yes", "disk_full": true, ` + rest, exitFailed, "well        NO: the disk is full: events are refused\n"},
		"rule error": {`{"ready": "yes", "rule_error": "a.yml:3:1: no\nline", ` + rest, exitFailed, "NO: the last reload of the rules was refused: a.yml:3:1: no\n"},
	} {
		t.Run(name, func(t *testing.T) {
			at := serve(t, says(200, tt.body))
			exit, out, stderr := runTest(t, "status", "--server", at)
			if exit != tt.exit || !strings.Contains(out, tt.want) || stderr != "" {
				t.Errorf("exit %d, output\n%s\nsaid %q, want %d and %q", exit, out, stderr, tt.exit, tt.want)
			}
			if n := strings.Count(out, "\n"); n != 10 {
				t.Errorf("%d lines, want ten:\n%s", n, out)
			}
			if !strings.Contains(out, "host1 heard ") || !strings.Contains(out, "BLIND in 1 range") {
				t.Errorf("the blind agent is not shown:\n%s", out)
			}
			if exit, out, _ := runTest(t, "status", "--json", "--server", at); exit != tt.exit || !strings.Contains(out, `"chain": "00112233445566"`) {
				t.Errorf("--json: exit %d, output %s", exit, out)
			}
		})
	}
}

func TestBackup(t *testing.T) {
	chdir(t)
	serveBackup := func(do http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/status" {
				_, _ = io.WriteString(w, `{"cell": "0123456789abcdef"}`)
				return
			}
			do(w, r)
		}
	}
	begun := func(then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the first half")
			_ = http.NewResponseController(w).Flush()
			then(w, r)
		}
	}
	t.Run("whole", func(t *testing.T) {
		t.Chdir(t.TempDir())
		at := serve(t, serveBackup(says(200, "all of it")))
		exit, out, stderr := runTest(t, "backup", "--server", at)
		name, _, _ := strings.Cut(out, ": ")
		text, err := os.ReadFile(name)
		if exit != exitDone || err != nil || string(text) != "all of it" || !strings.HasPrefix(name, "tomeishi-01234567-") {
			t.Errorf("exit %d, output %q, said %q, file %q: %v", exit, out, stderr, text, err)
		}
		if exit, _, stderr := runTest(t, "backup", "--to", name, "--server", at); exit != exitFailed || !strings.Contains(stderr, "is there already") {
			t.Errorf("a second time: exit %d, said %q", exit, stderr)
		}
		if exit, out, _ := runTest(t, "backup", "--to", "-", "--server", at); exit != exitDone || out != "all of it" {
			t.Errorf("to a pipe: exit %d, output %q", exit, out)
		}
	})
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		want   string
	}{
		"broken off": {begun(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "the backup broke off after 14 bytes"},
		"stalled":    {begun(silent), "sent nothing for 300ms: there is no backup"},
		"empty":      {says(200, ""), "sent an empty backup"},
		"refused":    {says(403, `{"error": "not from here"}`), "not from here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			exit, out, stderr := runTest(t, "backup", "--to", "x", "--server", serve(t, serveBackup(tt.server)), "--timeout", "300ms")
			if exit != exitFailed || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, output %q, said %q, want %q", exit, out, stderr, tt.want)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestRestoreRefusesAFullFolder(t *testing.T) {
	chdir(t)
	write(t, "x.backup", "no backup")
	write(t, "something", "")
	exit, _, stderr := runTest(t, "restore", "--data", ".", "x.backup")
	if exit != exitFailed || !strings.Contains(stderr, ". is not empty") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	exit, _, stderr = runTest(t, "restore", "--data", "new", "x.backup")
	if exit != exitFailed || !strings.Contains(stderr, "cannot be restored") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	if _, err := os.Stat("new"); err == nil {
		t.Error("a data folder was made from no backup")
	}
}

func TestReadUntilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.ReadAll(readUntil{ctx, strings.NewReader("x")}); err == nil {
		t.Error("read on after the end")
	}
}
