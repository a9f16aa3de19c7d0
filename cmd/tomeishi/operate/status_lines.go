package operate

import (
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

func gatesLine(t *term.Terminal, s api.Status) string {
	text := term.Count(s.Gates, "gate") + ", none closed"
	if len(s.Closed) > 0 {
		text = strconv.Itoa(len(s.Closed)) + " of " + term.Count(s.Gates, "gate") + " " + t.State("CLOSED") + ": " + term.Line(firstFew(s.Closed))
	}
	if len(s.Shadow) > 0 {
		text += "; only in shadow: " + term.Line(firstFew(s.Shadow))
	}
	if until, off := strings.CutPrefix(s.Automatic, "off until "); off {
		text += "; automatic effects " + t.State("OFF") + " until " + term.When(until)
	}
	return text
}

// alertsLine names the gravest alerts that stand.
func alertsLine(s api.Status) string {
	var names []string
	for _, a := range s.Standing {
		name := a.Name
		if a.Count > 1 {
			name += " " + strconv.Itoa(a.Count) + "×"
		}
		if a.Severity == "critical" {
			name += " (critical)"
		}
		names = append(names, name)
	}
	text := strconv.Itoa(s.Alerts) + " standing"
	if len(names) > 0 {
		text += ": " + firstFew(names)
	}
	return text + "; " + term.Count(s.Incidents, "open incident")
}

// agentsLine says how many agents are heard, and names those with which
// something is wrong.
func agentsLine(agents []api.Agent) string {
	if len(agents) == 0 {
		return "none heard yet"
	}
	silent := 0
	named := map[string][]string{}
	for _, a := range agents {
		for _, ill := range a.Ills {
			if ill == "silent" {
				silent++
			}
			named[ill] = append(named[ill], a.Agent+illText(a, ill))
		}
	}
	parts := []string{strconv.Itoa(len(agents)-silent) + " of " + strconv.Itoa(len(agents)) + " heard"}
	if len(agents) == 1 && silent == 0 {
		parts[0] += ": " + agents[0].Agent + " " + heard(agents[0].Heard)
	}
	for _, ill := range []string{"cloned", "silent", "blind", "clock off"} {
		if len(named[ill]) > 0 {
			parts = append(parts, strings.ToUpper(ill)+": "+firstFew(named[ill]))
		}
	}
	return strings.Join(parts, "; ")
}

// illText is what there is to know of one agent's ill.
func illText(a api.Agent, ill string) string {
	switch {
	case ill == "silent":
		return " (heard " + heard(a.Heard) + ")"
	case ill == "blind" && len(a.Blind) > 0:
		return " (" + term.Count(len(a.Blind), "range") + ")"
	case ill == "clock off":
		return " (" + offset(a.Offset) + ")"
	}
	return ""
}

// offset is how far a clock is ahead (+) or behind.
func offset(s float64) string {
	text := seconds(s)
	if s > 0 {
		return "+" + text
	}
	return text
}

func seconds(s float64) string { return chart.Unit{Kind: chart.Seconds}.Format(s) }

func rulesLine(s api.Status) string {
	text := strconv.Itoa(s.Rules) + " on events, " + strconv.Itoa(s.Metrics) + " on metrics, " + strconv.Itoa(s.Recording) + " recording; live since " + term.When(s.RulesLive)
	if s.Missed > 0 {
		text += "; " + term.Plural(s.Missed, "evaluation") + " MISSED"
	}
	if s.Failing > 0 && len(s.Failures) > 0 {
		text += "; " + strconv.Itoa(s.Failing) + " FAILING, the first is " + s.Failures[0].Rule + ": " + sentence([]string{s.Failures[0].Error})
	}
	return text
}

func seriesLine(s api.SeriesStatus) string {
	text := term.Number(s.Count) + " in memory, " + chart.Unit{}.Format(s.Rate) + " samples/s"
	switch {
	case s.Paused:
		text += "; PAUSED, the disk is nearly full"
	case s.CatchingUp:
		text += "; CATCHING UP, " + term.Number(s.Lag) + " entries behind"
	case s.Lag > maxLag:
		text += "; " + term.Number(s.Lag) + " entries BEHIND the ledger"
	}
	return text
}

func dataLine(s api.Status) string {
	text := s.Data
	if s.DiskSize > 0 {
		unit := chart.Unit{Kind: chart.Bytes}
		text += ", " + unit.Format(float64(s.DiskFree)) + " of " + unit.Format(float64(s.DiskSize)) + " free"
	}
	if s.DiskFull {
		text += " (disk FULL)"
	}
	return text
}

func heard(stamp string) string {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return term.Line(stamp)
	}
	return term.Ago(time.Since(at))
}
