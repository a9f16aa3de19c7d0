package message

import (
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// lines are what a page says below its headline.
func (p *page) lines() []Line {
	var out []Line
	say := func(name, text string) {
		if text != "" {
			out = append(out, Line{p.words.T(name), text})
		}
	}
	say("What", p.what)
	say("Details", p.details())
	say("Alert", oneLine(p.alert.ID+" "+p.name(), maxLine))
	for i := range p.around.Gates {
		say("Gate", p.gateLine(&p.around.Gates[i]))
	}
	say("Since", p.sinceLine())
	say("Ended", p.endedLine())
	say("Evidence", p.evidenceLine())
	if !isBuiltIn(p.alert) {
		say("Value", oneLine(p.alert.Value, maxLine))
	}
	for i := range p.around.Gates {
		if g := &p.around.Gates[i]; g.Closed {
			say("Held", p.heldLine(g))
		}
	}
	say("Incident", p.incidentLine())
	say("Done by itself", p.doneLine())
	say("What you can do", p.sentences(p.choices()))
	if runbook := oneLine(p.texts["runbook_url"], maxLine+1); len(runbook) <= maxLine { // half a link leads elsewhere
		say("Runbook", runbook)
	}
	return out
}

// details are what the alert says beside its summary, and for a condition of the
// collector's what it remembers of it.
func (p *page) details() string {
	if text := p.texts["description"]; text != "" {
		return oneLine(text, maxLine)
	}
	return oneLine(p.detail, maxLine)
}

// name is the alert's name and its other labels.
func (p *page) name() string {
	others := make([]machine.Label, 0, len(p.alert.Labels))
	for _, l := range p.alert.Labels {
		if l.Name != "alertname" {
			others = append(others, l)
		}
	}
	return strings.TrimSpace(p.alert.Rule + " " + machine.Text(others))
}

func (p *page) sinceLine() string {
	since := at(p.alert.Since)
	switch {
	case p.alert.Since == 0:
		return p.words.T("not known")
	case p.alert.Ended != 0:
		return p.words.T("%s, lasted %s", p.words.Time(since), p.words.For(at(p.alert.Ended).Sub(since)))
	}
	return p.words.T("%s, %s ago", p.words.Time(since), p.words.For(p.now.Sub(since)))
}

func (p *page) endedLine() string {
	if p.alert.Ended == 0 {
		return ""
	}
	when := p.words.Time(at(p.alert.Ended))
	if p.alert.Cause.IsZero() {
		return when
	}
	return p.words.T("%s: %s|when and why", when, oneLine(p.words.Record(p.alert.Cause), maxLine))
}

// evidenceLine counts the evidence and names the newest of it.
func (p *page) evidenceLine() string {
	if p.alert.Total == 0 || isBuiltIn(p.alert) || p.alert.Metric {
		return ""
	}
	count := p.words.T("%d events", p.alert.Total)
	var names []string
	for _, name := range p.evidence[max(0, len(p.evidence)-maxShown):] {
		names = append(names, oneLine(name, maxLine/2))
	}
	if len(names) == 0 {
		return count
	}
	if before := p.alert.Total - len(names); before > 0 {
		names = append(names, p.words.T("%d before them", before))
	}
	return p.words.T("%s: %s|of", count, p.list(names))
}

// incidentLine says what else belongs to the alert's incident.
func (p *page) incidentLine() string {
	in := p.around.Incident
	if in.ID == "" {
		return p.alert.Incident // it is not kept any more
	}
	parts := []string{in.ID, p.words.T("%d alerts", in.Alerts)}
	if len(in.Others) > 0 {
		parts = append(parts, p.words.T("also %s", oneLine(p.list(in.Others), maxLine/2)))
	}
	if in.Verdict != "" {
		parts = append(parts, p.words.T("verdict %s", p.verdict(in.Verdict)))
	}
	if in.Ended != 0 {
		parts = append(parts, p.words.T("ended"))
	}
	return p.list(parts)
}

func (p *page) verdict(v string) string { return p.words.fixed(v, "|verdict") }
