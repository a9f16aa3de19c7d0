//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// daemons are the commands that a host without Linux does not have. All others
// speak to a collector elsewhere, or work on files.
func daemons(*term.Terminal) []*cobra.Command {
	var all []*cobra.Command
	for _, name := range []string{"up", "collector", "restore"} {
		all = append(all, &cobra.Command{
			Use: name, Short: "needs Linux", DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return errors.New("it needs Linux: run it on such a host; other commands reach a collector there by --server URL")
			},
		})
	}
	return all
}
