package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/collector/api"
)

const statusLong = `Say in ten lines whether all is well. Exit code 0 means that Tomeishi does its work;
1 that it is not ready, its disk is full, its rules have an error, or that nobody
answers. A closed gate is not a failure of Tomeishi, but it is shown first.

  tomeishi status
  tomeishi status --hash --json | jq -r .state`

func newStatus(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{Use: "status", Short: "Say whether all is well", Long: statusLong, Args: takes()}
	s.flags(cmd.Flags())
	asJSON := jsonFlag(cmd)
	hash := cmd.Flags().Bool("hash", false, "also the hash of the collector's state, to compare collectors")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		path := "/v1/status"
		if *hash {
			path += "?hash"
		}
		var st api.Status
		raw, err := c.get(cmd.Context(), path, &st)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := t.json(raw); err != nil {
				return err
			}
		} else {
			t.showStatus(c.at, st)
		}
		if len(ills(st)) > 0 {
			return exitCode(exitFailed)
		}
		return nil
	}
	return cmd
}

// ills are the reasons why not all is well.
func ills(s api.Status) (out []string) {
	if s.Ready != "yes" {
		out = append(out, "not ready: "+s.Ready)
	}
	if s.DiskFull && !strings.Contains(s.Ready, "disk is full") {
		out = append(out, "the disk is full: events are refused")
	}
	if s.RuleError != "" {
		first, _, _ := strings.Cut(s.RuleError, "\n")
		out = append(out, "the last reload of the rules was refused: "+first)
	}
	return out
}

func (t *terminal) showStatus(at string, s api.Status) {
	row := func(name, format string, args ...any) {
		t.printf("%-11s "+format+"\n", append([]any{name}, args...)...)
	}
	row("gates", "%s", t.gatesLine(s))
	if bad := ills(s); len(bad) > 0 {
		row("well", "%s: %s", t.state("NO"), line(strings.Join(bad, "; ")))
	} else {
		row("well", "%s", t.state("yes"))
	}
	row("incidents", "%s open, %s standing", strconv.Itoa(s.Incidents), count(s.Alerts, "alert"))
	row("rules", "%s, set %s, live since %s", count(s.Rules, "rule"), orDash(line(s.RuleSet)), when(s.RulesLive))
	row("events", "%d accepted, %s", s.Events, plural(s.Duplicate, "repeat"))
	row("agents", "%s", agentsLine(s.Agents))
	row("ledger", "entry %d, chain %s, ledger time %s", s.Index, short(line(s.Chain)), when(s.Time))
	row("data", "%s%s", line(s.Data), map[bool]string{true: " (disk full)"}[s.DiskFull])
	row("collector", "%s, version %s", line(at), line(s.Version))
	row("cell", "%s", line(s.Cell))
	if s.State != "" {
		row("state", "%s", line(s.State))
	}
}

func (t *terminal) gatesLine(s api.Status) string {
	text := count(s.Gates, "gate") + ", none closed"
	if len(s.Closed) > 0 {
		text = strconv.Itoa(len(s.Closed)) + " of " + count(s.Gates, "gate") + " " + t.state("CLOSED") + ": " + line(strings.Join(s.Closed, " "))
	}
	if len(s.Shadow) > 0 {
		text += "; only in shadow: " + line(strings.Join(s.Shadow, " "))
	}
	return text
}

// maxAgents bounds the agents that are named in the one line for them.
const maxAgents = 5

func agentsLine(rows []api.AgentRow) string {
	if len(rows) == 0 {
		return "none heard yet"
	}
	var parts []string
	for _, a := range rows[:min(len(rows), maxAgents)] {
		text := line(a.Agent) + " heard " + heard(a.Heard)
		if len(a.Blind) > 0 {
			text += ", BLIND in " + count(len(a.Blind), "range")
		}
		if a.Clones > 0 {
			text += ", CLONED " + plural(a.Clones, "time")
		}
		parts = append(parts, text)
	}
	if more := len(rows) - maxAgents; more > 0 {
		parts = append(parts, strconv.Itoa(more)+" more")
	}
	return strings.Join(parts, "; ")
}

func heard(stamp string) string {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return line(stamp)
	}
	return ago(time.Since(at))
}

func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}
