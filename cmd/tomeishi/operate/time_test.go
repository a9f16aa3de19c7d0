package operate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func TestTime(t *testing.T) {
	clitest.Chdir(t)
	const doubted = `{"ledger": "2026-11-21T07:30:00Z", "clock": "2026-11-22T07:30:00Z", "behind_seconds": 86400, "doubted": true}`
	for name, tt := range map[string]struct {
		args, sent, answer, want string
	}{
		"doubted": {"time", "GET /v1/time", doubted, ": behind by 24h0m0s\nThe clock is not confirmed yet. If it is right: tomeishi time accept\n"},
		"ahead":   {"time", "GET /v1/time", `{"behind_seconds": -90.2}`, ": ahead by 1m30s\n"},
		"equal":   {"time", "GET /v1/time", `{"behind_seconds": 0.01}`, "\n"},
		"accept":  {"time accept --reason compared", `POST /v1/time/accept {"reason":"compared"}`, `{"behind_seconds": 0}`, "this host's clock"},
		"json":    {"time --json", "GET /v1/time", doubted, `"doubted": true`},
	} {
		t.Run(name, func(t *testing.T) {
			request, _, _ := strings.Cut(tt.sent, " {")
			s := &script{answers: map[string]string{request: tt.answer}}
			exit, out, stderr := runTest(t, append(strings.Fields(tt.args), "--server", clitest.Serve(t, s.ServeHTTP))...)
			if diff := cmp.Diff(s.sent, []string{tt.sent}); diff != "" || exit != term.Done || !strings.Contains(out, tt.want) {
				t.Errorf("exit %d, output %q, said %q\n%s", exit, out, stderr, diff)
			}
		})
	}
	if exit, _, stderr := runTest(t, "time", "accept"); exit != term.Usage || !strings.Contains(stderr, "--reason is missing") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}
