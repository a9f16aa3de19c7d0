package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/api"
)

const holdLong = `A hold is one reason for a gate to be closed, or for one request, customer,
address or tag to be refused at it.

Refuse one customer while the gate stays open for the others:
  tomeishi hold add demo/withdrawals --customer c-77 --reason 'account taken over?'

Let the customer pass again:
  tomeishi hold list
  tomeishi hold release demo/withdrawals h3 --reason 'spoke to the owner' --verdict false`

func newHold(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{
		Use: "hold", Short: "List, add and release holds", Long: holdLong,
		Args: subcommand, RunE: needSubcommand,
	}
	s.flags(cmd.PersistentFlags())
	cmd.AddCommand(newHoldList(t, s), newHoldAdd(t, s), newHoldRelease(t, s))
	return cmd
}

// heldGate is a hold and where it is.
type heldGate struct {
	Gate string `json:"gate"`
	report.Hold
}

const holdListLong = `List the holds of every gate, or of one.

  tomeishi hold list
  tomeishi hold list demo/withdrawals --json`

func newHoldList(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "list [GATE]", Short: "List holds", Long: holdListLong, Args: takes("[GATE]")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		holds, err := holdsOf(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		if *asJSON {
			raw, err := json.Marshal(map[string]any{"holds": holds})
			return orJSON(t, raw, err)
		}
		if len(holds) == 0 {
			t.printf("no holds\n")
			return nil
		}
		rows := [][]string{{"HOLD", "GATE", "SINCE", "BY", "ONLY FOR", "REASON"}}
		for _, h := range holds {
			rows = append(rows, []string{h.ID, h.Gate, when(h.Since), line(holder(h.Hold)), orDash(line(matchText(h.Match))), line(h.Reason)})
		}
		t.table(rows...)
		return nil
	}
	return cmd
}

func holdsOf(ctx context.Context, s *server, args []string) ([]heldGate, error) {
	list := gateList{Gates: make([]api.Gate, 1)}
	path, out := "/v1/gates", any(&list)
	if len(args) == 1 {
		var err error
		if path, err = gatePath(args[0]); err != nil {
			return nil, err
		}
		out = &list.Gates[0]
	}
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	if _, err := c.get(ctx, path, out); err != nil {
		return nil, err
	}
	holds := []heldGate{}
	for _, g := range list.Gates {
		for _, h := range g.Holds {
			holds = append(holds, heldGate{g.Name, h})
		}
	}
	return holds, nil
}

const holdAddLong = `Refuse what is named at a gate, and nothing else. A payment is refused if it
matches all that is named. To close the whole gate: tomeishi gate close.

  tomeishi hold add demo/withdrawals --request w-1001 --reason 'asked twice'
  tomeishi hold add demo/withdrawals --address bc1q… --reason 'known thief'`

func newHoldAdd(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add GATE --request R|--customer C|--address A|--tag T --reason TEXT", Short: "Hold one request, customer or address",
		Long: holdAddLong, Args: takes("GATE"),
	}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	o := &order{}
	o.flags(cmd, false)
	p := paymentFlags(cmd.Flags(), "hold")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		if o.Match = p.match(); o.Match == nil {
			return usagef("name what to hold by --request, --customer, --address or --tag; to close the whole gate: tomeishi gate close %s", args[0])
		}
		if err := o.check(); err != nil {
			return err
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		what := "gate " + args[0] + " holds " + matchText(o.Match)
		g, err := c.gateOrder(cmd.Context(), args[0], path+"/close", what, *o)
		if err != nil {
			return err
		}
		t.sayGate(g)
		return nil
	}
	return cmd
}

const holdReleaseLong = `Lift one hold, and leave the gate's others. What opens a gate binds this too: a
reason, and a verdict if a rule put the hold there.

  tomeishi hold release demo/withdrawals h3 --reason 'spoke to the owner'`

func newHoldRelease(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "release GATE HOLD --reason TEXT [--verdict real|false|test]", Short: "Lift one hold",
		Long: holdReleaseLong, Args: takes("GATE", "HOLD"),
	}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	o := &order{}
	o.flags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Hold = args[1]
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		if err := o.check(); err != nil {
			return err
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		what := "hold " + o.Hold + " on gate " + args[0] + " was lifted"
		return t.lift(cmd.Context(), c, args[0], what, path, *o)
	}
	return cmd
}
