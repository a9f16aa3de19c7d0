// Package serve is the commands that run a collector in this process, alone or
// with an agent beside it, or make a data folder for one. They need Linux.
//
// It promises that all that runs has stopped when a command ends, that a SIGHUP
// never ends one, and that what it says of where it runs is as the collector
// answers itself.
package serve

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// Commands are the commands of this room.
func Commands(t *term.Terminal) []*cobra.Command {
	return []*cobra.Command{newUp(t), newCollector(t), newRestore(t)}
}
