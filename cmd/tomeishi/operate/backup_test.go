package operate

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func TestBackup(t *testing.T) {
	clitest.Chdir(t)
	serveBackup := func(do http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/status" {
				_, _ = io.WriteString(w, `{"cell": "0123456789abcdef"}`)
				return
			}
			do(w, r)
		}
	}
	begun := func(then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the first half")
			_ = http.NewResponseController(w).Flush()
			then(w, r)
		}
	}
	t.Run("whole", func(t *testing.T) {
		t.Chdir(t.TempDir())
		at := clitest.Serve(t, serveBackup(clitest.Says(200, "all of it")))
		exit, out, stderr := runTest(t, "backup", "--server", at)
		name, _, _ := strings.Cut(out, ": ")
		text, err := os.ReadFile(name)
		if exit != term.Done || err != nil || string(text) != "all of it" || !strings.HasPrefix(name, "tomeishi-01234567-") {
			t.Errorf("exit %d, output %q, said %q, file %q: %v", exit, out, stderr, text, err)
		}
		if exit, _, stderr := runTest(t, "backup", "--to", name, "--server", at); exit != term.Failed || !strings.Contains(stderr, "is there already") {
			t.Errorf("a second time: exit %d, said %q", exit, stderr)
		}
		if exit, out, _ := runTest(t, "backup", "--to", "-", "--server", at); exit != term.Done || out != "all of it" {
			t.Errorf("to a pipe: exit %d, output %q", exit, out)
		}
	})
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		want   string
	}{
		"broken off": {begun(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "the backup broke off after 14 bytes"},
		"stalled":    {begun(clitest.Silent), "sent nothing for 300ms: there is no backup"},
		"empty":      {clitest.Says(200, ""), "sent an empty backup"},
		"refused":    {clitest.Says(403, `{"error": "not from here"}`), "not from here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			exit, out, stderr := runTest(t, "backup", "--to", "x", "--server", clitest.Serve(t, serveBackup(tt.server)), "--timeout", "300ms")
			if exit != term.Failed || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, output %q, said %q, want %q", exit, out, stderr, tt.want)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}
