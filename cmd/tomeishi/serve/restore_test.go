package serve

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func runTest(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t.Context(), Commands, args...)
}

func TestRestoreRefusesAFullFolder(t *testing.T) {
	clitest.Chdir(t)
	clitest.Write(t, "x.backup", "no backup")
	clitest.Write(t, "something", "")
	exit, _, stderr := runTest(t, "restore", "--data", ".", "x.backup")
	if exit != term.Failed || !strings.Contains(stderr, ". is not empty") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	exit, _, stderr = runTest(t, "restore", "--data", "new", "x.backup")
	if exit != term.Failed || !strings.Contains(stderr, "cannot be restored") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
	if _, err := os.Stat("new"); err == nil {
		t.Error("a data folder was made from no backup")
	}
}

func TestReadUntilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.ReadAll(readUntil{ctx, strings.NewReader("x")}); err == nil {
		t.Error("read on after the end")
	}
}
