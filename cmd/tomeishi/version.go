package main

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func newVersion(t *term.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long: `Say which version this is, and from what it was built.

  tomeishi version`,
		Args: term.Takes(),
		Run:  func(*cobra.Command, []string) { t.Printf("%s\n", term.Build()) },
	}
}
