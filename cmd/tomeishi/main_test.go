package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tomeishi": main})
}

// TestScript runs the scripts of testdata/script against the real program.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			// The race detector waits a second at each exit, for stragglers.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Setenv("TOMEISHI_SERVER", "")
			e.Setenv("TOMEISHI_TOKEN_FILE", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport":  freePorts,
			"waitready": waitReady,
			"waitfor":   waitFor,
			"post":      post,
			"code":      code,
		},
	})
}

// freeport NAME... sets each variable to a free address on loopback.
func freePorts(ts *testscript.TestScript, _ bool, args []string) {
	var held []net.Listener
	for _, name := range args {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		ts.Check(err)
		held = append(held, l)
		ts.Setenv(name, l.Addr().String())
	}
	for _, l := range held {
		ts.Check(l.Close())
	}
}

const waitMost = 30 * time.Second

// eventually asks again until ok, at short intervals, within waitMost.
func eventually(ts *testscript.TestScript, what string, ok func(context.Context) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), waitMost)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			ts.Fatalf("waited %s for %s", waitMost, what)
		case <-tick.C:
		}
	}
}

// waitready URL... waits until /-/ready of each is 200; with !, until nobody
// answers any more.
func waitReady(ts *testscript.TestScript, neg bool, args []string) {
	for _, base := range args {
		eventually(ts, base, func(ctx context.Context) bool {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/-/ready", nil)
			ts.Check(err)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return neg
			}
			ts.Check(resp.Body.Close())
			return !neg && resp.StatusCode == http.StatusOK
		})
	}
}

// waitfor PROGRAM ARG... runs the program until it succeeds; with !, until it
// fails.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	eventually(ts, strings.Join(args, " "), func(context.Context) bool {
		return (ts.Exec(args[0], args[1:]...) == nil) != neg
	})
}

// post URL FILE posts a file of events, which has to be accepted.
func post(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, args[0]+"/v1/events", strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	ts.Check(resp.Body.Close())
	if resp.StatusCode != http.StatusAccepted {
		ts.Fatalf("post %s: %s", args[0], resp.Status)
	}
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

// runTest runs the program in this process.
func runTest(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	screen := term.New(strings.NewReader(""), &out, &errs)
	exit = screen.Run(t.Context(), newTomeishi(screen), args)
	return exit, out.String(), errs.String()
}
