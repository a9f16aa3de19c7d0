package operate

import (
	"context"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func runTest(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t.Context(), Commands, args...)
}

const closedNow = "gate demo/withdrawals was closed"

// A decision is known to have been refused, or it is not known.
func TestDecisionOutcomes(t *testing.T) {
	clitest.Chdir(t)
	refused := func(code int) http.HandlerFunc {
		return clitest.Says(code, `{"error": "because of this", "field": "place"}`)
	}
	tests := []struct {
		name    string
		server  http.HandlerFunc
		unknown bool
		want    string
	}{
		{"bad request", refused(400), false, "place: because of this"},
		{"no token", refused(401), false, "--token-file"},
		{"forbidden", refused(403), false, "because of this"},
		{"no such gate", refused(404), false, "because of this"},
		{"conflict", refused(409), false, "because of this"},
		{"too large", refused(413), false, "because of this"},
		{"disk full", refused(429), false, "because of this"},
		{"no JSON", clitest.Says(404, "404 page not found\n"), false, "404 page not found"},
		{"no body", clitest.Says(404, ""), false, "answered 404 Not Found"},
		{"server error", refused(500), true, "because of this"},
		{"bad gateway", clitest.Says(502, "<html>"), true, "answered 502 Bad Gateway"},
		{"unavailable", refused(503), true, "because of this"},
		{"gateway timeout", refused(504), true, "because of this"},
		{"strange", refused(418), true, "because of this"},
		{"accepted", clitest.Says(202, ""), true, "answered 202 Accepted"},
		{"not a collector", clitest.Says(200, "<html>welcome</html>"), true, "not a collector's"},
		{"silence", clitest.Silent, true, "no answer within 300ms"},
		{"reset", clitest.Resets, true, "the connection was reset"},
		{"half an answer", clitest.Half, true, "closed in the middle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := clitest.Serve(t, tt.server)
			exit, out, stderr := runTest(t, "gate", "close", "demo/withdrawals", "--reason", "r", "--server", at, "--timeout", "300ms")
			if exit != term.Failed || out != "" {
				t.Errorf("exit %d, output %q, want 1 and none", exit, out)
			}
			if !strings.Contains(stderr, tt.want) {
				t.Errorf("said %q, want %q in it", stderr, tt.want)
			}
			known := !strings.Contains(stderr, "NOT KNOWN whether "+closedNow)
			if known == tt.unknown {
				t.Errorf("said %q, want unknown: %t", stderr, tt.unknown)
			}
			if look := "\n  tomeishi gate show demo/withdrawals --server " + at + "\n"; strings.Contains(stderr, look) != tt.unknown {
				t.Errorf("said %q, want %q only where it is not known", stderr, look)
			}
			if strings.Contains(stderr, "failed") {
				t.Errorf("said %q: a decision never failed", stderr)
			}
		})
	}
}

// Reading changes nothing, so that nothing is unknown about it.
func TestReadingOutcomes(t *testing.T) {
	clitest.Chdir(t)
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		want   string
	}{
		"silence":         {clitest.Silent, "no answer from http://127.0.0.1"},
		"reset":           {clitest.Resets, "the connection was reset"},
		"half an answer":  {clitest.Half, "closed in the middle"},
		"not a collector": {clitest.Says(200, "<html>"), "is not a collector's"},
		"no such gate":    {clitest.Says(404, `{"error": "no gate demo/withdrawals is defined: do not pay"}`), "no gate demo/withdrawals is defined"},
		"unavailable":     {clitest.Says(503, `{"error": "not the leader"}`), "not the leader"},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, stderr := runTest(t, "gate", "show", "demo/withdrawals", "--server", clitest.Serve(t, tt.server), "--timeout", "300ms")
			if exit != term.Failed || out != "" || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "NOT KNOWN") {
				t.Errorf("exit %d, output %q, said %q, want %q", exit, out, stderr, tt.want)
			}
		})
	}
}

// Who interrupts a decision is told that it may have happened.
func TestInterruptedDecision(t *testing.T) {
	clitest.Chdir(t)
	ctx, cancel := context.WithCancel(t.Context())
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		clitest.Silent(w, r)
	})
	exit, _, stderr := clitest.Run(ctx, Commands, "effect", "approve", "e1", "--server", at)
	if exit != term.Failed || !strings.Contains(stderr, "NOT KNOWN whether effect e1 was approved: interrupted") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}

func TestUnreachableChangesNothing(t *testing.T) {
	clitest.Chdir(t)
	s := httptest.NewServer(clitest.Says(200, "{}"))
	s.Close()
	exit, _, stderr := runTest(t, "incident", "verdict", "i1", "test", "--server", s.URL)
	if exit != term.Failed || !strings.Contains(stderr, "Nothing was changed") || strings.Contains(stderr, "KNOWN") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}

// A redirect is not followed: it would carry a decision to somewhere else.
func TestRedirectIsNotFollowed(t *testing.T) {
	clitest.Chdir(t)
	elsewhere := clitest.Serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	if exit, _, stderr := runTest(t, "gate", "close", "g", "--reason", "r", "--server", at); exit != term.Failed || !strings.Contains(stderr, "NOT KNOWN") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}

func TestTLSAndToken(t *testing.T) {
	clitest.Chdir(t)
	var got string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		clitest.Says(200, `{"gates": []}`)(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.StartTLS()
	defer s.Close()
	clitest.Write(t, "token", "secret\n")
	clitest.Write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))

	exit, _, stderr := runTest(t, "gate", "list", "--server", s.URL)
	if exit != term.Failed || !strings.Contains(stderr, "--ca-file") || strings.Contains(stderr, "tomeishi up") {
		t.Errorf("without its certificate: exit %d, said %q", exit, stderr)
	}
	exit, out, stderr := runTest(t, "gate", "list", "--server", s.URL, "--ca-file", "ca.pem", "--token-file", "token")
	if exit != term.Done || !strings.Contains(out, "no gates") {
		t.Errorf("exit %d, output %q, said %q", exit, out, stderr)
	}
	if got != "Bearer secret" {
		t.Errorf("sent Authorization %q, want the token", got)
	}
	t.Setenv("TOMEISHI_TOKEN_FILE", filepath.Join(t.TempDir(), "nowhere"))
	if exit, _, _ := runTest(t, "gate", "list", "--server", s.URL, "--ca-file", "ca.pem"); exit != term.Failed {
		t.Errorf("a token file that is not there: exit %d, want 1", exit)
	}
}

// Without a flag, the socket in ./data is found.
func TestSocketIsFound(t *testing.T) {
	clitest.Chdir(t)
	if err := os.Mkdir("data", 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", client.LocalSocket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: clitest.Says(200, `{"gates": []}`)}}
	s.Start()
	defer s.Close()
	for _, args := range [][]string{nil, {"--server", "data/collector.sock"}, {"--server", "unix:data/collector.sock"}} {
		exit, out, stderr := runTest(t, append([]string{"gate", "list"}, args...)...)
		if exit != term.Done || !strings.Contains(out, "no gates") {
			t.Errorf("%q: exit %d, output %q, said %q", args, exit, out, stderr)
		}
	}
}
