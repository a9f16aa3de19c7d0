package term

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// Root is the command that all others of a program are below.
func (t *Terminal) Root(name string) *cobra.Command {
	root := &cobra.Command{
		Use:           name,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          Subcommand,
		RunE:          NeedSubcommand,
	}
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
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
				return Usagef("there is no command %q", strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// Run is a whole program between its arguments and its exit code.
func (t *Terminal) Run(ctx context.Context, root *cobra.Command, args []string) int {
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)

	var code ExitCode
	var usage usageError
	switch {
	case err == nil:
		return Done
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, ErrNotYet):
		t.Notef("%s: %s\n", cmd.CommandPath(), err)
		return Usage
	case !started || errors.As(err, &usage):
		// A failure before a command starts is in its arguments.
		t.Notef("%s: %s\nSee %s --help\n", cmd.CommandPath(), Plain(err.Error()), cmd.CommandPath())
		return Usage
	}
	t.Notef("%s: %s\n", cmd.CommandPath(), Plain(err.Error()))
	return Failed
}
