package operate

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// completeTime is how long a shell waits for names.
const completeTime = 2 * time.Second

// completer finds names for an argument.
type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// names completes the first of the arguments by names that the collector has;
// with more, each of them. An error says nothing: the shell shows what is typed.
func names(s *client.Server, more bool, ask func(context.Context, *client.Client) ([]string, error)) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !more {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := s.Dial()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c.Timeout = min(c.Timeout, completeTime)
		found, err := ask(cmd.Context(), c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// then completes the arguments after those of first by the words given.
func then(first completer, words ...string) completer {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		return first(cmd, args, typed)
	}
}

// completeFlag completes a flag's value by the words given.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("tomeishi: " + err.Error()) // there is no such flag
	}
}

// harmless is what a shell can be offered: a name from elsewhere could be more
// than a word to it.
var harmless = regexp.MustCompile(`^[\pL\pN_./:@%+][\pL\pN_./:@%+-]*$`)

// offer adds a name with what is said about it.
func offer(to []string, name, about string) []string {
	if !harmless.MatchString(name) {
		return to
	}
	about = strings.ReplaceAll(term.Line(about), "\t", " ")
	if about == "" {
		return append(to, name)
	}
	return append(to, name+"\t"+about)
}

func gateNames(ctx context.Context, c *client.Client) (found []string, err error) {
	var list gateList
	_, err = c.Get(ctx, "/v1/gates", &list)
	for _, g := range list.Gates {
		found = offer(found, g.Name, g.State)
	}
	return found, err
}

func incidentNames(ctx context.Context, c *client.Client) (found []string, err error) {
	var list struct {
		Incidents []api.Incident `json:"incidents"`
	}
	_, err = c.Get(ctx, "/v1/incidents", &list)
	for _, in := range list.Incidents {
		found = offer(found, in.ID, strings.TrimSpace(in.State+" "+strings.Join(in.Gates, " ")))
	}
	return found, err
}

// silenceNames are those that can be ended.
func silenceNames(ctx context.Context, c *client.Client) (found []string, err error) {
	list, _, err := silencesOf(ctx, c)
	for _, s := range list {
		if s.state() != "expired" {
			found = offer(found, s.ID, matchersText(s.Matchers)+" "+s.Comment)
		}
	}
	return found, err
}

func agentNames(ctx context.Context, c *client.Client) (found []string, err error) {
	var list agentList
	_, err = c.Get(ctx, "/v1/agents", &list)
	for _, a := range list.Agents {
		found = offer(found, a.Agent, a.State)
	}
	return found, err
}

// verdictWords complete a verdict.
func verdictWords() []string {
	return []string{machine.VerdictReal, machine.VerdictFalse, machine.VerdictTest}
}
