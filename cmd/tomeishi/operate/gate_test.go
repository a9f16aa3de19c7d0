package operate

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const closedGate = `{"name": "demo/withdrawals", "state": "closed", "mode": "enforce", "epoch": 7, "as_of": 41, "alerts": 1, "cell": "0123456789abcdef0123456789abcdef",
  "lease": "30s", "if_unreachable": "close", "fresh": true, "holds": [
  {"id": "h1", "by": "DemoPaidTwice", "cause": "rule", "reason": "2 payments for w-1", "alert": "a1", "incident": "i1", "since": "2026-11-21T07:30:00Z"},
  {"id": "h2", "by": "local", "cause": "person", "reason": "thief", "since": "2026-11-21T07:31:00Z", "match": {"customer": "c-7"}}]}`

const openGate = `{"name": "demo/withdrawals", "state": "open", "mode": "enforce", "epoch": 8, "holds": []}`

// script answers each request line with its text and records what was sent.
type script struct {
	answers map[string]string
	sent    []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.Method + " " + r.URL.RequestURI()
	s.sent = append(s.sent, strings.TrimSpace(line+" "+string(body)))
	answer, ok := s.answers[line]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		answer = `{"error": "nothing answers ` + line + `"}`
	}
	_, _ = io.WriteString(w, answer)
}

// Opening reads the gate, shows what it is about to lift and sends the epoch
// that it read.
func TestGateOpenSendsTheEpochItRead(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{
		"GET /v1/gates/demo/withdrawals":       closedGate,
		"POST /v1/gates/demo/withdrawals/open": openGate,
	}}
	exit, out, stderr := runTest(t, "gate", "open", "demo/withdrawals", "--reason", "mine", "--verdict", "test", "--server", clitest.Serve(t, s.ServeHTTP))
	want := []string{
		"GET /v1/gates/demo/withdrawals",
		`POST /v1/gates/demo/withdrawals/open {"reason":"mine","verdict":"test","epoch":7,"as_of":41,"alerts":1}`,
	}
	if diff := cmp.Diff(s.sent, want); diff != "" || exit != term.Done {
		t.Errorf("exit %d, said %q\n%s", exit, stderr, diff)
	}
	for _, want := range []string{
		"lifting hold h1 by rule DemoPaidTwice: 2 payments for w-1, since ",
		"demo/withdrawals is open, epoch 8",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output %q lacks %q", out, want)
		}
	}
	if strings.Contains(out, "h2") {
		t.Errorf("the hold on one customer stays: %s", out)
	}
}

// Who opens names the rules that are to be in shadow, and is told which are not.
func TestGateOpenAndShadow(t *testing.T) {
	clitest.Chdir(t)
	const opened = `{"name": "demo/withdrawals", "state": "open", "mode": "enforce", "epoch": 8, "holds": [], "in_shadow": [
	  {"rule": "DemoPaidTwice", "group": "demo", "until": "2026-11-21T09:30:00Z", "by": "alice"}]}`
	s := &script{answers: map[string]string{
		"GET /v1/gates/demo/withdrawals":       closedGate,
		"POST /v1/gates/demo/withdrawals/open": opened,
	}}
	args := []string{"gate", "open", "demo/withdrawals", "--reason", "mine", "--verdict", "false"}
	exit, out, stderr := runTest(t, append(args, "--shadow", "demo/DemoPaidTwice,Other", "--for", "3h", "--server", clitest.Serve(t, s.ServeHTTP))...)
	want := `POST /v1/gates/demo/withdrawals/open {"reason":"mine","verdict":"false","epoch":7,"as_of":41,"alerts":1,"shadow":{"rules":["demo/DemoPaidTwice","Other"],"for":"3h0m0s"}}`
	if exit != term.Done || len(s.sent) != 2 || s.sent[1] != want {
		t.Errorf("exit %d, said %q, sent %q", exit, stderr, s.sent)
	}
	for _, want := range []string{
		"  rule DemoPaidTwice is in shadow here until 2026-11-21 ", ", by alice: it neither closes this gate nor holds payments at it\n",
		"  rule Other is NOT in shadow here: it may close this gate, or hold payments at it\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	for _, wrong := range [][]string{{"--for", "1h"}, {"--shadow", "R", "--for", "25h"}} {
		if exit, _, _ := runTest(t, append(args, wrong...)...); exit != term.Usage {
			t.Errorf("%q: exit %d", wrong, exit)
		}
	}
}

