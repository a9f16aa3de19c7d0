package operate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// order is the body of a decision.
type order struct {
	Reason  string            `json:"reason,omitempty"`
	Verdict string            `json:"verdict,omitempty"`
	Epoch   *uint64           `json:"epoch,omitempty"`
	Hold    string            `json:"hold,omitempty"`
	Match   map[string]string `json:"match,omitempty"`
	// What was read: evidence that entered the ledger later is judged anew.
	AsOf   uint64       `json:"as_of,omitempty"`
	Alerts *int         `json:"alerts,omitempty"`
	Shadow *shadowOrder `json:"shadow,omitempty"`
}

// shadowOrder keeps rules from closing the gate that is opened, for a while.
type shadowOrder struct {
	Rules []string `json:"rules"`
	For   string   `json:"for"`
}

// flags adds --reason and, where a verdict can be needed, --verdict.
func (o *order) flags(cmd *cobra.Command, verdict bool) {
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, in a `TEXT` that others will read")
	if verdict {
		cmd.Flags().StringVar(&o.Verdict, "verdict", "", "what it was: `real|false|test` (needed while a rule holds it)")
		completeFlag(cmd, "verdict", verdictWords()...)
	}
}

func (o *order) check() error {
	if strings.TrimSpace(o.Reason) == "" {
		return term.Usagef("--reason is missing: say why, others will read it")
	}
	return checkVerdict(o.Verdict)
}

func checkVerdict(v string) error {
	switch v {
	case "", machine.VerdictReal, machine.VerdictFalse, machine.VerdictTest:
		return nil
	}
	return term.Usagef("the verdict is real, false or test, not %s", term.Quote(v))
}

const gateCloseLong = `Close a gate by hand, whatever its mode. It stays closed until a person opens it.

  tomeishi gate close demo/withdrawals --reason 'node out of sync'

To hold one request, customer or address only, see tomeishi hold add.`

func newGateClose(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "close NAME --reason TEXT", Short: "Close a gate", Long: gateCloseLong, Args: term.Takes("NAME")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	o := &order{}
	o.flags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		g, err := gateOrder(cmd.Context(), c, args[0], path+"/close", "gate "+args[0]+" was closed", *o)
		if err != nil {
			return err
		}
		sayGate(t, g)
		return nil
	}
	return cmd
}

const gateOpenLong = `Open a gate: lift what closes it, saying why that is safe, and what it was if a rule
closed it. Without --epoch the gate is read first, what is about to be lifted is
shown, and a hold that comes after that stays. What the ledger got after that is
judged anew, and may close the gate again at once. Holds on one request, customer or
address stay: tomeishi hold release.

  tomeishi gate open demo/withdrawals --reason 'both payments were mine' --verdict test

A rule that is wrong would close it again with its next event. To have it only watch
this gate for two hours, or for as long as --for says, at most 24h:

  tomeishi gate open demo/withdrawals --reason 'it counts fees' --verdict false --shadow DemoPaidTwice

Verdicts: real (it happened), false (it did not: what was seen until now never
counts toward a close again), test.

A gate with approvals: 2 opens when two people by name have done this. The first
agrees, and is told who else may; what the second says last is the verdict.`

func newGateOpen(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "open NAME --reason TEXT --verdict real|false|test", Short: "Open a gate",
		Long: gateOpenLong, Args: term.Takes("NAME"),
	}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	o := &order{}
	o.flags(cmd, true)
	epoch := cmd.Flags().Uint64("epoch", 0, "open only if no hold came after this epoch `N` (default: the epoch just read)")
	cmd.Flags().StringVar(&o.Hold, "hold", "", "lift only the hold `ID`")
	shadow := cmd.Flags().StringSlice("shadow", nil, "keep this `RULE` from closing the gate again, for a while")
	length := cmd.Flags().Duration("for", 2*time.Hour, "how long the rule stays in shadow, at most 24h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(*shadow) == 0 && cmd.Flags().Changed("for"):
			return term.Usagef("--for is about a rule: name it by --shadow RULE")
		case *length < time.Second || *length > 24*time.Hour:
			return term.Usagef("--for is between 1s and 24h, not %s", *length)
		case len(*shadow) > 0:
			o.Shadow = &shadowOrder{*shadow, length.String()}
		}
		if cmd.Flags().Changed("epoch") {
			o.Epoch = epoch
		}
		return openByName(cmd.Context(), t, s, args[0], *o)
	}
	return cmd
}

