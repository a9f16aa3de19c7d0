package operate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const holdLong = `A hold is one reason for a gate to be closed, or for one request, customer,
address or tag to be refused at it.

Refuse one customer while the gate stays open for the others:
  tomeishi hold add demo/withdrawals --customer c-77 --reason 'account taken over?'

Let the customer pass again:
  tomeishi hold list
  tomeishi hold release demo/withdrawals h3 --reason 'spoke to the owner' --verdict false`

func newHold(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "hold", Short: "List, add and release holds", Long: holdLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
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

func newHoldList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list [GATE]", Short: "List holds", Long: holdListLong, Args: term.Takes("[GATE]")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		holds, err := holdsOf(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		if *asJSON {
			raw, err := json.Marshal(map[string]any{"holds": holds})
			return t.OrJSON(raw, err)
		}
		if len(holds) == 0 {
			t.Printf("no holds\n")
			return nil
		}
		rows := [][]string{{"HOLD", "GATE", "SINCE", "BY", "ONLY FOR", "REASON"}}
		for _, h := range holds {
			rows = append(rows, []string{h.ID, h.Gate, term.When(h.Since), term.Line(holder(h.Hold)), term.OrDash(term.Line(matchText(h.Match))), term.Line(h.Reason)})
		}
		t.Table(rows...)
		return nil
	}
	return cmd
}

func holdsOf(ctx context.Context, s *client.Server, args []string) ([]heldGate, error) {
	list := gateList{Gates: make([]api.Gate, 1)}
	path, out := "/v1/gates", any(&list)
	if len(args) == 1 {
		var err error
		if path, err = gatePath(args[0]); err != nil {
			return nil, err
		}
		out = &list.Gates[0]
	}
	c, err := s.Dial()
	if err != nil {
		return nil, err
	}
	if _, err := c.Get(ctx, path, out); err != nil {
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

const holdAddLong = `Refuse what is named at a gate. A payment is refused if it matches all that is
named, and one that does not say what the hold names is refused too: if applications
asked without it in the last day, this says which, and on a terminal it asks first.
To close the whole gate: tomeishi gate close.

  tomeishi hold add demo/withdrawals --request w-1001 --reason 'asked twice'
  tomeishi hold add demo/withdrawals --address bc1q… --reason 'known thief'`

func newHoldAdd(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add GATE --request R|--customer C|--address A|--tag T --reason TEXT", Short: "Hold one request, customer or address",
		Long: holdAddLong, Args: term.Takes("GATE"),
	}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	o := &order{}
	o.flags(cmd, false)
	p := paymentFlags(cmd.Flags(), "hold")
	yes := cmd.Flags().Bool("yes", false, "do not ask, whoever else is stopped")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		if o.Match = p.match(); o.Match == nil {
			return term.Usagef("name what to hold by --request, --customer, --address or --tag; to close the whole gate: tomeishi gate close %s", args[0])
		}
		if err := o.check(); err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var before api.Gate
		if _, err := c.Get(cmd.Context(), path+p.query()+"&stops=1", &before); err != nil && !*yes {
			t.Notef("it is not known whom else this stops: %s\n", term.Line(err.Error()))
		}
		if whom := stopsText(before.Stops, o.Match); whom != "" && !*yes && !confirmed(t, whom) {
			return errors.New("nothing was held: with --yes nothing is asked")
		}
		what := "gate " + args[0] + " holds " + matchText(o.Match)
		g, err := gateOrder(cmd.Context(), c, args[0], path+"/close", what, *o)
		if err != nil {
			return err
		}
		sayGate(t, g)
		if whom := stopsText(g.Stops, o.Match); whom != "" {
			t.Printf("%s\n", whom)
		}
		return nil
	}
	return cmd
}

// stopsText says whom a hold stops beside what it names; empty if nobody is known.
func stopsText(s *api.Stops, match map[string]string) string {
	if s == nil || s.All+s.Some == 0 {
		return ""
	}
	fields := slices.Sorted(maps.Keys(match))
	var parts []string
	if s.All > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s ask without %s: all that they ask for is stopped", s.All, term.Count(s.Agents, "agent"), strings.Join(fields, " and ")))
	}
	if s.Some > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s sometimes ask without it", s.Some, term.Count(s.Agents, "agent")))
	}
	return term.Line(strings.Join(parts, "; ") + " (" + term.Few(s.Names) + ")")
}

// confirmed asks a person at a terminal. A script is not asked: it may stop.
func confirmed(t *term.Terminal, whom string) bool {
	if !term.IsTerminal(t.In) {
		return true
	}
	t.Notef("%s\nHold it all the same? [y/N] ", whom)
	answer, err := bufio.NewReader(t.In).ReadString('\n')
	return err == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

const holdReleaseLong = `Lift one hold, and leave the gate's others. What opens a gate binds this too: a
reason, and a verdict if a rule put the hold there.

With verdict false, what was read until now of what is held never holds it again.

  tomeishi hold release demo/withdrawals h3 --reason 'spoke to the owner'`

func newHoldRelease(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "release GATE HOLD --reason TEXT [--verdict real|false|test]", Short: "Lift one hold",
		Long: holdReleaseLong, Args: term.Takes("GATE", "HOLD"),
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
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var g api.Gate
		if _, err := c.Get(cmd.Context(), path, &g); err != nil {
			return err
		}
		o.read(g)
		what := "hold " + o.Hold + " on gate " + args[0] + " was lifted"
		return lift(cmd.Context(), t, c, args[0], what, path, *o)
	}
	return cmd
}
