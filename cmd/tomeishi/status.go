package main

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/collector/api"
)

const statusLong = `Say in ten lines whether all is well. Exit code 0 means that Tomeishi does its work;
1 that it does not, or not fully, or that nobody answers: it is not ready, an agent
is silent, a rule has an error, a disk is nearly full, … The first line says why. A
closed gate and the alerts of rules are not a failure of Tomeishi, but they are shown.

  tomeishi status
  tomeishi status --json | jq -r '.built_in[].summary'
  tomeishi status --hash --json | jq -r .state`

func newStatus(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{Use: "status", Short: "Say whether all is well", Long: statusLong, Args: takes()}
	s.flags(cmd.Flags())
	asJSON := jsonFlag(cmd)
	hash := cmd.Flags().Bool("hash", false, "also the hash of the collector's state, to compare collectors")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		path := "/v1/status"
		if *hash {
			path += "?hash"
		}
		var st api.Status
		raw, err := c.get(cmd.Context(), path, &st)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := t.json(raw); err != nil {
				return err
			}
		} else {
			t.showStatus(c.at, st, c.hosts(cmd.Context()))
		}
		if len(ills(st)) > 0 {
			return exitCode(exitFailed)
		}
		return nil
	}
	return cmd
}

// showStatus prints at most ten lines, and one more with the hash of the state.
func (t *terminal) showStatus(at string, s api.Status, hosts glance) {
	row := func(name, text string) { t.printf("%-11s %s\n", name, line(text)) }
	if bad := ills(s); len(bad) > 0 {
		t.printf("%-11s %s: %s\n", "well", t.state("NO"), line(sentence(bad)))
	} else {
		t.printf("%-11s %s\n", "well", t.state("yes"))
	}
	t.printf("%-11s %s\n", "gates", t.gatesLine(s))
	row("alerts", alertsLine(s))
	row("agents", agentsLine(s.Agents))
	if text := hosts.line(len(s.Agents)); text != "" {
		row("hosts", text)
	}
	row("rules", rulesLine(s))
	if s.Series != nil {
		row("series", seriesLine(*s.Series))
	}
	row("events", number(s.Events)+" accepted, "+plural(s.Duplicate, "repeat"))
	row("ledger", "entry "+number(s.Index)+", chain "+short(s.Chain)+", cell "+short(s.Cell)+", ledger time "+when(s.Time))
	row("data", dataLine(s)+"; version "+s.Version+" at "+at)
	if s.State != "" {
		row("state", s.State)
	}
}
