package operate

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const eventsLong = `List the types of events that have come, those first that no rule reads: an event of
a type that is spelled otherwise than in the rules counts for nothing.

  tomeishi events --types
  tomeishi events --types --json | jq -r '.types[] | select(.rules == 0) | .type'`

func newEvents(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{Use: "events --types", Short: "List the types of events that have come", Long: eventsLong, Args: term.Takes()}
	s.Flags(cmd.Flags())
	asJSON := term.JSONFlag(cmd)
	types := cmd.Flags().Bool("types", false, "list the types of events")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*types {
			return term.ErrNotYet // single events
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list typeList
		raw, err := c.Get(cmd.Context(), "/v1/events/types", &list)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		showTypes(t, list)
		return nil
	}
	return cmd
}

// typeList is the answer to GET /v1/events/types.
type typeList struct {
	Types  []api.EventType `json:"types"`
	Others uint64          `json:"other_events"`
}

func showTypes(t *term.Terminal, list typeList) {
	if len(list.Types) == 0 {
		t.Printf("no events have come yet\n")
		return
	}
	rows := [][]string{{"TYPE", "RULES", "EVENTS", "LAST", "FIRST FROM", "NEAREST"}}
	for _, e := range list.Types {
		read := strconv.Itoa(e.Rules)
		if e.Rules == 0 {
			read = "NONE"
		}
		rows = append(rows, []string{term.Line(e.Type), read, term.Number(e.Events), term.When(e.Last), term.Line(e.Source), term.OrDash(term.Line(e.Nearest))})
	}
	t.Table(rows...)
	if list.Others > 0 {
		t.Printf("and %s of further types\n", term.Plural(list.Others, "event"))
	}
}

// unreadText names types of events that no rule reads.
func unreadText(s api.Status) string {
	if s.UnreadTypes == 0 {
		return ""
	}
	var list []string
	for _, e := range s.Unread {
		name := e.Type
		if e.Nearest != "" {
			name += " (" + e.Nearest + "?)"
		}
		list = append(list, name)
	}
	return "; " + term.Count(s.UnreadTypes, "type") + " that no rule reads: " + firstFew(list)
}
