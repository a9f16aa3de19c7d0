package operate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const pendingGate = `{"name": "g", "state": "closed", "mode": "enforce", "epoch": 3, "open": {"approvals": 2, "alone_after": "2m0s"}, "holds": [
  {"id": "h1", "by": "Twice", "cause": "rule", "reason": "2 payments", "since": "2026-11-21T07:30:00Z"}],
  "held": {"requests": 3, "unnamed": 1, "unpriced": 1, "more": true, "sums": [{"asset": "BTC", "amount": "1.5"}, {"asset": "ETH", "amount": "2"}]},
  "agreed": [AGREED]}`

const (
	aliceAgreed = `{"by": "alice\u001b", "at": "2026-11-21T07:31:00Z", "reason": "mine", "verdict": "false"}`
	localAgreed = `{"by": "local", "at": "2026-11-21T07:31:00Z", "reason": "mine", "hold": "h1", "unnamed": true}`
)

func pendingWith(agreed string) string { return strings.Replace(pendingGate, "AGREED", agreed, 1) }

// The first of two people is told who agreed and that one more has to.
func TestOpenPending(t *testing.T) {
	clitest.Chdir(t)
	const one = "One more person has to agree, by another name. The other gives the same command within an hour. To look at it before:\n  tomeishi gate show g\n"
	for name, tt := range map[string]struct {
		agreed string
		args   []string
		path   string
		want   []string
	}{
		"open": {
			aliceAgreed,
			[]string{"gate", "open", "g", "--epoch", "3", "--reason", "mine", "--verdict", "false"},
			"/v1/gates/g/open",
			[]string{"  alice\\x1b wants to open it, verdict false: mine, 2026-11-21 ", one, "  or you alone with verdict false, once its newest hold has stood for 2m\n"},
		},
		"release": {aliceAgreed, []string{"hold", "release", "g", "h1", "--reason", "mine"}, "/v1/gates/g/open", []string{one}},
		"undo":    {aliceAgreed, []string{"effect", "undo", "e1", "--reason", "mine"}, "/v1/effects/e1/undo", []string{one}},
		"local": {
			localAgreed,
			[]string{"gate", "open", "g", "--epoch", "3", "--reason", "mine"},
			"/v1/gates/g/open",
			[]string{"  local wants to lift hold h1 (does not count: not known by name): mine, ", "2 people by name have to agree: whoever asks here is not known by name. The other "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					clitest.Says(http.StatusOK, pendingWith(tt.agreed))(w, r)
					return
				}
				if r.URL.Path != tt.path {
					t.Errorf("asked for %s", r.URL.Path)
				}
				clitest.Says(http.StatusAccepted, `{"approvals": 1, "needed": 2, "gate": `+pendingWith(tt.agreed)+`}`)(w, r)
			})
			exit, out, stderr := runTest(t, append(tt.args, "--server", at)...)
			if exit != term.Done || stderr != "" || !strings.HasPrefix(out, "g is still CLOSED: nothing has opened\n") {
				t.Errorf("exit %d, output %q, said %q", exit, out, stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// Where more people are no answer, 202 says nothing that is known.
func TestUnexpectedPending(t *testing.T) {
	clitest.Chdir(t)
	for _, tt := range []struct{ args, answer string }{
		{"gate close g --reason r", `{"approvals": 1, "needed": 2}`},
		{"gate open g --epoch 3 --reason r", `{}`},
	} {
		exit, out, stderr := runTest(t, append(strings.Fields(tt.args), "--server", clitest.Serve(t, clitest.Says(http.StatusAccepted, tt.answer)))...)
		if exit != term.Failed || out != "" || !strings.Contains(stderr, "KNOWN") {
			t.Errorf("%s: exit %d, output %q, said %q", tt.args, exit, out, stderr)
		}
	}
}

func TestGateShowPending(t *testing.T) {
	clitest.Chdir(t)
	exit, out, stderr := runTest(t, "gate", "show", "g", "--server", clitest.Serve(t, clitest.Says(http.StatusOK, pendingWith(aliceAgreed+","+localAgreed))))
	if exit != term.Done || stderr != "" {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	for _, want := range []string{
		"held since it closed: at least 3 requests, 1.5 BTC, 2 ETH, of 1 no amount is known; and 1 ask that named no request\n",
		"  alice\\x1b wants to open it, verdict false: mine, ",
		"  local wants to lift hold h1 (does not count: not known by name): mine, ",
		"  It takes 2 people, each by their own name, within an hour.\n",
		"  One may do it alone with verdict false, once the newest hold has stood for 2m.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestAutomatic(t *testing.T) {
	clitest.Chdir(t)
	const off = `{"on": false, "since": "2026-11-21T07:30:00Z", "until": "2026-11-21T09:30:00Z", "by": "alice", "reason": "moved"}`
	for name, tt := range map[string]struct {
		args, sent, answer, want string
	}{
		"show":    {"automatic", "GET /v1/automatic", `{"on": true}`, "automatic effects are on\n"},
		"off":     {"automatic off --reason moved", `POST /v1/automatic {"on":false,"for":"2h0m0s","reason":"moved"}`, off, "automatic effects are OFF until 2026-11-21 "},
		"off for": {"automatic off --for 90m --reason moved", `POST /v1/automatic {"on":false,"for":"1h30m0s","reason":"moved"}`, off, ", by alice: moved\nWhat would close a gate by itself waits for a person: tomeishi effect list\n"},
		"on":      {"automatic on", `POST /v1/automatic {"on":true}`, `{"on": true, "by": "bob", "reason": "done"}`, "automatic effects are on, by bob: done\n"},
		"json":    {"automatic --json", "GET /v1/automatic", off, `"until": "2026-11-21T09:30:00Z"`},
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
	for args, want := range map[string]string{
		"automatic off":                       "--reason is missing",
		"automatic off --reason r --for 25h":  "--for is between 1s and 24h",
		"automatic off --reason r --for soon": `invalid argument "soon"`,
		"automatic of":                        `there is no command "of"; did you mean off or on?`,
		"automatic on now":                    `"now" is one argument too many`,
	} {
		if exit, _, stderr := runTest(t, strings.Fields(args)...); exit != term.Usage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, said %q, want %q", args, exit, stderr, want)
		}
	}
}
