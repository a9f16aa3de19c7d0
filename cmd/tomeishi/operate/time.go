package operate

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const timeLong = `Ledger time goes on from the last entry when a collector starts and its host's
clock is more than five minutes ahead of that entry, until the clock is confirmed:
by the time since boot, the kernel, two other hosts, or two minutes of running
evenly. Meanwhile LedgerTimeOff stands.

See both:
  tomeishi time

The host's clock is right, go on from it now:
  tomeishi time accept --reason 'compared with the NTP server'`

func newTime(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{Use: "time [accept]", Short: "Compare ledger time with the host's clock", Long: timeLong, Args: term.Subcommand}
	s.Flags(cmd.PersistentFlags())
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var at api.Time
		raw, err := c.Get(cmd.Context(), "/v1/time", &at)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		sayTime(t, at)
		return nil
	}
	cmd.AddCommand(newTimeAccept(t, s))
	return cmd
}

const timeAcceptLong = `Say that the clock of the collector's host is right: ledger time is stepped to it.
It never goes back. A clock that is wrong ahead makes timers run early by as much.

  tomeishi time accept --reason 'compared with the NTP server'`

func newTimeAccept(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "accept --reason TEXT", Short: "Step ledger time to the host's clock", Long: timeAcceptLong, Args: term.Takes()}
	o := &order{}
	o.flags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var at api.Time
		body := struct {
			Reason string `json:"reason"`
		}{o.Reason}
		_, err = c.Decide(cmd.Context(), client.Decision{Path: "/v1/time/accept", Body: body, What: "the host's clock was accepted", Look: "tomeishi time"}, &at)
		if err != nil {
			return err
		}
		sayTime(t, at)
		return nil
	}
	return cmd
}

func sayTime(t *term.Terminal, at api.Time) {
	t.Printf("ledger time %s, this host's clock %s", term.When(at.Ledger), term.When(at.Clock))
	switch off := time.Duration(at.Behind * float64(time.Second)).Round(time.Second); {
	case off >= time.Second:
		t.Printf(": behind by %s", off)
	case off <= -time.Second:
		t.Printf(": ahead by %s", -off)
	}
	t.Printf("\n")
	if at.Doubted {
		t.Printf("The clock is not confirmed yet. If it is right: tomeishi time accept\n")
	}
}
