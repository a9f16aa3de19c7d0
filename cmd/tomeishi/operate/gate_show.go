package operate

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const gateShowLong = `Show one gate: its state, since when, held by which rule or person, on which
evidence, and what opens it.

  tomeishi gate show demo/withdrawals
  tomeishi gate demo/withdrawals`

func newGateShow(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show one gate and why it is closed", Long: gateShowLong, Args: term.Takes("NAME")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var g api.Gate
		raw, err := c.Get(cmd.Context(), path, &g)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		showGate(t, g, evidenceOf(cmd.Context(), c, g))
		return nil
	}
	return cmd
}

// evidence is what is known of the alerts behind a gate's holds.
type evidence struct {
	alerts map[string]api.Alert
	err    error // why some could not be read
}

// evidenceOf reads the alerts that the gate's holds name: those that stand,
// and those that have ended from their incident.
func evidenceOf(ctx context.Context, c *client.Client, g api.Gate) evidence {
	e := evidence{alerts: map[string]api.Alert{}}
	if !slices.ContainsFunc(g.Holds, func(h report.Hold) bool { return h.Alert != "" }) {
		return e
	}
	var standing struct {
		Data struct {
			Alerts []api.Alert `json:"alerts"`
		} `json:"data"`
	}
	if _, e.err = c.Get(ctx, "/api/v1/alerts", &standing); e.err != nil {
		return e
	}
	for _, a := range standing.Data.Alerts {
		e.alerts[a.ID] = a
	}
	for _, h := range g.Holds {
		if _, ok := e.alerts[h.Alert]; ok || h.Alert == "" || h.Incident == "" {
			continue
		}
		var in api.Incident
		if _, e.err = c.Get(ctx, incidentPath(h.Incident), &in); e.err != nil {
			return e
		}
		for _, a := range in.Detail {
			e.alerts[a.ID] = a
		}
	}
	return e
}

func showGate(t *term.Terminal, g api.Gate, e evidence) {
	word := g.State
	if word == "closed" {
		word = "CLOSED"
	}
	t.Printf("%s is %s   mode %s, epoch %d, cell %s\n", g.Name, t.State(word), g.Mode, g.Epoch, term.Short(term.Line(g.Cell)))
	if g.WouldBe != "" {
		t.Printf("  in shadow: if it were enforced it would be %s\n", term.Line(g.WouldBe))
	}
	if g.InDoubt > 0 {
		t.Printf("  in doubt at %s: there it is answered without the collector's word. See tomeishi alert list\n", term.Count(g.InDoubt, "agent"))
	}
	if len(g.Anew) > 0 {
		t.Printf("  counting anew: %s. Until a whole window has been seen something may be missed\n", term.Line(strings.Join(g.Anew, ", ")))
	}
	sayInShadow(t, g, nil)
	for _, h := range g.Holds {
		showHold(t, h, e)
	}
	if closers, _ := closersOf(g); g.Closers > len(closers) {
		t.Printf("\n  and %s that close it\n", term.Count(g.Closers-len(closers), "more hold"))
	}
	showLargest(t, g)
	showHeld(t, g.Held)
	showAgreed(t, g)
	showOpening(t, g)
}

// showLargest says what a person reads who calls several alerts false.
func showLargest(t *term.Terminal, g api.Gate) {
	if len(g.Largest) == 0 {
		return
	}
	t.Printf("\n  the largest of %s\n", term.Count(g.Alerts, "alert"))
	for _, a := range g.Largest {
		t.Printf("    %s  %s (value %s, %s)\n", term.Line(a.ID), term.Line(saying(a)), term.Line(a.Value), term.Count(a.Total, "event"))
	}
}

func showHold(t *term.Terminal, h report.Hold, e evidence) {
	t.Printf("\n  hold %s by %s since %s\n", term.Line(h.ID), term.Line(holder(h)), term.When(h.Since))
	if h.Match != nil {
		t.Printf("    only for    %s\n", term.Line(matchText(h.Match)))
	}
	if h.Reason != "" {
		t.Printf("    reason      %s\n", term.Line(h.Reason))
	}
	if h.Incident != "" {
		t.Printf("    incident    %s\n", term.Line(h.Incident))
	}
	if h.Alert == "" {
		return
	}
	if h.Alerts > 1 {
		t.Printf("    alerts      %d, the first is\n", h.Alerts)
	}
	a, ok := e.alerts[h.Alert]
	switch {
	case ok:
		showAlert(t, a, "    ")
	case e.err != nil:
		t.Printf("    alert       %s (its evidence cannot be read now: %s)\n", term.Line(h.Alert), term.Line(e.err.Error()))
	default:
		t.Printf("    alert       %s (no longer kept)\n", term.Line(h.Alert))
	}
}

// maxShown bounds the evidence on a screen; --json has all of it.
const maxShown = 10

func showAlert(t *term.Terminal, a api.Alert, indent string) {
	state := a.State
	if a.Cause != "" {
		state += ": " + a.Cause
	}
	t.Printf("%salert       %s %s, %s, since %s\n", indent, term.Line(a.ID), term.Line(a.Labels["alertname"]), term.Line(state), term.When(a.Since))
	if len(a.Evidence) == 0 {
		return
	}
	shown := a.Evidence[max(0, len(a.Evidence)-maxShown):]
	more := ""
	if a.Total > len(shown) {
		more = ", the latest " + strconv.Itoa(len(shown))
	}
	t.Printf("%sevidence    %s%s\n", indent, term.Count(a.Total, "event"), more)
	for _, ref := range shown {
		t.Printf("%s            %s\n", indent, term.Line(ref))
	}
}

// showOpening says what opens the gate, as commands to copy.
func showOpening(t *term.Terminal, g api.Gate) {
	closers, narrow := closersOf(g)
	for _, h := range narrow {
		if h.Cause == machine.ByParent {
			continue
		}
		verdict := ""
		if h.Cause == machine.ByRule {
			verdict = " --verdict real|false|test"
		}
		t.Printf("\nWhat lets %s pass again:\n  tomeishi hold release %s %s --reason 'WHY IT IS SAFE'%s\n", term.Line(matchText(h.Match)), g.Name, term.Line(h.ID), verdict)
		break
	}
	if len(closers) == 0 {
		return
	}
	t.Printf("\nWhat opens it:\n")
	parents := []string{}
	var own, byRule bool
	for _, h := range closers {
		if h.Cause == machine.ByParent {
			if !slices.Contains(parents, h.By) {
				parents = append(parents, h.By)
			}
			continue
		}
		own = true
		byRule = byRule || h.Cause == machine.ByRule
	}
	verdict := ""
	if byRule {
		verdict = " --verdict real|false|test"
	}
	if own {
		t.Printf("  tomeishi gate open %s --reason 'WHY IT IS SAFE'%s\n", g.Name, verdict)
		showApprovals(t, g.Open)
	}
	for _, p := range parents {
		t.Printf("  its parent has to open: tomeishi gate show %s\n", term.Line(p))
	}
	if byRule {
		t.Printf("  %s\n", strings.TrimSpace(`
  With verdict false, what was seen until now never counts toward a close again.`))
	}
}
