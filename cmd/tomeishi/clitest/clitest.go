// Package clitest runs commands in tests, against servers that answer well, badly
// or not at all.
//
// It promises that a command runs as in the program, up to its exit code. Only
// tests import it.
package clitest

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// Run runs a program of these commands, in this process and without input.
func Run(ctx context.Context, commands func(*term.Terminal) []*cobra.Command, args ...string) (exit int, stdout, stderr string) {
	var out, errs strings.Builder
	t := term.New(strings.NewReader(""), &out, &errs)
	root := t.Root("tomeishi")
	root.AddCommand(commands(t)...)
	exit = t.Run(ctx, root, args)
	return exit, out.String(), errs.String()
}

// Chdir goes into an empty folder, where no collector is named.
func Chdir(t testing.TB) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, k := range []string{"TOMEISHI_SERVER", "TOMEISHI_TOKEN_FILE"} {
		t.Setenv(k, "")
	}
	if _, err := os.Stat(client.LocalSocket); err == nil {
		t.Fatal("a collector's socket is here")
	}
}

// Write writes a file.
func Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
