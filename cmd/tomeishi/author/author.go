// Package author is the commands of people who write rules: they work on files
// alone, on any host, and speak to no collector.
//
// It promises that a set that it finds no error in is loaded by a collector of
// the same version, and that every problem names its file, line and column.
package author

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// Commands are the commands of this room.
func Commands(t *term.Terminal) []*cobra.Command {
	return []*cobra.Command{newCheck(t)}
}
