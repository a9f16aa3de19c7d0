// Command tomeishi is the collector, and the operator's hand on it.
//
// It promises that its exit code says what happened (0 done, 1 failed, 2 wrong
// usage, 3 findings), that a decision whose answer did not come is reported as
// not known and never as failed, and that --json prints what the collector
// answered. It does not decide anything by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time_zone must work where the host has no zones

	"github.com/spf13/cobra"
)

func main() {
	syscall.Umask(0o077) // what is written here is nobody else's to read
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3
)

// exitCode ends the program when what there was to say has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError says that the command was called wrongly.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// run is the whole program between its arguments and its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := newTerminal(stdin, stdout, stderr)
	started := false
	root := newRoot(t)
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)

	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errNotYet):
		fmt.Fprintf(stderr, "%s: %s\n", cmd.CommandPath(), err)
		return exitUsage
	case !started || errors.As(err, &usage):
		// What fails before a command starts is in its arguments.
		fmt.Fprintf(stderr, "%s: %s\nSee %s --help\n", cmd.CommandPath(), plain(err.Error()), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "%s: %s\n", cmd.CommandPath(), plain(err.Error()))
	return exitFailed
}
