package web

import (
	"cmp"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// maxSteps bounds the lines of a timeline on one page; the newest are shown.
const maxSteps = 300

// A step is one line of a timeline.
type step struct {
	At    int64
	Actor string // empty: it happened by itself
	Kind  string // names its icon
	Text  any    // string or template.HTML
}

// phrases are what the machine writes into timelines, and how people say it.
// Groups of a pattern are the arguments of the text, in its order.
var phrases = []struct {
	kind    string
	pattern *regexp.Regexp
	text    string
}{
	{"critical", regexp.MustCompile(`^alert (a\d+) (\S+)$`), "Alert %s began: %s"},
	{"ok", regexp.MustCompile(`^alert (a\d+) ended: (.*)$`), "Alert %s ended: %s"},
	{"closed", regexp.MustCompile(`^gate (\S+) closed, hold (h\d+) by ([^:]+)$`), "Gate %s closed, hold %s by %s"},
	{"closed", regexp.MustCompile(`^gate (\S+) closed, hold (h\d+) by ([^:]+): ((?s).*)$`), "Gate %s closed, hold %s by %s: %s"},
	{"open", regexp.MustCompile(`^gate (\S+) opened: ((?s).*)$`), "Gate %s opened: %s"},
	{"open", regexp.MustCompile(`^gate (\S+) opened, as (.+?) agreed: ((?s).*)$`), "Gate %s opened, as %s agreed: %s"},
	{"open", regexp.MustCompile(`^gate (\S+) opened, as (.+?) agreed, verdict (\w+): ((?s).*)$`), "Gate %s opened, as %s agreed (%s): %s"},
	{"open", regexp.MustCompile(`^gate (\S+) opened alone, verdict (\w+): ((?s).*)$`), "Gate %s opened alone (%s): %s"},
	{"person", regexp.MustCompile(`^agrees to open gate ([^\s,:]+): ((?s).*)$`), "Agrees to open gate %s: %s"},
	{"person", regexp.MustCompile(`^agrees to open gate ([^\s,:]+), verdict (\w+): ((?s).*)$`), "Agrees to open gate %s (%s): %s"},
	{"closed", regexp.MustCompile(`^the verdict (\w+) was given before hold (h\d+): another is needed$`), "The verdict %s was given before hold %s: another is needed"},
	{"auto", regexp.MustCompile(`^the verdict (\w+) was given before effect (e\d+): another is needed$`), "The verdict %s was given before effect %s: another is needed"},
	{"silent", regexp.MustCompile(`^alert (a\d+) no longer fires, but nobody is heard who could say that it is over$`), "Alert %s no longer fires, but nobody is heard who could say that it is over"},
	{"auto", regexp.MustCompile(`^effect (e\d+) verified: (.*)$`), "Effect %s verified: %s"},
	{"person", regexp.MustCompile(`^effect (e\d+) approved$`), "Effect %s approved"},
	{"auto", regexp.MustCompile(`^effect (e\d+) (\S+) \((\w+)\): (.*)$`), "Effect %s, %s (%s): %s"},
	{"person", regexp.MustCompile(`^verdict (\w+)$`), "Verdict: %s"},
	{"person", regexp.MustCompile(`^verdict (\w+): ((?s).*)$`), "Verdict: %s, %s"},
	{"ok", regexp.MustCompile(`^incident ended: (\w+)$`), "Incident ended: %s"},
}

// steps are the timeline of an incident, and who was told, the newest first.
func (w *Web) steps(t *message.Words, in machine.Incident) []step {
	out := make([]step, 0, len(in.Log)+len(in.Told))
	for _, s := range in.Log[max(0, len(in.Log)-maxSteps):] {
		out = append(out, phrase(t, s))
	}
	for _, n := range in.Told[max(0, len(in.Told)-maxSteps):] {
		out = append(out, w.toldStep(t, n))
	}
	slices.SortStableFunc(out, func(a, b step) int { return cmp.Compare(a.At, b.At) })
	slices.Reverse(out)
	return out[:min(len(out), maxSteps)]
}

// toldStep is a notification that its receiver took.
func (w *Web) toldStep(t *message.Words, n entry.Notification) step {
	var names []string
	for _, id := range n.Alerts {
		if a, ok := w.o.Machine.AlertView(id); ok && !slices.Contains(names, a.Rule) {
			names = append(names, a.Rule)
		}
	}
	if len(names) > 0 {
		return step{n.At, "", "bell", t.T("Told %s (%s) of %s: %d firing, %d resolved", n.Receiver, n.Integration, strings.Join(names, ", "), n.Firing, n.Resolved)}
	}
	return step{n.At, "", "bell", t.T("Told %s (%s): %d firing, %d resolved", n.Receiver, n.Integration, n.Firing, n.Resolved)}
}

// phrase says one line of the machine's; one that is not known as it stands.
func phrase(t *message.Words, s machine.Step) step {
	for _, p := range phrases {
		found := p.pattern.FindStringSubmatch(s.Text)
		if found == nil {
			continue
		}
		args := make([]any, 0, len(found)-1)
		for _, f := range found[1:] {
			args = append(args, linked(t, f))
		}
		return step{s.At, s.Actor, p.kind, say(t, p.text, args)}
	}
	kind := "info"
	if s.Actor != "" {
		kind = "person"
	}
	return step{s.At, s.Actor, kind, s.Text}
}

var alertID = regexp.MustCompile(`^a\d+$`)

// linked is an argument of a line: a link where it names an alert, the word
// where it is one of ours.
func linked(t *message.Words, text string) any {
	switch text {
	case machine.VerdictReal, machine.VerdictFalse, machine.VerdictTest:
		return verdict(t, text)
	case "shadow", "approve", "enforce":
		return mode(t, text)
	}
	if of := known(t, text); of != text {
		return of
	}
	if alertID.MatchString(text) {
		return template.HTML(`<a href="/alerts/` + text + `">` + text + `</a>`)
	}
	return strings.TrimSpace(text)
}

// known is one of the machine's own sentences in the language; another text as
// it stands.
func known(t *message.Words, text string) string {
	switch text {
	case "gate closed":
		return t.T("gate closed")
	case "waits for a person's approval":
		return t.T("waits for a person's approval")
	case "automatic effects are off: waits for a person's approval":
		return t.T("automatic effects are off: waits for a person's approval")
	case "shadow: would have closed the gate":
		return t.T("shadow: would have closed the gate")
	case "no longer true":
		return t.T("no longer true")
	case "withdrawn":
		return t.T("withdrawn")
	case "rule removed":
		return t.T("rule removed")
	case "heard again":
		return t.T("heard again")
	}
	if actor, ok := strings.CutPrefix(text, "opened by "); ok {
		return t.T("opened by %s", actor)
	}
	if found := confirmed.FindStringSubmatch(text); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			return t.T("gate closed; %d agents confirmed, no other can let a payment pass", n)
		}
	}
	return text
}

// confirmed is what the verifying of a closed gate ends with.
var confirmed = regexp.MustCompile(`^gate closed; (\d+) agents? confirmed, no other can let a payment pass$`)

// verdict says what an incident was.
func verdict(t *message.Words, v string) string {
	switch v {
	case machine.VerdictReal:
		return t.T("real|verdict")
	case machine.VerdictFalse:
		return t.T("false|verdict")
	case machine.VerdictTest:
		return t.T("test|verdict")
	}
	return t.T("none yet|verdict")
}

// mode says how far the machine may go by itself.
func mode(t *message.Words, m string) string {
	switch m {
	case "shadow":
		return t.T("shadow")
	case "approve":
		return t.T("approve|mode")
	case "enforce":
		return t.T("enforce")
	}
	return m
}
