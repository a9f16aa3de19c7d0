package main

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/author"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/operate"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const rootLong = `Tomeishi closes the gate in front of a withdrawal queue the moment the events
of its applications show that money leaves that should stay, and shows who was
affected. The machine may stop; only people resume.

Start everything on this host, with demo rules, and follow what it prints:

  tomeishi up

Commands that speak to a collector find it by --server URL|SOCKET, else by
$TOMEISHI_SERVER, else by its socket in ./data, else at http://127.0.0.1:9311.

Exit codes: 0 done, 1 failed (or not known: the text says which), 2 wrong usage,
3 findings.`

func newTomeishi(t *term.Terminal) *cobra.Command {
	root := t.Root("tomeishi")
	root.Short, root.Long = "Stop what must not go on; let people resume it", rootLong
	root.Version = term.Version
	root.SetVersionTemplate(term.Build() + "\n")
	root.AddCommand(daemons(t)...)
	root.AddCommand(author.Commands(t)...)
	root.AddCommand(operate.Commands(t)...)
	root.AddCommand(query.Commands(t)...)
	root.AddCommand(newCompletion(t), newVersion(t))
	for _, name := range []string{"test", "backtest", "detect", "drill", "claim", "audit"} {
		root.AddCommand(newLater(name))
	}
	return root
}

// newLater refuses a command that a later version brings.
func newLater(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: "not in this version", Hidden: true,
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return term.ErrNotYet },
	}
}