// What came after the gate was read may have closed it again.
func TestGateOpenClosedAgain(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{
		"GET /v1/gates/demo/withdrawals":       closedGate,
		"POST /v1/gates/demo/withdrawals/open": closedGate,
	}}
	_, out, _ := runTest(t, "gate", "open", "demo/withdrawals", "--reason", "mine", "--verdict", "false", "--server", clitest.Serve(t, s.ServeHTTP))
	if !strings.Contains(out, "closed it again: look at it anew") {
		t.Error(out)
	}
}

// A hold on one customer is no reason of a closed gate.
func TestGateRow(t *testing.T) {
	narrow := report.Hold{By: "alice", Cause: "person", Reason: "thief", Match: map[string]string{"customer": "c-7"}}
	full := report.Hold{By: "Twice", Cause: "rule", Reason: "2 payments", Alerts: 9}
	for want, g := range map[string]report.Gate{
		"holds customer=c-7, no others":                                 {State: "open", Holds: []report.Hold{narrow}},
		"rule Twice because of 9 alerts: 2 payments (and 4 more holds)": {State: "closed", Holds: []report.Hold{narrow, full}, Closers: 5},
	} {
		if got := gateRow(api.Gate{Gate: g}); got[5] != want {
			t.Errorf("got %q, want %q", got[5], want)
		}
	}
}

func TestGateOpenWithEpochReadsNothing(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{"POST /v1/gates/g/open": openGate}}
	exit, _, _ := runTest(t, "gate", "open", "g", "--reason", "r", "--epoch", "0", "--hold", "h1", "--server", clitest.Serve(t, s.ServeHTTP))
	want := []string{`POST /v1/gates/g/open {"reason":"r","epoch":0,"hold":"h1"}`}
	if diff := cmp.Diff(s.sent, want); diff != "" || exit != term.Done {
		t.Errorf("exit %d\n%s", exit, diff)
	}
}

func TestGateOpenAlready(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{"GET /v1/gates/g": openGate}}
	exit, out, _ := runTest(t, "gate", "open", "g", "--reason", "r", "--server", clitest.Serve(t, s.ServeHTTP))
	if exit != term.Done || !strings.Contains(out, "open already") || len(s.sent) != 1 {
		t.Errorf("exit %d, output %q, sent %q", exit, out, s.sent)
	}
}

