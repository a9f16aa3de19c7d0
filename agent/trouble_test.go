package agent

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/local"
	"github.com/tomeishi/tomeishi/agent/report"
)

// TestFolderRemoved: without its folder the agent takes nothing and is not ready.
func TestFolderRemoved(t *testing.T) {
	for _, gone := range []string{"", "spool"} {
		dir := filepath.Join(t.TempDir(), "data")
		r := run(t, configOf(dir), false)
		post := func() answer {
			return r.do(nil, "POST", "/v1/events", one, "Content-Type", report.StructuredType)
		}
		if a := post(); a.code != 202 {
			t.Fatalf("%d %s", a.code, a.body)
		}
		r.until("/-/ready", 200)
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		if a := post(); a.code != http.StatusServiceUnavailable || !strings.Contains(a.body, "nothing was taken") {
			t.Errorf("without %q: %d %s", gone, a.code, a.body)
		}
		if a := r.do(nil, "GET", "/-/ready", ""); a.code != 503 || !strings.Contains(a.body, "removed or replaced") {
			t.Errorf("without %q: %d %s", gone, a.code, a.body)
		}
	}
}

// TestTokenRefused: an agent that its collectors do not know is not ready.
func TestTokenRefused(t *testing.T) {
	srv := newCollector(t)
	srv.set("cell1", gate("w/btc", "open", 1))
	known := srv.Config.Handler
	refuse := make(chan bool, 1)
	refuse <- true
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		no := <-refuse
		refuse <- no
		if no {
			report.WriteJSON(w, http.StatusUnauthorized, report.Problem{Error: "this token is nobody's"})
			return
		}
		known.ServeHTTP(w, r)
	})
	r := run(t, configOf(t.TempDir(), srv.URL), false)
	if a := r.until("/-/ready", 503); !strings.Contains(a.body, "this token is nobody's") {
		t.Errorf("says %q", a.body)
	}
	<-refuse
	refuse <- false
	r.until("/-/ready", 200)
}

// TestOthersReachTheSocket: a folder that the agent makes lets others through to
// the socket, and shows them nothing else.
func TestOthersReachTheSocket(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	top := t.TempDir()
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	c := configOf(filepath.Join(top, "lib", "agent"))
	r := run(t, c, false)
	if why := local.Unreachable(r.Socket()); strings.HasPrefix(why, filepath.Join(top, "lib")) {
		t.Errorf("nobody passes through %s", why)
	}
	entries, err := os.ReadDir(c.Data)
	if err != nil || len(entries) < 3 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if open := info.Mode().Perm()&0o077 != 0; open != (e.Name() == "agent.sock") {
			t.Errorf("%s is %v", e.Name(), info.Mode())
		}
	}
	r.stop()

	c = configOf(filepath.Join(top, "closed"))
	if err := os.Mkdir(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	c.Socket = filepath.Join(top, "run", "agent.sock")
	r = run(t, c, false)
	if why := local.Unreachable(r.Socket()); strings.HasPrefix(why, filepath.Join(top, "run")) {
		t.Errorf("nobody passes through %s", why)
	}
	if got := local.Unreachable(filepath.Join(c.Data, "agent.sock")); got != c.Data {
		t.Errorf("%q is in the way, want %s", got, c.Data)
	}
	if got := r.do(r.unix, "GET", "/-/ready", ""); got.code != 200 {
		t.Errorf("%d", got.code)
	}
}

// TestLabelsAreEscaped as Prometheus reads them.
func TestLabelsAreEscaped(t *testing.T) {
	c := configOf(t.TempDir())
	c.Labels = map[string]string{"site": "東京\u3000\"1\" \\ é"}
	r := run(t, c, false)
	want := `site="東京` + "\u3000" + `\"1\" \\ é"`
	if text := r.do(nil, "GET", "/metrics", "").body; !strings.Contains(text, want) {
		i := strings.Index(text, "tomeishi_agent_info")
		t.Errorf("no %s in %.200s", want, text[i:])
	}
}
