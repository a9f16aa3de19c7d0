package operate

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const automaticLong = `One switch stops everything that happens by itself. While it is off, what would
close a gate waits for a person's approval. The switch turns on again by itself.

See it:
  tomeishi automatic

Off for two hours, and on again:
  tomeishi automatic off --for 2h --reason 'the node is being moved'
  tomeishi automatic on`

func newAutomatic(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "automatic [on|off|show]", Short: "Stop all that happens by itself, for a while", Long: automaticLong, Args: term.Subcommand,
	}
	s.Flags(cmd.PersistentFlags())
	show := newAutomaticShow(t, s)
	cmd.RunE = show.RunE
	cmd.Flags().AddFlag(show.Flags().Lookup("json"))
	cmd.AddCommand(show, newAutomaticOff(t, s), newAutomaticOn(t, s))
	return cmd
}

const automaticShowLong = `Show whether effects happen by themselves; if not, until when, and who said so.

  tomeishi automatic show`

func newAutomaticShow(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "show", Short: "Show the switch", Long: automaticShowLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var a api.Automatic
		raw, err := c.Get(cmd.Context(), "/v1/automatic", &a)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		sayAutomatic(t, a)
		return nil
	}
	return cmd
}

// turn is the body of a turn of the switch.
type turn struct {
	On     bool   `json:"on"`
	For    string `json:"for,omitempty"`
	Reason string `json:"reason,omitempty"`
}

const automaticOffLong = `Stop all that happens by itself, for two hours or as long as you say, at most 24h.
Given again while off, it counts from now. Gates that are closed stay closed.

  tomeishi automatic off --for 30m --reason 'the node is being moved'`

func newAutomaticOff(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "off --reason TEXT [--for 2h]", Short: "Stop all that happens by itself", Long: automaticOffLong, Args: term.Takes()}
	o := &order{}
	o.flags(cmd, false)
	length := cmd.Flags().Duration("for", 2*time.Hour, "how long, at most 24h")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if *length < time.Second || *length > 24*time.Hour {
			return term.Usagef("--for is between 1s and 24h, not %s", *length)
		}
		return turnAutomatic(t, cmd, s, turn{For: length.String(), Reason: o.Reason}, "automatic effects were switched off")
	}
	return cmd
}

const automaticOnLong = `Let effects happen by themselves again. What waited stays planned until the next
event that makes its alert true.

  tomeishi automatic on`

func newAutomaticOn(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "on [--reason TEXT]", Short: "Let effects happen by themselves", Long: automaticOnLong, Args: term.Takes()}
	o := &order{}
	o.flags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return turnAutomatic(t, cmd, s, turn{On: true, Reason: o.Reason}, "automatic effects were switched on")
	}
	return cmd
}

func turnAutomatic(t *term.Terminal, cmd *cobra.Command, s *client.Server, body turn, what string) error {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	var a api.Automatic
	_, err = c.Decide(cmd.Context(), client.Decision{Path: "/v1/automatic", Body: body, What: what, Look: "tomeishi automatic"}, &a)
	if err != nil {
		return err
	}
	sayAutomatic(t, a)
	return nil
}

func sayAutomatic(t *term.Terminal, a api.Automatic) {
	if a.On {
		t.Printf("automatic effects are on")
	} else {
		t.Printf("automatic effects are OFF until %s, since %s", term.When(a.Until), term.When(a.Since))
	}
	if a.By != "" {
		t.Printf(", by %s", term.Line(a.By))
	}
	if a.Reason != "" {
		t.Printf(": %s", term.Line(a.Reason))
	}
	t.Printf("\n")
	if !a.On {
		t.Printf("What would close a gate by itself waits for a person: tomeishi effect list\n")
	}
}
