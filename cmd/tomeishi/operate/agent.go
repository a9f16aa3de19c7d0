package operate

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const agentLong = `An agent reports from one host. The collector knows it from the first time that it
is heard until a person says that it will not come back.

  tomeishi agent list
  tomeishi agent forget web3 --reason 'the host was given back'`

func newAgent(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "agent", Short: "List and forget agents", Long: agentLong,
		Args: term.Subcommand, RunE: term.NeedSubcommand,
	}
	s.Flags(cmd.PersistentFlags())
	cmd.AddCommand(newAgentList(t, s), newAgentForget(t, s))
	return cmd
}

// agentList is the answer to GET /v1/agents.
type agentList struct {
	Agents []api.Agent `json:"agents"`
}

const agentListLong = `List the agents: when each was heard last, how far its clock is from the
collector's, how many series it measures, and what is wrong with it.

  tomeishi agent list
  tomeishi agent list --json | jq -r '.agents[] | select(.state != "ok") | .agent'`

func newAgentList(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the agents", Long: agentListLong, Args: term.Takes()}
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list agentList
		raw, err := c.Get(cmd.Context(), "/v1/agents", &list)
		if err != nil || *asJSON {
			return t.OrJSON(raw, err)
		}
		showAgents(t, list.Agents)
		return nil
	}
	return cmd
}

func showAgents(t *term.Terminal, agents []api.Agent) {
	if len(agents) == 0 {
		t.Printf("no agent was heard yet\n")
		return
	}
	rows := [][]string{{"AGENT", "STATE", "HEARD", "CLOCK", "SERIES", "BLOCKS"}}
	for _, a := range agents {
		state, clock := a.State, "-"
		if len(a.Ills) > 0 {
			state = strings.ToUpper(strings.Join(a.Ills, ", "))
		}
		if a.Judged != "" {
			clock = offset(a.Offset)
		}
		rows = append(rows, []string{term.Line(a.Agent), term.Line(state), heard(a.Heard), clock, strconv.Itoa(a.Series), term.Number(a.Seq)})
	}
	t.Table(rows...)
}

const agentForgetLong = `Say that an agent will not come back: its alerts end, and so do those that stand
only because it is not heard. An agent that is heard cannot be forgotten; one that
speaks again later is known again.

  tomeishi agent forget web3 --reason 'the host was given back'`

func newAgentForget(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{
		Use: "forget AGENT --reason TEXT", Short: "Forget an agent that will not come back",
		Long: agentForgetLong, Args: term.Takes("AGENT"),
	}
	cmd.ValidArgsFunction = names(s, false, agentNames)
	o := &order{}
	o.flags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id := args[0]
		if id == "" {
			return term.Usagef("AGENT is empty: tomeishi agent list names them")
		}
		if err := o.check(); err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		var list agentList
		_, err = c.Decide(cmd.Context(), client.Decision{
			Path: agentPath(id) + "/forget", Body: *o, What: "agent " + id + " was forgotten", Look: "tomeishi agent list",
		}, &list)
		if err != nil {
			return err
		}
		t.Printf("agent %s is forgotten, %s left\n", term.Line(id), term.Count(len(list.Agents), "agent"))
		return nil
	}
	return cmd
}

// agentPath is where an agent is at the collector. Dots are escaped too: a path
// with . or .. in it means another.
func agentPath(id string) string {
	return "/v1/agents/" + strings.ReplaceAll(url.PathEscape(id), ".", "%2E")
}
