package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/collector/api"
)

const incidentLong = `An incident is alerts, holds, effects and decisions that belong together. It ends
when nothing of it stands any more and a person has said what it was.

  tomeishi incident list
  tomeishi incident show i1
  tomeishi incident verdict i1 real --reason 'retry after a timeout paid twice'`

func newIncident(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{
		Use: "incident", Short: "List, show and judge incidents", Long: incidentLong,
		Args: subcommand, RunE: needSubcommand,
	}
	s.flags(cmd.PersistentFlags())
	cmd.AddCommand(newIncidentList(t, s), newIncidentShow(t, s), newIncidentVerdict(t, s))
	return cmd
}

func incidentPath(id string) string { return "/v1/incidents/" + url.PathEscape(id) }

const incidentListLong = `List the incidents that are open, newest first; with --all also those that ended.
With --json the collector's whole list is printed.

  tomeishi incident list --all`

func newIncidentList(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List incidents", Long: incidentListLong, Args: takes()}
	asJSON := jsonFlag(cmd)
	all := cmd.Flags().Bool("all", false, "also those that have ended")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		var list struct {
			Incidents []api.Incident `json:"incidents"`
		}
		raw, err := c.get(cmd.Context(), "/v1/incidents", &list)
		if err != nil || *asJSON {
			return orJSON(t, raw, err)
		}
		rows := [][]string{{"INCIDENT", "STATE", "SINCE", "STANDING", "VERDICT", "GATES", "ALERTS"}}
		for _, in := range list.Incidents {
			if in.State == "ended" && !*all {
				continue
			}
			rows = append(rows, []string{
				in.ID, in.State, when(in.Since), strconv.Itoa(in.Standing), orDash(in.Verdict), few(in.Gates), few(in.Alerts),
			})
		}
		if len(rows) == 1 {
			t.printf("no open incidents (%d in all)\n", len(list.Incidents))
			return nil
		}
		t.table(rows...)
		return nil
	}
	return cmd
}

const incidentShowLong = `Show one incident: its alerts with their evidence, and its timeline.

  tomeishi incident show i1`

func newIncidentShow(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one incident", Long: incidentShowLong, Args: takes("ID")}
	cmd.ValidArgsFunction = names(s, false, incidentNames)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		var in api.Incident
		raw, err := c.get(cmd.Context(), incidentPath(args[0]), &in)
		if err != nil || *asJSON {
			return orJSON(t, raw, err)
		}
		t.showIncident(in)
		return nil
	}
	return cmd
}

func (t *terminal) showIncident(in api.Incident) {
	t.printf("incident %s is %s   verdict %s\n", line(in.ID), line(in.State), orDash(line(in.Verdict)))
	t.printf("  since       %s\n", when(in.Since))
	if in.Ended != "" {
		t.printf("  ended       %s\n", when(in.Ended))
	}
	t.printf("  gates       %s\n", line(few(in.Gates)))
	t.printf("  holds       %s\n", line(few(in.Holds)))
	t.printf("  effects     %s\n", line(few(in.Effects)))
	for _, a := range in.Detail {
		t.printf("\n")
		if s := a.Annotations["summary"]; s != "" {
			t.printf("  %s\n", line(s))
		}
		t.showAlert(a, "  ")
	}
	if len(in.Log) > 0 {
		t.printf("\nTimeline:\n")
	}
	for _, step := range in.Log {
		who := ""
		if step.Actor != "" {
			who = line(step.Actor) + ": "
		}
		t.printf("  %s  %s%s\n", when(step.At), who, line(step.Text))
	}
	if len(in.Told) > 0 {
		t.printf("\nTold:\n")
	}
	for _, n := range in.Told {
		t.printf("  %s  %s\n", when(n.At), toldText(n))
	}
	if in.State != "ended" && in.Verdict == "" {
		t.printf("\nSay what it was:\n  tomeishi incident verdict %s real|false|test --reason 'WHAT YOU FOUND'\n", line(in.ID))
	}
}

// toldText says who was told of how much.
func toldText(n api.Told) string {
	text := line(n.Receiver) + " (" + line(n.Integration) + "): "
	switch {
	case n.Resolved == 0:
		return text + count(n.Firing, "alert")
	case n.Firing == 0:
		return text + count(n.Resolved, "alert") + " over"
	}
	return text + count(n.Firing, "alert") + ", " + strconv.Itoa(n.Resolved) + " over"
}

const incidentVerdictLong = `Say what an incident was: real (it happened), false (it did not) or test. A verdict
opens no gate.

  tomeishi incident verdict i1 false --reason 'the exporter counted a sweep'`

func newIncidentVerdict(t *terminal, s *server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "verdict ID real|false|test", Short: "Say what an incident was",
		Long: incidentVerdictLong, Args: takes("ID", "real|false|test"),
	}
	cmd.ValidArgsFunction = then(names(s, false, incidentNames), verdictWords()...)
	reason := cmd.Flags().String("reason", "", "why, in a `TEXT` that others will read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, verdict := args[0], args[1]
		if err := checkVerdict(verdict); err != nil || verdict == "" {
			return usagef("the verdict is real, false or test, not %s", quote(verdict))
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		var in api.Incident
		_, err = c.decide(cmd.Context(), decision{
			path: incidentPath(id) + "/verdict", body: order{Verdict: verdict, Reason: *reason},
			what: "the verdict on incident " + id + " was written", look: "tomeishi incident show " + id,
		}, &in)
		if err != nil {
			return err
		}
		t.printf("incident %s is %s, verdict %s\n", line(in.ID), line(in.State), line(in.Verdict))
		return nil
	}
	return cmd
}
