package message

import (
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// Built-in alerts of which a page says more than others.
const (
	automaticOff = "AutomaticOff"
	gateClosed   = "GateClosed"
	openedAlone  = "OpenedAlone"
)

// runbooks is where it says what to do about a built-in alert.
const runbooks = "https://github.com/tomeishi/tomeishi/blob/main/rules/examples/RUNBOOKS.md#"

// builtIn are the annotations of an alert about Tomeishi itself.
func (w *Words) builtIn(a machine.Alert) map[string]string {
	out := map[string]string{"runbook_url": runbooks + strings.ToLower(a.Rule)}
	if text := w.Record(a.About); text != "" {
		out["summary"] = text
	}
	return out
}

// differs says in which fields events of one id differ, and what to write if that is
// meant.
func (w *Writer) differs(words *Words, a machine.Alert) string {
	if a.About.Kind != record.AboutIDReused || w.o.Differ == nil {
		return ""
	}
	fields := w.o.Differ(a.Evidence)
	if len(fields) == 0 {
		return ""
	}
	set, _ := w.o.Machine.LiveSet()
	var varies []string
	for _, f := range fields[:min(len(fields), maxNamed)] {
		name, ok := strings.CutPrefix(f, "data.")
		if !ok || set.Reads(a.Label("type"), name) {
			varies = nil // what a rule counts by may not vary
			break
		}
		varies = append(varies, name)
	}
	line := ""
	if len(varies) > 0 {
		line = "events: {" + a.Label("type") + ": {varies: [" + strings.Join(varies, ", ") + "]}}"
	}
	return words.Record(record.New(record.AboutIDDiffers, strings.Join(fields[:min(len(fields), maxNamed)], ", "), line))
}

// builtInChoices are what can be done about built-in alerts, beside what their
// runbook says.
func (p *page) builtInChoices() []string {
	if !isBuiltIn(p.alert) {
		return nil
	}
	switch p.alert.Rule {
	case automaticOff:
		return []string{p.words.T("Switch automatic effects on again as soon as it is safe")}
	case openedAlone:
		return []string{p.words.T("Close gate %s by hand if it should be closed", p.alert.Label("gate"))}
	}
	return nil
}
