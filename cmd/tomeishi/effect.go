package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/collector/api"
)

const effectLong = `An effect is one carrying-out of one mitigation on one target.

Approve one that waits for a person, and take one back:
  tomeishi effect list
  tomeishi effect approve e4
  tomeishi effect undo e4 --reason 'the rule was wrong' --verdict false`

func newEffect(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{
		Use: "effect", Short: "List, approve and undo effects", Long: effectLong,
		Args: subcommand, RunE: needSubcommand,
	}
	s.flags(cmd.PersistentFlags())
	cmd.AddCommand(newEffectList(t, s), newEffectApprove(t, s), newEffectUndo(t, s))
	return cmd
}

const effectListLong = `List the effects, oldest first: what was planned, done, verified and undone.

  tomeishi effect list`

func newEffectList(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List effects", Long: effectListLong, Args: takes()}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		var list struct {
			Effects []api.Effect `json:"effects"`
		}
		raw, err := c.get(cmd.Context(), "/v1/effects", &list)
		if err != nil || *asJSON {
			return orJSON(t, raw, err)
		}
		if len(list.Effects) == 0 {
			t.printf("no effects\n")
			return nil
		}
		rows := [][]string{{"EFFECT", "STATE", "MODE", "MITIGATION", "TARGET", "ALERT", "INCIDENT", "PLANNED", "RESULT"}}
		for _, e := range list.Effects {
			rows = append(rows, []string{
				e.ID, e.State, e.Mode, e.Mitigation, e.Target, e.Alert, orDash(e.Incident), when(e.Planned), orDash(line(e.Result)),
			})
		}
		t.table(rows...)
		return nil
	}
	return cmd
}

const effectApproveLong = `Approve an effect that is planned in mode approve: it is carried out at once.

  tomeishi effect approve e4`

func newEffectApprove(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "approve ID", Short: "Carry out an effect that waits for a person", Long: effectApproveLong, Args: takes("ID")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.decideEffect(cmd, s, args[0], "approve", "effect "+args[0]+" was approved", order{})
	}
	return cmd
}

const effectUndoLong = `Take an effect back, under the rules by which its gate opens.

  tomeishi effect undo e4 --reason 'the rule was wrong' --verdict false`

func newEffectUndo(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "undo ID --reason TEXT --verdict real|false|test", Short: "Take an effect back",
		Long: effectUndoLong, Args: takes("ID"),
	}
	o := &order{}
	o.flags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return t.decideEffect(cmd, s, args[0], "undo", "effect "+args[0]+" was undone", *o)
	}
	return cmd
}

func (t *terminal) decideEffect(cmd *cobra.Command, s *server, id, do, what string, o order) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	var e api.Effect
	var p api.Pending
	_, err = c.decide(cmd.Context(), decision{
		path: "/v1/effects/" + url.PathEscape(id) + "/" + do, body: o, what: what, look: "tomeishi effect list", pending: &p,
	}, &e)
	switch {
	case err != nil:
		return err
	case p.Needed > 0:
		t.sayPending(p.Gate)
		return nil
	}
	t.printf("effect %s is %s: %s on %s\n", line(e.ID), line(e.State), line(e.Mitigation), line(e.Target))
	return nil
}
