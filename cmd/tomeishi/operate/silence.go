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
)

const silenceLong = `A silence keeps notifications back for the alerts that all its matchers name, until
it ends. It disarms nothing: gates close all the same.

  tomeishi silence add alertname=HostDiskFull 'instance=~"db.*"' --for 2h --comment 'new disks at ten'
  tomeishi silence list
  tomeishi silence expire 8c1a2f60-5a3c-4d4b-9d5b-0f5f0c6a7e11`

func newSilence(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "silence", Short: "Make, list and end silences", Long: silenceLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(newSilenceAdd(t, s), newSilenceList(t, s), newSilenceExpire(t, s))
	return cmd
}

const (
	silencesPath = "/alertmanager/api/v2/silences"
	silencePath  = "/alertmanager/api/v2/silence/"
)

// silence as Alertmanager's API has it.
type silenceOrder struct {
	ID        string    `json:"id,omitempty"`
	Matchers  []matcher `json:"matchers"`
	StartsAt  string    `json:"startsAt"` // RFC 3339
	EndsAt    string    `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"` // pending, active, expired
	} `json:"status,omitempty"`
}

func (s silenceOrder) state() string {
	if s.Status == nil {
		return ""
	}
	return s.Status.State
}

const silenceAddLong = `Make a silence. It keeps notifications back for the alerts that all matchers name:
NAME=VALUE, NAME!=VALUE, NAME=~REGEXP, NAME!~REGEXP (the whole value has to match).
Quote matchers, so that the shell leaves them as they are. Which standing alerts it
matches is said at once.

  tomeishi silence add alertname=HostDiskFull 'instance=~"db.*"' --for 2h --comment 'new disks at ten'
  tomeishi silence add 'instance=web3' --start 2026-11-22T01:00:00Z --for 30m --comment 'kernel update'`

func newSilenceAdd(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add MATCHER… --for DURATION --comment TEXT", Short: "Make a silence", Long: silenceAddLong,
		Args: term.AtLeastOne("MATCHER"),
	}
	span := cmd.Flags().String("for", "", "how long it lasts, a `DURATION` such as 30m, 2h or 1d")
	start := cmd.Flags().String("start", "", "when it begins, a `TIME` such as 2026-11-22T01:00:00Z (default: now)")
	comment := cmd.Flags().String("comment", "", "why, in a `TEXT` that others will read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		order, err := newSilenceOrder(args, *span, *start, *comment, time.Now())
		if err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var made struct {
			ID string `json:"silenceID"`
		}
		_, err = c.Decide(cmd.Context(), client.Decision{
			Path: silencesPath, Body: order, What: "the silence was made", Look: "tomeishi silence list",
		}, &made)
		if err != nil {
			return err
		}
		t.Printf("silence %s of %s ends %s\n", term.Line(made.ID), term.Line(matchersText(order.Matchers)), term.When(order.EndsAt))
		sayMatched(cmd.Context(), t, c, order)
		return nil
	}
	return cmd
}

// newSilenceOrder is the silence that was asked for.
func newSilenceOrder(args []string, span, start, comment string, now time.Time) (silenceOrder, error) {
	matchers, err := parseMatchers(args)
	if err != nil {
		return silenceOrder{}, err
	}
	if span == "" {
		return silenceOrder{}, term.Usagef("--for is missing: say how long, such as --for 2h")
	}
	if strings.TrimSpace(comment) == "" {
		return silenceOrder{}, term.Usagef("--comment is missing: say why, others will read it")
	}
	lasts, err := term.Length("--for", span)
	if err != nil {
		return silenceOrder{}, err
	}
	from, err := term.Moment("--start", start, now)
	if err != nil {
		return silenceOrder{}, err
	}
	if !from.Add(lasts).After(now) {
		return silenceOrder{}, term.Usagef("it would have ended %s: --start %s and --for %s are in the past", term.Ago(now.Sub(from.Add(lasts))), start, span)
	}
	return silenceOrder{
		Matchers: matchers, Comment: comment, // who makes it is the collector's to say
		StartsAt: from.UTC().Format(time.RFC3339Nano), EndsAt: from.Add(lasts).UTC().Format(time.RFC3339Nano),
	}, nil
}

// maxMatched bounds the alerts that are named after a silence was made.
const maxMatched = 20

// sayMatched names the standing alerts that a silence matches.
func sayMatched(ctx context.Context, t *term.Terminal, c *client.Client, s silenceOrder) {
	alerts, _, err := alertsOf(ctx, c)
	if err != nil {
		t.Printf("which standing alerts it matches is not known: %s\n", term.Line(err.Error()))
		return
	}
	naming, err := namingOf(s.Matchers)
	if err != nil {
		t.Printf("which standing alerts it matches is not known: %s\n", term.Line(err.Error()))
		return
	}
	alerts = slices.DeleteFunc(alerts, func(a api.Alert) bool { return a.State != "firing" || !naming.Names(labelOf(a)) })
	if len(alerts) == 0 {
		t.Printf("no standing alert matches it now\n")
		return
	}
	t.Printf("it matches %s now:\n", term.Count(len(alerts), "standing alert"))
	for i, a := range alerts {
		if i == maxMatched {
			t.Printf("  and %d more\n", len(alerts)-i)
			return
		}
		t.Printf("  %s  %s\n", term.Line(a.ID), term.Line(saying(a)))
	}
}
