package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const gateShowLong = `Show one gate: its state, since when, held by which rule or person, on which
evidence, and what opens it.

  tomeishi gate show demo/withdrawals
  tomeishi gate demo/withdrawals`

func newGateShow(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show one gate and why it is closed", Long: gateShowLong, Args: takes("NAME")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		var g api.Gate
		raw, err := c.get(cmd.Context(), path, &g)
		if err != nil || *asJSON {
			return orJSON(t, raw, err)
		}
		t.showGate(g, c.evidenceOf(cmd.Context(), g))
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
func (c *client) evidenceOf(ctx context.Context, g api.Gate) evidence {
	e := evidence{alerts: map[string]api.Alert{}}
	if !slices.ContainsFunc(g.Holds, func(h report.Hold) bool { return h.Alert != "" }) {
		return e
	}
	var standing struct {
		Data struct {
			Alerts []api.Alert `json:"alerts"`
		} `json:"data"`
	}
	if _, e.err = c.get(ctx, "/api/v1/alerts", &standing); e.err != nil {
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
		if _, e.err = c.get(ctx, incidentPath(h.Incident), &in); e.err != nil {
			return e
		}
		for _, a := range in.Detail {
			e.alerts[a.ID] = a
		}
	}
	return e
}

func (t *terminal) showGate(g api.Gate, e evidence) {
	word := g.State
	if word == "closed" {
		word = "CLOSED"
	}
	t.printf("%s is %s   mode %s, epoch %d, cell %s\n", g.Name, t.state(word), g.Mode, g.Epoch, short(line(g.Cell)))
	if g.WouldBe != "" {
		t.printf("  in shadow: if it were enforced it would be %s\n", line(g.WouldBe))
	}
	for _, h := range g.Holds {
		t.showHold(h, e)
	}
	t.showHeld(g.Held)
	t.showAgreed(g)
	t.showOpening(g)
}

func (t *terminal) showHold(h report.Hold, e evidence) {
	t.printf("\n  hold %s by %s since %s\n", line(h.ID), line(holder(h)), when(h.Since))
	if h.Match != nil {
		t.printf("    only for    %s\n", line(matchText(h.Match)))
	}
	if h.Reason != "" {
		t.printf("    reason      %s\n", line(h.Reason))
	}
	if h.Incident != "" {
		t.printf("    incident    %s\n", line(h.Incident))
	}
	if h.Alert == "" {
		return
	}
	a, ok := e.alerts[h.Alert]
	switch {
	case ok:
		t.showAlert(a, "    ")
	case e.err != nil:
		t.printf("    alert       %s (its evidence cannot be read now: %s)\n", line(h.Alert), line(e.err.Error()))
	default:
		t.printf("    alert       %s (no longer kept)\n", line(h.Alert))
	}
}

// maxShown bounds the evidence on a screen; --json has all of it.
const maxShown = 10

func (t *terminal) showAlert(a api.Alert, indent string) {
	state := a.State
	if a.Cause != "" {
		state += ": " + a.Cause
	}
	t.printf("%salert       %s %s, %s, since %s\n", indent, line(a.ID), line(a.Labels["alertname"]), line(state), when(a.Since))
	if len(a.Evidence) == 0 {
		return
	}
	shown := a.Evidence[max(0, len(a.Evidence)-maxShown):]
	more := ""
	if a.Total > len(shown) {
		more = ", the latest " + strconv.Itoa(len(shown))
	}
	t.printf("%sevidence    %s%s\n", indent, count(a.Total, "event"), more)
	for _, ref := range shown {
		t.printf("%s            %s\n", indent, line(ref))
	}
}

// showOpening says what opens the gate, as commands to copy.
func (t *terminal) showOpening(g api.Gate) {
	if len(g.Holds) == 0 {
		return
	}
	t.printf("\nWhat opens it:\n")
	parents := []string{}
	var own, byRule bool
	for _, h := range g.Holds {
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
		t.printf("  tomeishi gate open %s --reason 'WHY IT IS SAFE'%s\n", g.Name, verdict)
		t.showApprovals(g.Open)
	}
	for _, p := range parents {
		t.printf("  its parent has to open: tomeishi gate show %s\n", line(p))
	}
	if byRule {
		t.printf("  %s\n", strings.TrimSpace(`
  With verdict false, what was seen until now never counts toward a close again.`))
	}
}
