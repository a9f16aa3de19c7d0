package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot is the command that all others of a program are below.
func (t *terminal) newRoot(name string) *cobra.Command {
	root := &cobra.Command{
		Use:           name,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommand,
		RunE:          needSubcommand,
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetHelpCommand(newHelp())
	root.CompletionOptions.DisableDefaultCmd = true // the program's own teaches more
	return root
}

// newHelp is cobra's help command, but an unknown topic is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q", strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// run is a whole program between its arguments and its exit code.
func (t *terminal) run(ctx context.Context, root *cobra.Command, args []string) int {
	started := false
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
		t.notef("%s: %s\n", cmd.CommandPath(), err)
		return exitUsage
	case !started || errors.As(err, &usage):
		// What fails before a command starts is in its arguments.
		t.notef("%s: %s\nSee %s --help\n", cmd.CommandPath(), plain(err.Error()), cmd.CommandPath())
		return exitUsage
	}
	t.notef("%s: %s\n", cmd.CommandPath(), plain(err.Error()))
	return exitFailed
}
