package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `Tomeishi closes the gate in front of a withdrawal queue the moment the events
of its applications show that money leaves which should not, and shows who was
affected. The machine may stop; only people resume.

Start everything on this host, with demo rules, and follow what it prints:

  tomeishi up

Commands that speak to a collector find it by --server URL|SOCKET, else by
$TOMEISHI_SERVER, else by its socket in ./data, else at http://127.0.0.1:9311.

Exit codes: 0 done, 1 failed (or not known: the text says which), 2 wrong usage,
3 findings.`

func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:           "tomeishi",
		Short:         "Stop what must not go on; let people resume it",
		Long:          rootLong,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommand,
		RunE:          needSubcommand,
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetVersionTemplate(versionText() + "\n")
	root.SetHelpCommand(newHelp())
	root.CompletionOptions.DisableDefaultCmd = true // newCompletion teaches more
	root.AddCommand(
		newUp(t), newCollector(t), newCheck(t),
		newGate(t), newHold(t), newIncident(t), newAlert(t), newSilence(t), newEffect(t), newAutomatic(t), newAgent(t), newQuery(t), newStatus(t),
		newBackup(t), newRestore(t), newCompletion(t), newVersion(t),
	)
	for _, name := range []string{"test", "backtest", "detect", "drill", "claim", "events", "audit"} {
		root.AddCommand(newLater(name))
	}
	return root
}

var errNotYet = errors.New("not in this version")

// newLater refuses a command that a later version brings.
func newLater(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: "not in this version", Hidden: true,
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return errNotYet },
	}
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

// subcommand refuses what is not the name of a command below cmd.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := "there is no command " + quote(args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{text}
}

// needSubcommand prints the help of a command that does nothing by itself.
func needSubcommand(cmd *cobra.Command, _ []string) error {
	if err := cmd.Help(); err != nil {
		return err
	}
	return exitCode(exitUsage)
}

// takes names the arguments of a command; those in brackets may be left out.
func takes(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return usagef("%s is one argument too many", quote(args[len(names)]))
		}
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return usagef("%s is missing", names[len(args)])
		}
		return nil
	}
}
