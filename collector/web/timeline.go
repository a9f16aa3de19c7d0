package web

import (
	"cmp"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
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

// stepIcons name the icon of each kind of step; a person's have their own.
var stepIcons = map[record.Kind]string{
	record.AlertBegan: "critical", record.AlertEnded: "ok", record.AlertUnheard: "silent", record.IncidentEnded: "ok",
	record.GateClosed: "closed", record.VerdictHold: "closed", record.VerdictEffect: "auto",
	record.HoldPlaced: "closed", record.HoldReleased: "open",
	record.GateOpened: "open", record.OpenedByTwo: "open", record.OpenedAlone: "open",
	record.EffectPlanned: "auto", record.EffectAttempting: "auto", record.EffectApplied: "auto", record.EffectRefused: "warning",
	record.EffectUnknown: "warning", record.EffectObserved: "auto", record.EffectVerified: "auto", record.EffectUndone: "auto",
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

// phrase says one step of the machine's.
func phrase(t *message.Words, s machine.Step) step {
	icon, known := stepIcons[s.Said.Kind]
	switch {
	case !known && s.Actor != "":
		icon = "person"
	case !known:
		icon = "info"
	}
	return step{s.At, s.Actor, icon, linked(t, s.Said)}
}

// alertID is how ids of alerts look: a path that is another names none.
var alertID = regexp.MustCompile(`^a\d+$`)

// linked is a note with links where it names an alert.
func linked(t *message.Words, n record.Note) any {
	parts := t.Parts(n)
	if !slices.ContainsFunc(parts, func(p message.Part) bool { return p.Name == "alert" }) {
		return t.Record(n)
	}
	var b strings.Builder
	for _, p := range parts {
		text := template.HTMLEscapeString(p.Text)
		if p.Name == "alert" {
			text = `<a href="/alerts/` + template.HTMLEscapeString(p.Argument) + `">` + text + `</a>`
		}
		b.WriteString(text)
	}
	return template.HTML(b.String())
}

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
