package operate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func TestAlertList(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, alertmanager(nil))
	exit, out, stderr := runTest(t, "alert", "list", "--server", at)
	rows := strings.Split(out, "\n")
	if exit != term.Done || stderr != "" || len(rows) != 5 {
		t.Fatalf("exit %d, said %q, output\n%s", exit, stderr, out)
	}
	for i, want := range [][]string{
		{"SEVERITY", "STATE", "SINCE", "INCIDENT", "SILENCED", "WHAT"},
		{"critical  firing, unheard  2026-11-21 ", "  i4        -  ", `PaidTwice request="w\x1b1"`},
		{"warning   firing           2026-11-21 ", " - ", " until 2036-11-21 ", "HostDiskFull: db1 is full"},
		{"info      pending          2026-11-21 ", "  -         -  ", `HostDiskFull instance="web1" team="x"`},
	} {
		for _, part := range want {
			if !strings.Contains(rows[i], part) {
				t.Errorf("row %d: %q, want %q in it", i, rows[i], part)
			}
		}
	}
	_, out, _ = runTest(t, "alert", "list", "--severity", "critical,info", "--server", at)
	if strings.Contains(out, "db1") || !strings.Contains(out, "PaidTwice") || !strings.Contains(out, "web1") {
		t.Errorf("--severity:\n%s", out)
	}
	if _, out, _ := runTest(t, "alert", "list", "--severity", "fatal", "--server", at); out != "no alerts of severity fatal (3 alerts in all)\n" {
		t.Errorf("--severity fatal: %q", out)
	}
	if _, out, _ := runTest(t, "alert", "list", "--json", "--server", at); !strings.Contains(out, `"alertname": "PaidTwice"`) {
		t.Errorf("--json: %s", out)
	}
	none := clitest.Serve(t, clitest.Says(200, `{"status": "success", "data": {"alerts": []}}`))
	if exit, out, _ := runTest(t, "alert", "list", "--server", none); exit != term.Done || out != "no alerts\n" {
		t.Errorf("nothing stands: exit %d, %q", exit, out)
	}
}

// TestAlertListUnknown says that it does not know what is silenced, and never
// that nothing is.
func TestAlertListUnknown(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/alertmanager/") {
			clitest.Resets(w, r)
			return
		}
		alertmanager(nil)(w, r)
	})
	exit, out, stderr := runTest(t, "alert", "list", "--server", at)
	if exit != term.Done || strings.Count(out, " not known ") != 3 || !strings.Contains(stderr, "whether an alert is silenced is not known: no answer") {
		t.Errorf("exit %d, said %q, output\n%s", exit, stderr, out)
	}
	if exit, _, stderr := runTest(t, "alert", "list", "--server", clitest.Serve(t, clitest.Resets)); exit != term.Failed || !strings.Contains(stderr, "the connection was reset") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}
