package term

import (
	"strings"

	"github.com/spf13/cobra"
)

// Subcommand refuses what is not the name of a command below cmd.
func Subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := "there is no command " + Quote(args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{text}
}

// NeedSubcommand prints the help of a command that does nothing by itself.
func NeedSubcommand(cmd *cobra.Command, _ []string) error {
	if err := cmd.Help(); err != nil {
		return err
	}
	return ExitCode(Usage)
}

// Takes names the arguments of a command; those in brackets may be left out.
func Takes(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return Usagef("%s is one argument too many", Quote(args[len(names)]))
		}
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return Usagef("%s is missing", names[len(args)])
		}
		return nil
	}
}

// AtLeastOne takes one argument or more.
func AtLeastOne(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("%s is missing", name)
		}
		return nil
	}
}
