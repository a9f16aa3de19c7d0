// Command tomeishi is the collector, and the operator's hand on it.
//
// It promises that its exit code says what happened (0 done, 1 failed, 2 wrong
// usage, 3 findings), that a decision whose answer did not come is reported as
// not known and never as failed, and that --json prints what the collector
// answered. It does not decide anything by itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time_zone must work where the host has no zones

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func main() {
	syscall.Umask(0o077) // what is written here is nobody else's to read
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	t := term.New(os.Stdin, os.Stdout, os.Stderr)
	os.Exit(t.Run(ctx, newTomeishi(t), os.Args[1:]))
}
