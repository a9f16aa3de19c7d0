package socketfile

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPathsOfAnyLength: the kernel takes 107 bytes; a folder may be deeper.
func TestPathsOfAnyLength(t *testing.T) {
	top := t.TempDir()
	const name = "collector.sock"
	for _, length := range []int{91, 92, 93, 102, 103, 104, 107, 108, 109, 200, 1000} {
		dir := top
		for rest := length - len(top); rest > 1; rest = length - len(dir) {
			dir = filepath.Join(dir, strings.Repeat("x", min(rest-1, 200)))
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		l, err := Listen(t.Context(), path, 0o660)
		if err != nil {
			t.Errorf("%d bytes: %v", len(path), err)
			continue
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o660 {
			t.Errorf("%d bytes: %v, %v", len(path), info, err)
		}
		there, err := Dial(t.Context(), path)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(path), err)
		}
		here, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(here, "x"); err != nil {
			t.Error(err)
		}
		if n, err := there.Read(make([]byte, 1)); n != 1 {
			t.Error(err)
		}
		for _, c := range []io.Closer{here, there, l} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%d bytes: the socket is left", len(path))
		}
	}
	if _, err := Listen(t.Context(), filepath.Join(top, strings.Repeat("y", 200)), 0o600); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a name that no way is short enough for: %v", err)
	}
}
