package main

import "github.com/spf13/cobra"

func newVersion(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long: `Say which version this is, and from what it was built.

  tomeishi version`,
		Args: takes(),
		Run:  func(*cobra.Command, []string) { t.printf("%s\n", versionText()) },
	}
}
