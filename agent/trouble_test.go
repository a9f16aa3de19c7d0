package agent

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
