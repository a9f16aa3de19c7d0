package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// TestCompletionScripts has each shell that is here read its script.
func TestCompletionScripts(t *testing.T) {
	clitest.Chdir(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		exit, out, stderr := runTest(t, "completion", shell)
		if exit != term.Done || stderr != "" || !strings.Contains(out, "tomeishi") || !strings.Contains(out, shell+" completion") {
			t.Errorf("%s: exit %d, said %q, %d bytes", shell, exit, stderr, len(out))
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not on this host: its script was not read", shell)
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, "-n")
		cmd.Stdin = strings.NewReader(out)
		if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s does not read it: %v\n%s", shell, err, said)
		}
	}
	if exit, out, stderr := runTest(t, "__complete", "completion", ""); exit != term.Done || !strings.HasPrefix(out, "bash\nzsh\nfish\n:") {
		t.Errorf("exit %d, output %q, said %q", exit, out, stderr)
	}
	if exit, _, stderr := runTest(t, "completion", "tcsh"); exit != term.Usage || !strings.Contains(stderr, "bash, zsh or fish") {
		t.Errorf("tcsh: exit %d, said %q", exit, stderr)
	}
}
