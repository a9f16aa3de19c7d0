package operate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// named answers with names that a shell would take for more than a word too.
func named(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/gates":
		clitest.Says(200, `{"gates": [{"name": "a/b", "state": "closed"}, {"name": "$(reboot)", "state": "open"}]}`)(w, r)
	case "/v1/incidents":
		clitest.Says(200, `{"incidents": [{"id": "i1", "state": "open", "gates": ["a/b", "c"]}, {"id": "i2", "state": "en\tded\n"}]}`)(w, r)
	case "/v1/agents":
		clitest.Says(200, `{"agents": [{"agent": "web1", "state": "ok"}, {"agent": "-x", "state": "ok"}, {"agent": "a;b", "state": "ok"}, {"agent": "a b"}, {"agent": "x\ny"}]}`)(w, r)
	default:
		alertmanager(nil)(w, r)
	}
}

func TestCompletion(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, named)
	gates := []string{"a/b\tclosed"}
	for line, want := range map[string][]string{
		"gate show ":                       gates,
		"gate open ":                       gates,
		"gate close a":                     gates,
		"gate check ":                      gates,
		"gate watch ":                      gates,
		"hold add ":                        gates,
		"hold release ":                    gates,
		"hold list ":                       gates,
		"gate open a/b ":                   nil,
		"gate open a/b --verdict ":         {"real", "false", "test"},
		"incident show ":                   {"i1\topen a/b c", "i2\ten ded"},
		"incident verdict ":                {"i1\topen a/b c", "i2\ten ded"},
		"incident verdict i1 ":             {"real", "false", "test"},
		"agent forget ":                    {"web1\tok"},
		"silence expire ":                  {activeID + "\talertname=HostDiskFull instance=~\"db.*\" team!=\"\" new\\x1bdisks"},
		"silence expire " + activeID + " ": {activeID + "\talertname=HostDiskFull instance=~\"db.*\" team!=\"\" new\\x1bdisks"},
		"alert list --severity ":           {"critical", "warning", "info"},
		"silence ex":                       {"expire\tEnd silences"},
	} {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		if line != "silence ex" {
			words = append(words[:3], append([]string{"--server", at}, words[3:]...)...)
		}
		exit, out, stderr := runTest(t, words...)
		var got []string
		for l := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
			if !strings.HasPrefix(l, ":") {
				got = append(got, l)
			}
		}
		if diff := cmp.Diff(got, want); exit != term.Done || diff != "" {
			t.Errorf("%q: exit %d, said %q\n%s", line, exit, stderr, diff)
		}
	}
}

// TestCompletionSilent says nothing when the collector does not.
func TestCompletionSilent(t *testing.T) {
	clitest.Chdir(t)
	for name, h := range map[string]http.HandlerFunc{"reset": clitest.Resets, "forbidden": clitest.Says(403, "{}"), "no collector": clitest.Says(200, "<html>"), "silence": clitest.Silent} {
		exit, out, stderr := runTest(t, "__complete", "gate", "show", "--timeout", "200ms", "--server", clitest.Serve(t, h), "")
		if exit != term.Done || out != ":4\n" || strings.Contains(stderr, "rror") {
			t.Errorf("%s: exit %d, output %q, said %q", name, exit, out, stderr)
		}
	}
}
