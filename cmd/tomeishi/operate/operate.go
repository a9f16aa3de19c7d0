// Package operate is the operator's commands: they speak HTTP to a collector, from
// its own host or from a laptop.
//
// It promises that what is shown is what the collector answered, that nothing is
// decided without a reason, and that --json prints the answer as it came. It
// decides nothing by itself.
package operate

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// Commands are the commands of this room.
func Commands(t *term.Terminal) []*cobra.Command {
	return []*cobra.Command{
		newGate(t), newHold(t), newIncident(t), newAlert(t), newSilence(t), newEffect(t), newAutomatic(t), newTime(t), newAgent(t), newStatus(t), newEvents(t),
		newBackup(t),
	}
}
