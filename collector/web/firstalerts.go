package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// severities are the known ones, the gravest first.
var severities = []string{"critical", "warning", "info"}

// gravity orders severities; one that is not known comes last.
func gravity(severity string) int {
	if i := slices.Index(severities, severity); i >= 0 {
		return i
	}
	return len(severities)
}

// A severity is how many alerts of it stand.
type severity struct {
	Name  string // empty if they name none
	Count int
}

// A group is the alerts of one rule with one severity.
type group struct {
	Rule, Severity string
	Count          int
	Since          int64 // the first evidence of any of them
	Unheard        int   // that stand only because nobody is heard who could end them
	Silenced       int   // for which nobody is told
	Newest         machine.Alert
	Text           string // what the newest says
}

// maxAsked bounds the alerts of which the first page asks whether they are
// silenced; the page of all alerts says it of any.
const maxAsked = 300

// isOwn tells whether an alert is about Tomeishi itself.
func isOwn(a machine.Alert) bool { return a.RuleID == machine.RuleID{} }

// groups are the standing alerts that rules of the operator raised, the gravest
// and the newest first, how many groups are not among them, and the counts.
func (w *Web) groups(alerts []machine.Alert, lang message.Language) (out []group, more int, counts []severity) {
	of := map[[2]string]*group{}
	bySeverity := map[string]int{}
	for _, s := range severities { // also those without an alert, so that nothing moves when one comes
		bySeverity[s] = 0
	}
	for _, a := range alerts {
		if isOwn(a) {
			continue
		}
		key := [2]string{a.Rule, a.Label("severity")}
		g := of[key]
		if g == nil {
			g = &group{Rule: a.Rule, Severity: key[1], Since: a.Since}
			of[key] = g
		}
		g.Count++
		g.Since, g.Newest = min(g.Since, a.Since), a // they come as they were raised
		if a.Unheard != 0 {
			g.Unheard++
		}
		if len(alerts) <= maxAsked && len(w.o.Silences.SilencedBy(a.Labels)) > 0 {
			g.Silenced++
		}
		bySeverity[key[1]]++
	}
	for _, g := range of {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(gravity(a.Severity), gravity(b.Severity)), strings.Compare(a.Severity, b.Severity),
			cmp.Compare(b.Newest.Raised, a.Newest.Raised), strings.Compare(a.Rule, b.Rule),
		)
	})
	more = max(0, len(out)-maxGroups)
	out = out[:len(out)-more]
	for i := range out {
		out[i].Text = w.o.Message.SummaryIn(lang, out[i].Newest)
	}
	names := slices.SortedFunc(maps.Keys(bySeverity), func(a, b string) int {
		return cmp.Or(cmp.Compare(gravity(a), gravity(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		counts = append(counts, severity{name, bySeverity[name]})
	}
	return out, more, counts
}

// A hostMap is all hosts at a glance.
type hostMap struct {
	Named []hostMark // with something wrong, the first of them
	More  int        // with something wrong, that are not named
	All   []hostMark // those without, the first of them
	Rest  int        // those without, that are not shown
	Heard int        // that are heard
	Count int
}

// A hostMark is one host and what is wrong with hearing it.
type hostMark struct {
	ID    string
	Heard int64
	Wrong []string // names of built-in alerts
}

// hostMap sorts the hosts by whether they are heard.
func (w *Web) hostMap(alerts []machine.Alert) (out hostMap) {
	wrong := map[string][]string{}
	for _, a := range alerts {
		if id := a.Label("agent"); id != "" && isOwn(a) && !slices.Contains(wrong[id], a.Rule) {
			wrong[id] = append(wrong[id], a.Rule)
		}
	}
	for _, a := range w.o.Machine.AgentsView() {
		out.Count++
		if !a.Silent {
			out.Heard++
		}
		mark := hostMark{a.ID, a.Heard, wrong[a.ID]}
		switch {
		case len(mark.Wrong) > 0 && len(out.Named) < maxNamed:
			out.Named = append(out.Named, mark)
		case len(mark.Wrong) > 0:
			out.More++
		case len(out.All) < maxMap:
			out.All = append(out.All, mark)
		default:
			out.Rest++
		}
	}
	return out
}
