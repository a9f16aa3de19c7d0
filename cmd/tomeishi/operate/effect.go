package operate

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const effectLong = `An effect is one carrying-out of one mitigation on one target.

Approve or decline one that waits for a person, and take one back:
  tomeishi effect list
  tomeishi effect approve e4
  tomeishi effect decline e5 --reason 'known to the bank'
  tomeishi effect undo e4 --reason 'the rule was wrong' --verdict false`

func newEffect(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "effect", Short: "List, approve, decline and undo effects", Long: effectLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(newEffectList(t, s), newEffectApprove(t, s), newEffectDecline(t, s), newEffectUndo(t, s))
	return cmd
}

const effectListLong = `List the effects, oldest first: what was planned, done, verified and undone.

  tomeishi effect list`

func newEffectList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List effects", Long: effectListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list struct {
			Effects []api.Effect `json:"effects"`
		}
		raw, err := c.Get(cmd.Context(), "/v1/effects", &list)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		if len(list.Effects) == 0 {
			t.Printf("no effects\n")
			return nil
		}
		rows := [][]string{{"EFFECT", "STATE", "MODE", "MITIGATION", "TARGET", "ALERT", "INCIDENT", "PLANNED", "RESULT"}}
		for _, e := range list.Effects {
			rows = append(rows, []string{
				e.ID, e.State, e.Mode, e.Mitigation, term.Line(targetText(e)), e.Alert, term.OrDash(e.Incident), term.When(e.Planned), term.OrDash(term.Line(e.Result)),
			})
		}
		t.Table(rows...)
		return nil
	}
	return cmd
}

// targetText is what an effect is about: its target, and what it holds there.
func targetText(e api.Effect) string {
	return strings.TrimSpace(e.Target + " " + matchText(e.Match))
}

const effectApproveLong = `Approve an effect that is planned in mode approve: it is carried out at once.

  tomeishi effect approve e4`

func newEffectApprove(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "approve ID", Short: "Carry out an effect that waits for a person", Long: effectApproveLong, Args: term.Takes("ID")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return decideEffect(t, cmd, s, args[0], "approve", "effect "+args[0]+" was approved", order{})
	}
	return cmd
}

const effectDeclineLong = `Decline an effect that is planned in mode approve: nothing is carried out. What
makes its alert true again plans another.

  tomeishi effect decline e4 --reason 'known to the bank'`

func newEffectDecline(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "decline ID --reason TEXT", Short: "Refuse an effect that waits for a person",
		Long: effectDeclineLong, Args: term.Takes("ID"),
	}
	o := &order{}
	o.flags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return decideEffect(t, cmd, s, args[0], "decline", "effect "+args[0]+" was declined", *o)
	}
	return cmd
}

const effectUndoLong = `Take an effect back, under the rules by which its gate opens. The gate is read first:
what the ledger got after that is judged anew, and may close it again at once.

  tomeishi effect undo e4 --reason 'the rule was wrong' --verdict false`

func newEffectUndo(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "undo ID --reason TEXT --verdict real|false|test", Short: "Take an effect back",
		Long: effectUndoLong, Args: term.Takes("ID"),
	}
	o := &order{}
	o.flags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if err := readEffect(cmd.Context(), t, s, args[0], o); err != nil {
			return err
		}
		return decideEffect(t, cmd, s, args[0], "undo", "effect "+args[0]+" was undone", *o)
	}
	return cmd
}

// readEffect reads the hold that an effect put on its gate, and shows what is about
// to be lifted. An effect that holds no gate is not about anything that was read.
func readEffect(ctx context.Context, t *term.Terminal, s *client.Server, id string, o *order) error {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	var list struct {
		Effects []api.Effect `json:"effects"`
	}
	if _, err := c.Get(ctx, "/v1/effects", &list); err != nil {
		return err
	}
	i := slices.IndexFunc(list.Effects, func(e api.Effect) bool { return e.ID == id && e.Hold != "" })
	if i < 0 {
		return nil
	}
	path, err := gatePath(list.Effects[i].Target)
	if err != nil {
		return err
	}
	var g api.Gate
	if _, err := c.Get(ctx, path, &g); err != nil {
		return err
	}
	o.Hold = list.Effects[i].Hold
	sayLifting(t, g, o.Hold)
	o.read(g)
	o.Hold = "" // the effect names it
	return nil
}

func decideEffect(t *term.Terminal, cmd *cobra.Command, s *client.Server, id, do, what string, o order) error {
	c, err := s.Dial()
	if err != nil {
		return err
	}
	var e api.Effect
	var p api.Pending
	_, err = c.Decide(cmd.Context(), client.Decision{
		Path: "/v1/effects/" + url.PathEscape(id) + "/" + do, Body: o, What: what, Look: "tomeishi effect list", Pending: &p,
	}, &e)
	switch {
	case err != nil:
		return err
	case p.Needed > 0:
		sayPending(t, p.Gate)
		return nil
	}
	t.Printf("effect %s is %s: %s on %s\n", term.Line(e.ID), term.Line(e.State), term.Line(e.Mitigation), term.Line(targetText(e)))
	return nil
}
