package host

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tomeishi/tomeishi/agent/report"
)

var update = flag.Bool("update", false, "write what is measured into the archives")

// TestKernels measures made-up hosts. What they want was compared with what
// node_exporter 1.9.1 says of the same files.
func TestKernels(t *testing.T) {
	paths, err := filepath.Glob("testdata/kernels/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no kernels", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir, want := plant(t, path)
			m := start(t, planted(dir))
			m.settle()
			schema, frame := m.Tick(m.now.Add(time.Second))
			got := samples(t, schema, frame)
			if *update {
				write(t, path, got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
			for s, v := range m.tick() {
				if strings.HasPrefix(s, "tomeishi_host_errors_total") && v != 0 || strings.HasPrefix(s, "tomeishi_host_left_out") && v != 0 {
					t.Errorf("%s = %v on a sound host", s, v)
				}
			}
			if m.log.Len() != 0 {
				t.Errorf("a sound host was logged: %s", m.log)
			}
		})
	}
}

// samples are the lines of WriteText that do not depend on who measures.
func samples(t *testing.T, schema *report.Schema, frame report.Frame) string {
	t.Helper()
	var b strings.Builder
	if err := WriteText(&b, schema, frame, nil); err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(b.String(), "\n"), func(line string) bool {
		for _, p := range []string{"#", "tomeishi_", "node_time_", "node_timex_", "node_uname_"} {
			if strings.HasPrefix(line, p) {
				return true
			}
		}
		return false
	})
	return strings.Join(lines, "")
}

func write(t *testing.T, path, want string) {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a.Files[len(a.Files)-1].Data = []byte(want)
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
