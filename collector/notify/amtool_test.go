package notify_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/cli"

	"github.com/tomeishi/tomeishi/collector/notify"
)

// beAmtool makes the test binary Alertmanager's own command line.
const beAmtool = "LAB_BE_AMTOOL"

func TestMain(m *testing.M) {
	if os.Getenv(beAmtool) != "" {
		cli.Execute()
		return
	}
	if os.Getenv(beCounters) != "" {
		runCounters()
		return
	}
	os.Exit(m.Run())
}

// amtool runs amtool as a process against the API at url.
func amtool(t *testing.T, url string, args ...string) (text string, ok bool) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if url != "" {
		args = append([]string{"--alertmanager.url=" + url + "/alertmanager"}, args...)
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), beAmtool+"=1", "HOME="+t.TempDir())
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err = c.Run()
	return out.String(), err == nil
}

func mustAmtool(t *testing.T, url string, args ...string) string {
	t.Helper()
	text, ok := amtool(t, url, args...)
	if !ok {
		t.Fatalf("amtool %s: %s", strings.Join(args, " "), text)
	}
	return strings.TrimSpace(text)
}

func wants(t *testing.T, what, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// TestAmtool: Alertmanager's command line works against the collector.
func TestAmtool(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce))
	url := l.serve()
	l.feed.tell(alert("a1", "PaidTwice", "critical", "request", "r1"), alert("a2", "DiskLow", "warning"))
	l.await(hook, "PaidTwice")
	l.await(hook, "DiskLow")

	text := mustAmtool(t, url, "alert", "query")
	wants(t, "alert query", text, "PaidTwice", "DiskLow", "Summary of PaidTwice")
	text = mustAmtool(t, url, "alert", "query", "severity=critical")
	wants(t, "alert query severity=critical", text, "PaidTwice")
	if strings.Contains(text, "DiskLow") {
		t.Errorf("the matcher was not heeded:\n%s", text)
	}
	text = mustAmtool(t, url, "-o", "json", "alert", "query", "PaidTwice")
	wants(t, "alert query as JSON", text, `"request":"r1"`, `"state":"active"`, `"name":"hook"`, `"startsAt"`)

	id := mustAmtool(t, url, "silence", "add", "--author", "somebody else", "--comment", "maintenance", "--duration", "2h", "DiskLow")
	if !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id) {
		t.Fatalf("silence add: %s", id)
	}
	// Who made it is who asked, and not who they say they are.
	text = mustAmtool(t, url, "-o", "extended", "silence", "query")
	wants(t, "silence query", text, id, `alertname="DiskLow"`, "hanako", "maintenance")
	text = mustAmtool(t, url, "alert", "query", "--silenced")
	wants(t, "alert query --silenced", text, "DiskLow")
	if text := mustAmtool(t, url, "alert", "query"); strings.Contains(text, "DiskLow") {
		t.Errorf("alert query shows a silenced alert as active:\n%s", text)
	}

	text = mustAmtool(t, url, "silence", "update", "--duration", "3h", "--comment", "takes longer", id)
	wants(t, "silence update", text, "takes longer")
	all := l.silences()
	if len(all) != 1 || all[0].ID != id || all[0].Comment != "takes longer" || all[0].Ends.Sub(all[0].Starts).Round(time.Minute) != 3*time.Hour {
		t.Errorf("after update: %+v", all)
	}

	mustAmtool(t, url, "silence", "expire", id)
	text = mustAmtool(t, url, "silence", "query", "--expired")
	wants(t, "silence query --expired", text, id)
	if text := mustAmtool(t, url, "silence", "query", "--quiet"); strings.Contains(text, id) {
		t.Errorf("an expired silence is still active:\n%s", text)
	}

	wants(t, "config show", mustAmtool(t, url, "config", "show"), "receiver: hook", "group_wait: 0s", "webhook_configs")
	wants(t, "config routes", mustAmtool(t, url, "config", "routes", "test", "severity=critical"), "hook")
	wants(t, "cluster show", mustAmtool(t, url, "cluster", "show"), "disabled")
}

// TestAmtoolSecrets: what is secret in the configuration is in no answer.
func TestAmtoolSecrets(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL+"/T0P/s3cr3t", atOnce))
	url := l.serve()
	for _, text := range []string{
		mustAmtool(t, url, "config", "show"),
		mustAmtool(t, url, "-o", "json", "config", "show"),
		mustAmtool(t, url, "-o", "json", "alert", "query"),
	} {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, hook.URL) {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
}

// TestAmtoolRefused: who may not is told so by amtool, and nothing happens.
func TestAmtoolRefused(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce), onlyView)
	url := l.serve()
	text, ok := amtool(t, url, "silence", "add", "--comment", "c", "DiskLow")
	if ok || !strings.Contains(text, "403") {
		t.Errorf("silence add: %v %s, want 403", ok, text)
	}
	text, ok = amtool(t, url, "silence", "expire", "0e46c2d1-3d25-4a0f-8b66-0d60e0d2a001")
	if ok || !strings.Contains(text, "403") {
		t.Errorf("silence expire: %v %s, want 403", ok, text)
	}
	text, ok = amtool(t, url, "alert", "add", "alertname=Made", "up=no")
	if ok {
		t.Errorf("alert add: %s, want a refusal: alerts come from the ledger", text)
	}
	mustAmtool(t, url, "silence", "query")
	if kept := l.book.kept(); len(kept) != 0 {
		t.Errorf("the ledger has %+v", kept)
	}
}

// TestAmtoolNobody: an Actor that knows nobody is asked for reading too.
func TestAmtoolNobody(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce), func(o *notify.Options) {
		o.Actor = func(*http.Request, string) (string, error) { return "", http.ErrNoCookie }
	})
	text, ok := amtool(t, l.serve(), "alert", "query")
	if ok {
		t.Errorf("alert query: %s, want a refusal", text)
	}
}

// TestAmtoolCheckConfig: what amtool finds good and bad, Check does.
func TestAmtoolCheckConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"three.yml", true},
		{"unknown_receiver.yml", false},
		{"unknown_key.yml", false},
		{"secrets.yml", true},
	} {
		path := filepath.Join("testdata", c.name)
		text, ok := amtool(t, "", "check-config", path)
		if ok != c.ok {
			t.Errorf("amtool check-config %s: %v %s", path, ok, text)
		}
		if _, err := notify.Check(path); (err == nil) != c.ok {
			t.Errorf("Check %s: %v, want as amtool: %v", path, err, c.ok)
		}
	}
}
