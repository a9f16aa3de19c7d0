package operate

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const incidentLong = `An incident is alerts, holds, effects and decisions that belong together. It ends
when nothing of it stands any more and a person has said what it was.

  tomeishi incident list
  tomeishi incident show i1
  tomeishi incident verdict i1 real --reason 'retry after a timeout paid twice'`

func newIncident(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "incident", Short: "List, show and judge incidents", Long: incidentLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(newIncidentList(t, s), newIncidentShow(t, s), newIncidentVerdict(t, s))
	return cmd
}

func incidentPath(id string) string { return "/v1/incidents/" + url.PathEscape(id) }

const incidentListLong = `List the incidents that are open, newest first; with --all also those that ended.
With --json the collector's whole list is printed.

  tomeishi incident list --all`

func newIncidentList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List incidents", Long: incidentListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	all := cmd.Flags().Bool("all", false, "also those that have ended")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list struct {
			Incidents []api.Incident `json:"incidents"`
		}
		raw, err := c.Get(cmd.Context(), "/v1/incidents", &list)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		rows := [][]string{{"INCIDENT", "STATE", "SINCE", "STANDING", "VERDICT", "GATES", "ALERTS"}}
		for _, in := range list.Incidents {
			if in.State == "ended" && !*all {
				continue
			}
			rows = append(rows, []string{
				in.ID, in.State, term.When(in.Since), strconv.Itoa(in.Standing), term.OrDash(in.Verdict), term.Few(in.Gates), term.Few(in.Alerts),
			})
		}
		if len(rows) == 1 {
			t.Printf("no open incidents (%d in all)\n", len(list.Incidents))
			return nil
		}
		t.Table(rows...)
		return nil
	}
	return cmd
}

const incidentShowLong = `Show one incident: its alerts with their evidence, and its timeline.

  tomeishi incident show i1`

func newIncidentShow(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one incident", Long: incidentShowLong, Args: term.Takes("ID")}
	cmd.ValidArgsFunction = names(s, false, incidentNames)
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var in api.Incident
		raw, err := c.Get(cmd.Context(), incidentPath(args[0]), &in)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		showIncident(t, in)
		return nil
	}
	return cmd
}

func showIncident(t *term.Terminal, in api.Incident) {
	t.Printf("incident %s is %s   verdict %s\n", term.Line(in.ID), term.Line(in.State), term.OrDash(term.Line(in.Verdict)))
	t.Printf("  since       %s\n", term.When(in.Since))
	if in.Ended != "" {
		t.Printf("  ended       %s\n", term.When(in.Ended))
	}
	t.Printf("  gates       %s\n", term.Line(term.Few(in.Gates)))
	t.Printf("  holds       %s\n", term.Line(term.Few(in.Holds)))
	t.Printf("  effects     %s\n", term.Line(term.Few(in.Effects)))
	for _, a := range in.Detail {
		t.Printf("\n")
		if s := a.Annotations["summary"]; s != "" {
			t.Printf("  %s\n", term.Line(s))
		}
		showAlert(t, a, "  ")
	}
	if len(in.Log) > 0 {
		t.Printf("\nTimeline:\n")
	}
	for _, step := range in.Log {
		who := ""
		if step.Actor != "" {
			who = term.Line(step.Actor) + ": "
		}
		t.Printf("  %s  %s%s\n", term.When(step.At), who, term.Line(step.Text))
	}
	if len(in.Told) > 0 {
		t.Printf("\nTold:\n")
	}
	for _, n := range in.Told {
		t.Printf("  %s  %s\n", term.When(n.At), toldText(n))
	}
	if in.State != "ended" && in.Verdict == "" {
		t.Printf("\nSay what it was:\n  tomeishi incident verdict %s real|false|test --reason 'WHAT YOU FOUND'\n", term.Line(in.ID))
	}
}

// toldText says who was told of how much.
func toldText(n api.Told) string {
	text := term.Line(n.Receiver) + " (" + term.Line(n.Integration) + "): "
	switch {
	case n.Resolved == 0:
		return text + term.Count(n.Firing, "alert")
	case n.Firing == 0:
		return text + term.Count(n.Resolved, "alert") + " over"
	}
	return text + term.Count(n.Firing, "alert") + ", " + strconv.Itoa(n.Resolved) + " over"
}

const incidentVerdictLong = `Say what an incident was: real (it happened), false (it did not) or test. A verdict
opens no gate.

  tomeishi incident verdict i1 false --reason 'the exporter counted a sweep'`

func newIncidentVerdict(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "verdict ID real|false|test", Short: "Say what an incident was",
		Long: incidentVerdictLong, Args: term.Takes("ID", "real|false|test"),
	}
	cmd.ValidArgsFunction = then(names(s, false, incidentNames), verdictWords()...)
	reason := cmd.Flags().String("reason", "", "why, in a `TEXT` that others will read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, verdict := args[0], args[1]
		if err := checkVerdict(verdict); err != nil || verdict == "" {
			return term.Usagef("the verdict is real, false or test, not %s", term.Quote(verdict))
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var in api.Incident
		_, err = c.Decide(cmd.Context(), client.Decision{
			Path: incidentPath(id) + "/verdict", Body: order{Verdict: verdict, Reason: *reason},
			What: "the verdict on incident " + id + " was written", Look: "tomeishi incident show " + id,
		}, &in)
		if err != nil {
			return err
		}
		t.Printf("incident %s is %s, verdict %s\n", term.Line(in.ID), term.Line(in.State), term.Line(in.Verdict))
		return nil
	}
	return cmd
}
