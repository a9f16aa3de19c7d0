package operate

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const statusLong = `Say in ten lines whether Tomeishi does its work. Exit code 0: it does;
1: it does not, or not fully, or nobody answers: it is not ready, an agent
is silent, a rule has an error, a disk is nearly full, … The first line says why. A
closed gate and the alerts of rules are not a failure of Tomeishi, but they are shown.

  tomeishi status
  tomeishi status --json | jq -r '.built_in[].summary'
  tomeishi status --hash --json | jq -r .state`

func newStatus(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{Use: "status", Short: "Say whether Tomeishi does its work", Long: statusLong, Args: term.Takes()}
	s.Flags(cmd.Flags())
	asJSON := term.JSONFlag(cmd)
	hash := cmd.Flags().Bool("hash", false, "also the hash of the collector's state, to compare collectors")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		path := "/v1/status"
		if *hash {
			path += "?hash"
		}
		var st api.Status
		raw, err := c.Get(cmd.Context(), path, &st)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := t.JSON(raw); err != nil {
				return err
			}
		} else {
			showStatus(t, c.At, st, glanceAt(cmd.Context(), c))
		}
		if len(ills(st)) > 0 {
			return term.ExitCode(term.Failed)
		}
		return nil
	}
	return cmd
}

// showStatus prints at most ten lines, and one more with the hash of the state.
func showStatus(t *term.Terminal, at string, s api.Status, hosts glance) {
	row := func(name, text string) { t.Printf("%-11s %s\n", name, term.Line(text)) }
	if bad := ills(s); len(bad) > 0 {
		t.Printf("%-11s %s: %s\n", "working", t.State("NO"), term.Line(sentence(bad)))
	} else {
		t.Printf("%-11s %s\n", "working", t.State("yes"))
	}
	t.Printf("%-11s %s\n", "gates", gatesLine(t, s))
	row("alerts", alertsLine(s))
	row("agents", agentsLine(s.Agents))
	if text := hosts.line(len(s.Agents)); text != "" {
		row("hosts", text)
	}
	row("rules", rulesLine(s))
	if s.Series != nil {
		row("series", seriesLine(*s.Series))
	}
	row("events", term.Number(s.Events)+" accepted, "+term.Plural(s.Duplicate, "repeat")+unreadText(s))
	row("ledger", "entry "+term.Number(s.Index)+", chain "+term.Short(s.Chain)+", cell "+term.Short(s.Cell)+", ledger time "+term.When(s.Time))
	row("data", dataLine(s)+"; version "+s.Version+" at "+at)
	if s.State != "" {
		row("state", s.State)
	}
}
