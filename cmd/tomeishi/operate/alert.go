package operate

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/silence"
)

const alertLong = `An alert is one rule that is true for one set of labels.

  tomeishi alert list
  tomeishi alert list --severity critical`

func newAlert(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "alert", Short: "List alerts", Long: alertLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(newAlertList(t, s))
	return cmd
}

const alertListLong = `List the alerts that stand or are about to, the gravest first and the newest of
those: since when, which incident they belong to, and whether a silence keeps their
notifications back. With --json the collector's whole list is printed.

  tomeishi alert list --severity critical
  tomeishi alert list --json | jq -r '.data.alerts[] | select(.state == "firing") | .labels.alertname'`

func newAlertList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the alerts", Long: alertListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	severity := cmd.Flags().StringSlice("severity", nil, "only those of the severity `S`, such as critical; several with commas")
	completeFlag(cmd, "severity", "critical", "warning", "info")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		alerts, raw, err := alertsOf(cmd.Context(), c)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		shown := slices.Clone(alerts)
		if len(*severity) > 0 {
			shown = slices.DeleteFunc(shown, func(a api.Alert) bool { return !slices.Contains(*severity, a.Labels["severity"]) })
		}
		switch {
		case len(alerts) == 0:
			t.Printf("no alerts\n")
		case len(shown) == 0:
			t.Printf("no alerts of severity %s (%s in all)\n", term.Line(strings.Join(*severity, " or ")), term.Count(len(alerts), "alert"))
		default:
			silences, _, err := silencesOf(cmd.Context(), c)
			showAlerts(t, shown, silences, err)
		}
		return nil
	}
	return cmd
}

// alertsOf are those that stand or are pending, and the answer as it came.
func alertsOf(ctx context.Context, c *client.Client) ([]api.Alert, []byte, error) {
	var list struct {
		Data struct {
			Alerts []api.Alert `json:"alerts"`
		} `json:"data"`
	}
	raw, err := c.Get(ctx, "/api/v1/alerts", &list)
	return list.Data.Alerts, raw, err
}

// showAlerts lists alerts. The error says why the silences are not known.
func showAlerts(t *term.Terminal, alerts []api.Alert, silences []silenceOrder, err error) {
	slices.SortStableFunc(alerts, func(a, b api.Alert) int {
		return cmp.Or(
			gravity(a)-gravity(b), strings.Compare(a.Labels["severity"], b.Labels["severity"]), strings.Compare(since(b), since(a)),
		)
	})
	active := mutings(silences)
	rows := [][]string{{"SEVERITY", "STATE", "SINCE", "INCIDENT", "SILENCED", "WHAT"}}
	for _, a := range alerts {
		state := a.State
		if a.Unheard {
			state += ", unheard"
		}
		silenced := "not known"
		if err == nil {
			silenced = silencedBy(a, active)
		}
		rows = append(rows, []string{
			term.OrDash(term.Line(a.Labels["severity"])), term.Line(state), term.When(since(a)), term.OrDash(term.Line(a.Incident)), silenced, term.Line(saying(a)),
		})
	}
	t.Table(rows...)
	if err != nil {
		t.Notef("whether an alert is silenced is not known: %s\n", term.Plain(err.Error()))
	}
}

// gravity orders severities, the gravest first; what nobody knows comes last.
func gravity(a api.Alert) int {
	known := []string{"critical", "warning", "info"}
	if i := slices.Index(known, a.Labels["severity"]); i >= 0 {
		return i
	}
	return len(known)
}

// since is when an alert's first evidence was.
func since(a api.Alert) string { return cmp.Or(a.Since, a.ActiveAt) }

// saying is an alert in one line.
func saying(a api.Alert) string {
	if s := a.Annotations["summary"]; s != "" {
		return a.Labels["alertname"] + ": " + s
	}
	var labels []string
	for name, value := range a.Labels {
		if !machine.Essential(name) {
			labels = append(labels, name+"="+strconv.Quote(value))
		}
	}
	slices.Sort(labels)
	return strings.TrimSpace(a.Labels["alertname"] + " " + strings.Join(labels, " "))
}

// A muting is an active silence, understood once for all alerts.
type muting struct {
	naming silence.Matchers
	until  string
}

func mutings(silences []silenceOrder) (out []muting) {
	for _, s := range silences {
		// One that is not understood here names none.
		if naming, err := namingOf(s.Matchers); err == nil && s.state() == "active" {
			out = append(out, muting{naming, s.EndsAt})
		}
	}
	return out
}

// silencedBy says until when the alert is silenced.
func silencedBy(a api.Alert, active []muting) string {
	until := ""
	for _, m := range active {
		if m.naming.Names(labelOf(a)) {
			until = max(until, m.until)
		}
	}
	if until == "" {
		return "-"
	}
	return "until " + term.When(until)
}