// read notes what was read of a gate.
func (o *order) read(g api.Gate) {
	o.Epoch, o.AsOf, o.Alerts = &g.Epoch, g.AsOf, &g.Alerts
	if o.Hold == "" {
		return
	}
	o.Alerts = nil
	for _, h := range g.Holds {
		if h.ID == o.Hold {
			o.Alerts = &h.Alerts
		}
	}
}

func openByName(ctx context.Context, t *term.Terminal, s *client.Server, name string, o order) error {
	path, err := gatePath(name)
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
	if o.Epoch == nil {
		var g api.Gate
		if _, err := c.Get(ctx, path, &g); err != nil {
			return err
		}
		if closers, narrow := closersOf(g); o.Hold == "" && len(closers) == 0 {
			t.Printf("%s is open already: nothing closes it\n", name)
			sayInShadow(t, g, o.Shadow)
			if len(narrow) > 0 {
				t.Printf("%s on single payments: tomeishi hold list %s\n", term.Count(len(narrow), "hold"), name)
			}
			return nil
		}
		sayLifting(t, g, o.Hold)
		o.read(g)
	}
	return lift(ctx, t, c, name, "gate "+name+" was opened", path, o)
}

// lift gives the order to open, and says what came of it.
func lift(ctx context.Context, t *term.Terminal, c *client.Client, name, what, path string, o order) error {
	var g api.Gate
	var p api.Pending
	_, err := c.Decide(ctx, client.Decision{Path: path + "/open", Body: o, What: what, Look: "tomeishi gate show " + name, Pending: &p}, &g)
	if err != nil {
		return err
	}
	if p.Needed > 0 {
		sayPending(t, p.Gate)
		return nil
	}
	sayGate(t, g)
	sayInShadow(t, g, o.Shadow)
	if closers, _ := closersOf(g); o.Hold == "" && len(closers) > 0 && closers[0].Cause == machine.ByRule {
		t.Printf("  what came after you read it closed it again: look at it anew\n")
	}
	return nil
}

// sayInShadow names the rules that do not close a gate now, and those that were to
// be of them and are not: of two people, both have to say so.
func sayInShadow(t *term.Terminal, g api.Gate, wanted *shadowOrder) {
	for _, s := range g.InShadow {
		t.Printf("  rule %s is in shadow here until %s, by %s: it neither closes this gate nor holds payments at it\n", term.Line(s.Rule), term.When(s.Until), term.Line(s.By))
	}
	if wanted == nil {
		return
	}
	for _, name := range wanted.Rules {
		if !slices.ContainsFunc(g.InShadow, func(s api.InShadow) bool { return name == s.Rule || name == s.Group+"/"+s.Rule }) {
			t.Printf("  rule %s is NOT in shadow here: it may close this gate, or hold payments at it\n", term.Line(name))
		}
	}
}

// sayLifting shows what an opening is about to lift.
func sayLifting(t *term.Terminal, g api.Gate, hold string) {
	for _, h := range g.Holds {
		if h.Cause != machine.ByParent && (hold == "" && h.Match == nil || hold == h.ID) {
			t.Printf("lifting hold %s by %s, since %s\n", term.Line(h.ID), term.Line(holdText(h)), term.When(h.Since))
		}
	}
}

func gateOrder(ctx context.Context, c *client.Client, name, path, what string, o order) (api.Gate, error) {
	var g api.Gate
	_, err := c.Decide(ctx, client.Decision{Path: path, Body: o, What: what, Look: "tomeishi gate show " + name}, &g)
	return g, err
}

// sayGate says in one line how a gate stands after a decision.
func sayGate(t *term.Terminal, g api.Gate) {
	word := "open"
	if g.State == "closed" {
		word = "CLOSED"
	}
	t.Printf("%s is %s, epoch %d\n", term.Line(g.Name), t.State(word), g.Epoch)
	for _, h := range g.Holds {
		t.Printf("  hold %s by %s\n", term.Line(h.ID), term.Line(holdText(h)))
	}
}
