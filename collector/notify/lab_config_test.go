package notify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/notify"
)

// TestBuiltInConfig: without a file, the collector's own receiver is told: of
// what is critical at once, of the rest after group_wait.
func TestBuiltInConfig(t *testing.T) {
	t.Parallel()
	l := newLab(t, "")
	l.feed.tell(alert("a1", "PaidTwice", "critical", "request", "r1"))
	told := l.book.awaitTold(t, 1)
	if len(told) != 1 || told[0].Firing != 1 || !slices.Equal(told[0].Alerts, []string{"a1"}) || told[0].Receiver == "" {
		t.Errorf("told %+v, want a1 once", told)
	}
	if failing := l.n.Failing(); len(failing) != 0 {
		t.Errorf("failing %+v", failing)
	}
}

// TestReloadKeeps: a configuration with a receiver that is not there is refused
// with its name, and the one before goes on; a good one counts at once.
func TestReloadKeeps(t *testing.T) {
	t.Parallel()
	before, after := hookReceiver(t), hookReceiver(t)
	l := newLab(t, hookConfig(before.URL, atOnce))
	l.feed.tell(alert("a1", "First", "critical"))
	l.await(before, "First")
	l.book.awaitTold(t, 1)

	broken, err := os.ReadFile("testdata/unknown_receiver.yml")
	if err != nil {
		t.Fatal(err)
	}
	l.write(string(broken))
	if err := l.load(); err == nil || !strings.Contains(err.Error(), "pagr") || !strings.Contains(err.Error(), l.file) {
		t.Errorf("got %v, want an error that names %s and the receiver pagr", err, l.file)
	}
	l.feed.tell(alert("a2", "Second", "critical"))
	l.await(before, "Second")
	l.book.awaitTold(t, 2)

	l.write(hookConfig(after.URL, atOnce))
	if err := l.load(); err != nil {
		t.Fatal(err)
	}
	l.feed.tell(alert("a3", "Third", "critical"))
	l.await(after, "Third")
	l.fence(after)
	if n := told(before, "Third"); n != 0 {
		t.Errorf("the receiver that is gone was told %d times", n)
	}
	// Same receiver name, same group: it counts as told.
	if n := told(after, "First") + told(after, "Second"); n != 0 {
		t.Errorf("the reload told %d times of what was told", n)
	}
}

// TestUnread: a file that cannot be read at the start does not keep the
// collector from starting. It is said what is wrong and where, the screen is
// told meanwhile, and a reload of the mended file counts.
func TestUnread(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	for name, want := range map[string]string{"unknown_receiver.yml": "pagr", "unknown_key.yml": "group_wiat", "none.yml": "no such file"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if text, err := os.ReadFile(filepath.Join("testdata", name)); err == nil {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			l := newLab(t, "", func(o *notify.Options) { o.File = path })
			if err := l.n.Unread(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want an error with the file's name and %q", err, want)
			}
			l.feed.tell(alert("a1", "PaidTwice", "critical"))
			l.book.awaitTold(t, 1)
			l.file = path
			l.write(hookConfig(hook.URL, atOnce))
			if err := l.load(); err != nil {
				t.Fatal(err)
			}
			l.feed.tell(alert("a2", "Mended"+want[:2], "critical"))
			l.await(hook, "Mended"+want[:2])
		})
	}
}

// TestSecretsInClear: a configuration with secrets in it works, and each is a
// finding with its line, which says how to mend it and not what it is.
func TestSecretsInClear(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "secrets.yml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := notify.Check(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "s3cr3t") {
			key := strings.TrimLeft(strings.SplitN(line, ":", 2)[0], "- ")
			want[i+1] = key
		}
	}
	got := map[int]bool{}
	for _, f := range findings {
		got[f.Line] = true
		if key, ok := want[f.Line]; !ok || !strings.Contains(f.Text, key) || !strings.Contains(f.Text, "_file") {
			t.Errorf("finding %+v, want one that names the key and its _file twin, on a line of %v", f, want)
		}
		if strings.Contains(f.Text, "s3cr3t") {
			t.Errorf("the finding tells the secret: %+v", f)
		}
	}
	if len(got) != len(want) {
		t.Errorf("findings on lines %v, want %v", got, want)
	}
	file, _ := threeFiles(t, t.TempDir())
	if findings, err := notify.Check(file); err != nil || len(findings) != 0 {
		t.Errorf("without secrets: %v %v", findings, err)
	}
}

// threeFiles writes the configuration with three receivers into a folder, and
// returns its name and what writes the files that it names.
func threeFiles(t *testing.T, dir string) (file string, put func(name, text string)) {
	t.Helper()
	put = func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("testdata/three.yml")
	if err != nil {
		t.Fatal(err)
	}
	put("alertmanager.yml", string(text))
	for _, name := range []string{"slack_url", "pager_key", "hook_url"} {
		put(name, "https://example.com/")
	}
	return filepath.Join(dir, "alertmanager.yml"), put
}

// TestSecretFilesMissing: a file of a secret that is not there is a finding, on
// the line that names it.
func TestSecretFilesMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, _ := threeFiles(t, dir)
	if err := os.Remove(filepath.Join(dir, "pager_key")); err != nil {
		t.Fatal(err)
	}
	findings, err := notify.Check(file)
	if err != nil || len(findings) != 1 || !strings.Contains(findings[0].Text, "pager_key") || findings[0].Line != 23 {
		t.Errorf("got %+v %v, want one about pager_key on line 23", findings, err)
	}
}

// TestSecretFiles: secrets are read from files beside the configuration, at each
// notification, so that they can be changed.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	slack, pager, hook, other := slackReceiver(t), pagerReceiver(t), hookReceiver(t), hookReceiver(t)
	l := newLab(t, "route: {receiver: none}\nreceivers: [{name: none}]\n")
	_, put := threeFiles(t, filepath.Dir(l.file))
	put("slack_url", slack.URL)
	put("pager_key", routingKey)
	put("hook_url", hook.URL)
	text, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	l.write(strings.Replace(string(text), "- routing_key_file:", fmt.Sprintf("- url: %s\n    routing_key_file:", pager.URL), 1))
	if err := l.load(); err != nil {
		t.Fatal(err)
	}
	l.feed.tell(alert("a1", "PaidTwice", "critical"))
	slack.next(1)
	l.await(hook, "PaidTwice")
	if e := pager.next(1).M; e.RoutingKey != routingKey {
		t.Errorf("routing_key %q", e.RoutingKey)
	}
	put("hook_url", other.URL)
	l.feed.tell(alert("a2", "DiskLow", "critical"))
	l.await(other, "DiskLow")
}
