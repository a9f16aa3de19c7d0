package operate

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const gateLong = `A gate is a named valve in front of something that can be stopped. It is closed
while any hold stands on it. Workers ask it before they pay.

See it, and on which evidence it was closed:
  tomeishi gate show demo/withdrawals

Open it again, saying what it was:
  tomeishi gate open demo/withdrawals --reason 'tested by me' --verdict test

Close it by hand:
  tomeishi gate close demo/withdrawals --reason 'node out of sync'`

func newGate(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use:   "gate [NAME]",
		Short: "Show, close and open gates",
		Long:  gateLong,
		Args:  gateOrSubcommand,
	}
	show := newGateShow(t, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return term.NeedSubcommand(cmd, args)
		}
		return show.RunE(cmd, args)
	}
	cmd.ValidArgsFunction = show.ValidArgsFunction
	cmd.Flags().AddFlag(show.Flags().Lookup("json"))
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(
		newGateList(t, s), show, newGateCheck(t, s), newGateClose(t, s), newGateOpen(t, s), newGateWatch(t, s),
	)
	return cmd
}

// gateOrSubcommand lets `tomeishi gate NAME` stand for show.
func gateOrSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return term.Subcommand(cmd, args)
	}
	return nil
}

// gateList is the answer to GET /v1/gates.
type gateList struct {
	Cell  string     `json:"cell"`
	Epoch uint64     `json:"epoch"`
	Gates []api.Gate `json:"gates"`
}

const gateListLong = `List the gates: closed or open, in which mode, and why.

  tomeishi gate list
  tomeishi gate list --json | jq -r '.gates[] | select(.state == "closed") | .name'`

func newGateList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the gates", Long: gateListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list gateList
		raw, err := c.Get(cmd.Context(), "/v1/gates", &list)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		rows := [][]string{{"GATE", "STATE", "MODE", "EPOCH", "SINCE", "WHY"}}
		for _, g := range list.Gates {
			rows = append(rows, gateRow(g))
		}
		if len(list.Gates) == 0 {
			t.Printf("no gates: define one under gates: in a rule file\n")
			return nil
		}
		t.Table(rows...)
		return nil
	}
	return cmd
}

func gateRow(g api.Gate) []string {
	row := []string{g.Name, strings.ToUpper(g.State), g.Mode, term.Number(g.Epoch), "-", "-"}
	if g.State == "open" {
		row[1] = "open"
	}
	closers, narrow := closersOf(g)
	switch {
	case len(closers) > 0:
		h := closers[0]
		row[4], row[5] = term.When(h.Since), term.Line(holdText(h))
		if more := max(g.Closers, len(closers)) - 1; more > 0 {
			row[5] += " (and " + term.Count(more, "more hold") + ")"
		}
	case len(narrow) == 1:
		row[5] = "holds " + term.Line(matchText(narrow[0].Match)) + ", no others"
	case len(narrow) > 1:
		row[5] = "holds some payments: " + term.Count(len(narrow), "hold") + ", see tomeishi hold list"
	case g.WouldBe != "":
		row[5] = "shadow: would be " + g.WouldBe
	}
	if g.InDoubt > 0 {
		row[5] = strings.TrimPrefix(row[5]+"; in doubt at "+term.Count(g.InDoubt, "agent"), "-; ")
	}
	return row
}

// closersOf are the holds that close a gate, and those on single payments at it.
func closersOf(g api.Gate) (closers, narrow []report.Hold) {
	for _, h := range g.Holds {
		if h.Match == nil {
			closers = append(closers, h)
		} else {
			narrow = append(narrow, h)
		}
	}
	return closers, narrow
}

// holdText says in one line who holds a gate, and why.
func holdText(h report.Hold) string {
	text := holder(h)
	if h.Match != nil {
		text += ", only for " + matchText(h.Match)
	}
	if h.Alerts > 1 {
		text += " because of " + term.Count(h.Alerts, "alert")
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// holder names who put a hold on a gate.
func holder(h report.Hold) string {
	switch h.Cause {
	case machine.ByRule:
		return "rule " + h.By
	case machine.ByParent:
		return "parent gate " + h.By
	case machine.ByRestore:
		return "restore by " + h.By
	}
	return h.By
}

func matchText(match map[string]string) string {
	var parts []string
	for _, k := range report.Matchable {
		if v, ok := match[k]; ok {
			parts = append(parts, k+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// payment names what a hold or a question is about.
type payment map[string]*string

func paymentFlags(f *pflag.FlagSet, what string) payment {
	p := payment{}
	for _, k := range report.Matchable {
		p[k] = f.String(k, "", what+" this `"+strings.ToUpper(k)+"`")
	}
	return p
}

// match is what was named, nil if nothing was.
func (p payment) match() map[string]string {
	out := map[string]string{}
	for k, v := range p {
		if *v != "" {
			out[k] = *v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (p payment) query() string {
	q := url.Values{}
	for k, v := range p.match() {
		q.Set(k, v)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

var gateSegment = regexp.MustCompile(`^[a-z0-9._-]+$`)

// gatePath is where the gate is at the collector.
func gatePath(name string) (string, error) {
	segments := strings.Split(name, "/")
	bad := func(s string) bool {
		return !gateSegment.MatchString(s) || slices.Contains([]string{".", "..", "open", "close", "check"}, s)
	}
	if len(name) > 128 || slices.ContainsFunc(segments, bad) {
		return "", term.Usagef("%s cannot be the name of a gate: it is words of a-z, 0-9, ., _ and - joined by /", term.Quote(name))
	}
	return "/v1/gates/" + name, nil
}
