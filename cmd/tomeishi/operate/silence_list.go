package operate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const silenceListLong = `List the silences that are active or will be; with --all also those that have ended
lately. With --json the collector's whole list is printed.

  tomeishi silence list
  tomeishi silence list --json | jq -r '.[] | select(.status.state == "active") | .id'`

func newSilenceList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List silences", Long: silenceListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	all := cmd.Flags().Bool("all", false, "also those that have ended")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		list, raw, err := silencesOf(cmd.Context(), c)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		showSilences(t, list, *all)
		return nil
	}
	return cmd
}

// silencesOf are the collector's, soonest to end first, and the answer as it came.
func silencesOf(ctx context.Context, c *client.Client) (list []silenceOrder, raw []byte, err error) {
	raw, err = c.Get(ctx, silencesPath, &list)
	slices.SortStableFunc(list, func(a, b silenceOrder) int { return strings.Compare(a.EndsAt, b.EndsAt) })
	return list, raw, err
}

func showSilences(t *term.Terminal, list []silenceOrder, all bool) {
	rows := [][]string{{"SILENCE", "STATE", "MATCHERS", "STARTED", "ENDS", "BY", "COMMENT"}}
	for _, s := range list {
		if s.state() == "expired" && !all {
			continue
		}
		rows = append(rows, []string{
			term.Line(s.ID), term.Line(s.state()), term.Line(matchersText(s.Matchers)), term.When(s.StartsAt), term.When(s.EndsAt),
			term.OrDash(term.Line(s.CreatedBy)), term.OrDash(term.Line(s.Comment)),
		})
	}
	if len(rows) == 1 {
		t.Printf("nothing is silenced (%s in all)\n", term.Count(len(list), "silence"))
		return
	}
	t.Table(rows...)
}

const silenceExpireLong = `End silences now: what they kept back is told if it still stands.

  tomeishi silence expire 8c1a2f60-5a3c-4d4b-9d5b-0f5f0c6a7e11`

func newSilenceExpire(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "expire ID…", Short: "End silences", Long: silenceExpireLong, Args: term.AtLeastOne("ID")}
	cmd.ValidArgsFunction = names(s, true, silenceNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if slices.Contains(args, "") {
			return term.Usagef("ID is empty: tomeishi silence list names them")
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		return expireSilences(cmd.Context(), t, c, args)
	}
	return cmd
}

// expireSilences ends one after the other. What came of each is said; the last
// error is returned.
func expireSilences(ctx context.Context, t *term.Terminal, c *client.Client, ids []string) (last error) {
	for _, id := range ids {
		_, err := c.Decide(ctx, client.Decision{
			Method: http.MethodDelete, Path: silencePath + url.PathEscape(id),
			What: "silence " + id + " was ended", Look: "tomeishi silence list --all",
		}, nil)
		if refused, ok := errors.AsType[*client.RefusedError](err); ok && refused.Code == http.StatusNotFound && refused.Text == "" {
			refused.Text = "there is no silence " + id + ": tomeishi silence list names them"
		}
		if last != nil {
			t.Notef("%s\n", term.Plain(last.Error()))
		}
		if last = err; err == nil {
			t.Printf("silence %s has ended\n", term.Line(id))
		}
	}
	return last
}
