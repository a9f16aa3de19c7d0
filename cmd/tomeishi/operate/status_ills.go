package operate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// maxLag is how many entries of the ledger the metrics may be behind until
// their rules cannot be relied on.
const maxLag = 1000

// ills are the reasons why not all is well, the worst first.
func ills(s api.Status) (out []string) {
	var covered []string
	if s.Ready != "yes" {
		out = append(out, "not ready: "+s.Ready)
	}
	if s.DiskFull {
		covered = append(covered, "DiskLow")
		if !strings.Contains(s.Ready, "disk is full") {
			out = append(out, "the disk is full: events are refused")
		}
	}
	if s.RuleError != "" {
		covered = append(covered, "ReloadFailed")
		first, _, _ := strings.Cut(s.RuleError, "\n")
		out = append(out, "the last reload of the rules was refused: "+first)
	}
	if len(s.Agents) > 0 && s.LastBeat == "" {
		out = append(out, "no beat of any agent for a minute: nothing shows that events arrive")
	}
	switch m := s.Series; {
	case m == nil:
	case m.Paused:
		out = append(out, "the metrics are not kept until the disk has more room")
	case m.CatchingUp:
		out = append(out, "the metrics are still read from the tape: their rules wait")
	case m.Lag > maxLag:
		out = append(out, "the metrics are "+term.Number(m.Lag)+" entries behind the ledger")
	}
	return append(out, builtInIlls(s.BuiltIn, covered)...)
}

// builtInIlls says of the built-in alerts of each name what they are about.
func builtInIlls(alerts []api.BuiltIn, except []string) (out []string) {
	var names []string
	about := map[string][]string{}
	summary := map[string]string{}
	for _, a := range alerts {
		if machine.Expected(a.Name) || slices.Contains(except, a.Name) {
			continue
		}
		if !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
			summary[a.Name] = a.Summary
		}
		agent, _ := strings.CutPrefix(a.Labels, "agent=")
		about[a.Name] = append(about[a.Name], agent)
	}
	for _, name := range names {
		text := name
		switch list := about[name]; {
		case strings.HasPrefix(name, "Agent") || name == "ClockOff":
			text += " " + firstFew(list)
		case summary[name] != "":
			text += ": " + strings.TrimSuffix(summary[name], ".")
			if more := len(list) - 1; more > 0 {
				text += " (and " + strconv.Itoa(more) + " more)"
			}
		}
		out = append(out, text)
	}
	return out
}

// maxFew bounds what is named in one line.
const maxFew = 4

// firstFew names a few of many.
func firstFew(list []string) string {
	text := strings.Join(list[:min(len(list), maxFew)], ", ")
	if more := len(list) - maxFew; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// sentence joins reasons, of which each may be long.
func sentence(reasons []string) string {
	const most = 160
	var out []string
	for _, r := range reasons {
		if runes := []rune(r); len(runes) > most {
			r = string(runes[:most]) + "…"
		}
		out = append(out, r)
	}
	return strings.Join(out, "; ")
}
