package operate

import (
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func TestEventTypes(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, clitest.Says(200, `{"types": [
		{"type": "payout_sent\u001b", "events": 7, "last": "x", "source": "pay", "rules": 0, "nearest": "payout.sent"},
		{"type": "payout.result", "events": 1, "last": "x", "source": "pay", "rules": 2}], "other_events": 3}`))
	exit, out, stderr := runTest(t, "events", "--types", "--server", at)
	for _, want := range []string{"TYPE ", "\npayout_sent\\x1b  NONE   7 ", "payout.sent\n", "\npayout.result    2      1 ", "-\n", "\nand 3 events of further types\n"} {
		if exit != term.Done || !strings.Contains(out, want) {
			t.Errorf("exit %d, said %q, no %q in\n%s", exit, stderr, want, out)
		}
	}
	if exit, out, _ := runTest(t, "events", "--types", "--json", "--server", at); exit != term.Done || !strings.Contains(out, `"nearest": "payout.sent"`) {
		t.Errorf("--json: exit %d, output %s", exit, out)
	}
	if exit, _, _ := runTest(t, "events", "--server", at); exit != term.Usage {
		t.Errorf("without --types: exit %d", exit)
	}
	if exit, out, _ := runTest(t, "events", "--types", "--server", clitest.Serve(t, clitest.Says(200, `{"types": []}`))); exit != term.Done || out != "no events have come yet\n" {
		t.Errorf("exit %d, output %q", exit, out)
	}
}