func TestHoldOrders(t *testing.T) {
	clitest.Chdir(t)
	for name, tt := range map[string]struct {
		args []string
		want string // the last that is asked
	}{
		"add": {
			[]string{"hold", "add", "g", "--customer", "c 7", "--tag", "9", "--reason", "r"},
			`POST /v1/gates/g/close {"reason":"r","match":{"customer":"c 7","tag":"9"}}`,
		},
		"release": {
			[]string{"hold", "release", "g", "h3", "--reason", "r", "--verdict", "false"},
			`POST /v1/gates/g/open {"reason":"r","verdict":"false","epoch":5,"hold":"h3","as_of":9}`,
		},
		"undo": {
			[]string{"effect", "undo", "e/1", "--reason", "r", "--verdict", "real"},
			`POST /v1/effects/e%2F1/undo {"reason":"r","verdict":"real","epoch":5,"as_of":9,"alerts":3}`,
		},
		"undo of what holds no gate": {
			[]string{"effect", "undo", "e2", "--reason", "r"},
			`POST /v1/effects/e2/undo {"reason":"r"}`,
		},
		"verdict": {
			[]string{"incident", "verdict", "i1", "real"},
			`POST /v1/incidents/i1/verdict {"verdict":"real"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			line, _, _ := strings.Cut(tt.want, " {")
			s := &script{answers: map[string]string{
				line:              `{}`,
				"GET /v1/effects": `{"effects": [{"id": "e/1", "target": "g", "hold": "h4", "state": "verified"}, {"id": "e2", "target": "http://hook"}]}`,
				"GET /v1/gates/g": `{"epoch": 5, "as_of": 9, "alerts": 7, "holds": [{"id": "h4", "alerts": 3}]}`,
			}}
			exit, _, stderr := runTest(t, append(tt.args, "--server", clitest.Serve(t, s.ServeHTTP))...)
			if diff := cmp.Diff(s.sent[max(0, len(s.sent)-1):], []string{tt.want}); diff != "" || exit != term.Done {
				t.Errorf("exit %d, said %q\n%s", exit, stderr, diff)
			}
		})
	}
}

// A hold on one customer says whom it stops beside; who is at no terminal is not asked.
func TestHoldSaysWhomItStops(t *testing.T) {
	clitest.Chdir(t)
	const stops = `{"name": "g", "state": "open", "epoch": 5, "holds": [], "stops": {"agents": 5, "all": 3, "some": 1, "names": ["w1", "w2", "w3", "w4"]}}`
	s := &script{answers: map[string]string{"GET /v1/gates/g?customer=c7&stops=1": stops, "POST /v1/gates/g/close": stops}}
	exit, out, stderr := runTest(t, "hold", "add", "g", "--customer", "c7", "--reason", "r", "--server", clitest.Serve(t, s.ServeHTTP))
	want := "3 of 5 agents ask without customer: all that they ask for is stopped; 1 of 5 agents sometimes ask without it (w1 w2 w3 w4)\n"
	if exit != term.Done || !strings.HasSuffix(out, want) || len(s.sent) != 2 {
		t.Errorf("exit %d, output %q, said %q, sent %q", exit, out, stderr, s.sent)
	}
}

// The evidence of an alert that has ended is found at its incident.
func TestGateShow(t *testing.T) {
	clitest.Chdir(t)
	alert := `{"id": "a1", "labels": {"alertname": "DemoPaidTwice"}, "state": "ended", "cause": "no longer true",
	  "since": "2026-11-21T07:29:00Z", "evidence": ["0123/demo/p1", "0123/demo/p2"], "evidence_total": 2}`
	s := &script{answers: map[string]string{
		"GET /v1/gates/demo/withdrawals": closedGate,
		"GET /api/v1/alerts":             `{"status": "success", "data": {"alerts": []}}`,
		"GET /v1/incidents/i1":           `{"id": "i1", "alert_detail": [` + alert + `]}`,
	}}
	exit, out, stderr := runTest(t, "gate", "demo/withdrawals", "--server", clitest.Serve(t, s.ServeHTTP))
	if exit != term.Done || stderr != "" {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	for _, want := range []string{
		"demo/withdrawals is CLOSED   mode enforce, epoch 7, cell 01234567\n",
		"hold h1 by rule DemoPaidTwice since 2026-11-21 ",
		"alert       a1 DemoPaidTwice, ended: no longer true, since ",
		"evidence    2 events\n",
		"                0123/demo/p1\n                0123/demo/p2\n",
		"only for    customer=c-7\n",
		"  tomeishi gate open demo/withdrawals --reason 'WHY IT IS SAFE' --verdict real|false|test\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

// TestGateShowLargest: of several alerts, what a person reads who calls them false.
func TestGateShowLargest(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{"GET /v1/gates/g": `{"name": "g", "state": "closed", "mode": "enforce", "alerts": 31, "holds": [],
	  "largest": [{"id": "a7", "labels": {"alertname": "Much", "request": "w1"}, "value": "13.5", "evidence_total": 2}]}`}}
	_, out, _ := runTest(t, "gate", "show", "g", "--server", clitest.Serve(t, s.ServeHTTP))
	if !strings.Contains(out, "the largest of 31 alerts\n    a7  Much request=\"w1\" (value 13.5, 2 events)\n") {
		t.Errorf("says %q", out)
	}
}

// A gate is shown even while its evidence cannot be read.
func TestGateShowWithoutEvidence(t *testing.T) {
	clitest.Chdir(t)
	s := &script{answers: map[string]string{"GET /v1/gates/demo/withdrawals": closedGate}}
	exit, out, _ := runTest(t, "gate", "show", "demo/withdrawals", "--server", clitest.Serve(t, s.ServeHTTP))
	if exit != term.Done || !strings.Contains(out, "is CLOSED") || !strings.Contains(out, "its evidence cannot be read now") {
		t.Errorf("exit %d, output %s", exit, out)
	}
}

func TestGateCheck(t *testing.T) {
	clitest.Chdir(t)
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		exit   int
		want   string
	}{
		"open":    {clitest.Says(204, ""), term.Done, "g: open\n"},
		"closed":  {clitest.Says(423, `{"error": "gate g is closed: paid twice"}`), term.Failed, "g: closed, do not pay: gate g is closed: paid twice\n"},
		"unknown": {clitest.Says(404, `{"error": "no gate g"}`), term.Failed, "g: not known, do not pay: no gate g\n"},
		"broken":  {clitest.Says(500, ""), term.Failed, "g: not known, do not pay: "},
		"strange": {clitest.Says(200, "{}"), term.Failed, "g: not known, do not pay: "},
		"silence": {clitest.Silent, term.Failed, "g: not known, do not pay: no answer from "},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, stderr := runTest(t, "gate", "check", "g", "--server", clitest.Serve(t, tt.server), "--timeout", "300ms")
			if exit != tt.exit || !strings.HasPrefix(out, tt.want) || stderr != "" {
				t.Errorf("exit %d, output %q, said %q, want %d and %q", exit, out, stderr, tt.exit, tt.want)
			}
		})
	}
	s := &script{}
	runTest(t, "gate", "check", "a/b", "--request", "w&1", "--address", "x", "--server", clitest.Serve(t, s.ServeHTTP))
	if diff := cmp.Diff(s.sent, []string{"GET /v1/gates/a/b/check?address=x&request=w%261"}); diff != "" {
		t.Error(diff)
	}
}

// A watch prints what changed, survives a lost collector and a lower epoch,
// and ends with its context.
func TestGateWatch(t *testing.T) {
	clitest.Chdir(t)
	ctx, cancel := context.WithCancel(t.Context())
	list := func(cell, epoch, gates string) http.HandlerFunc {
		return clitest.Says(200, `{"cell": "`+cell+`", "epoch": `+epoch+`, "gates": [`+gates+`]}`)
	}
	steps := []struct {
		uri    string
		answer http.HandlerFunc
	}{
		{"/v1/gates", list("c1", "8", openGate)},
		{"/v1/gates?watch=8", list("c1", "8", openGate)}, // unchanged
		{"/v1/gates?watch=8", list("c1", "9", closedGate)},
		{"/v1/gates?watch=9", clitest.Says(503, `{"error": "stopping"}`)},
		{"/v1/gates", list("c2", "3", "")},
		{"/v1/gates?watch=3", func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }},
	}
	asked := make(chan string, 10)
	n := 0
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RequestURI()
		steps[n].answer(w, r)
		n++
	})
	exit, out, stderr := clitest.Run(ctx, Commands, "gate", "watch", "--json", "--server", at)
	if exit != term.Done {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	for i, step := range steps {
		if got := <-asked; got != step.uri {
			t.Errorf("request %d is %s, want %s", i, got, step.uri)
		}
	}
	var states []string
	for text := range strings.Lines(out) {
		var g struct{ State string }
		if err := json.Unmarshal([]byte(text), &g); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		states = append(states, g.State)
	}
	if diff := cmp.Diff(states, []string{"open", "closed"}); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"the collector is lost", "the collector is back", "another cell answers now: c2, before it was c1"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("said %q, want %q in it", stderr, want)
		}
	}
}

func TestGateWatchOfNoGate(t *testing.T) {
	clitest.Chdir(t)
	exit, _, stderr := runTest(t, "gate", "watch", "g", "--server", clitest.Serve(t, clitest.Says(200, `{"cell": "c", "epoch": 1, "gates": []}`)))
	if exit != term.Failed || !strings.Contains(stderr, "no gate g is defined") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}

// TestGateInDoubt: a gate that agents answer by themselves is told so.
func TestGateInDoubt(t *testing.T) {
	for n, want := range map[int]string{0: "-", 1: "in doubt at 1 agent", 3: "in doubt at 3 agents"} {
		if got := gateRow(api.Gate{Gate: report.Gate{Name: "g", State: "open"}, InDoubt: n}); got[5] != want {
			t.Errorf("%d agents: %q, want %q", n, got[5], want)
		}
	}
	s := &script{answers: map[string]string{"GET /v1/gates/g": `{"name": "g", "state": "open", "mode": "enforce", "in_doubt": 2, "holds": []}`}}
	_, out, _ := runTest(t, "gate", "show", "g", "--server", clitest.Serve(t, s.ServeHTTP))
	if !strings.Contains(out, "in doubt at 2 agents") {
		t.Errorf("says %q", out)
	}
}
