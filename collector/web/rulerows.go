package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/rules"
)

func uses(of []rules.Use) (out []ruleUse) {
	for _, u := range of {
		out = append(out, ruleUse{u.Mitigation.Name, u.Mitigation.Target, rules.Effective(u.Mode, u.Mitigation.Mode)})
	}
	return out
}

// eventGroups are the event rules, in the order of their files.
func (w *Web) eventGroups(t *message.Words) (out []ruleGroup) {
	views, _, _ := w.o.Machine.RulesView()
	_, _, now := w.o.Machine.At()
	for _, v := range views {
		if n := len(out); n == 0 || out[n-1].File != v.File || out[n-1].Name != v.Group {
			out = append(out, ruleGroup{File: v.File, Name: v.Group})
		}
		row := ruleRow{
			Name: v.Name, Kind: "event", State: "inactive", Explain: v.Explain(), Standing: v.Standing, LastFired: v.LastFired,
			Uses: uses(v.Mitigate), Counts: &v,
		}
		switch {
		case v.Records:
			row.Kind, row.State = "recording", "recording"
		case v.Standing > 0:
			row.State = "firing"
		}
		if v.RuleStats.Errors > 0 && now.UnixNano()-v.LastErrorAt < int64(errorStands) {
			row.State, row.Problem = "failing", t.Record(v.LastError)
		}
		if !v.Blind.IsZero() {
			row.State, row.Problem = "failing", t.Record(v.Blind)
		}
		g := &out[len(out)-1]
		g.Rows = append(g.Rows, row)
	}
	return out
}

// metricGroups are the rules of PromQL as they were evaluated last, with what
// the machine knows of them; then those of the live set that nobody evaluates
// yet.
func (w *Web) metricGroups() (out []ruleGroup) {
	known := map[[3]string][]machine.MetricRuleView{}
	for _, m := range w.o.Machine.MetricRulesView() {
		key := [3]string{m.File, m.Group, m.Name}
		known[key] = append(known[key], m)
	}
	for _, g := range w.o.Views.Groups() {
		group := ruleGroup{File: g.File, Name: g.Name, Interval: g.Interval, Evaluated: g.LastEvaluation, Took: g.EvaluationTime, Missed: g.Missed}
		for _, rule := range g.Rules {
			row := promRow(rule)
			key := [3]string{g.File, g.Name, rule.Name}
			if of := known[key]; rule.Type == promrule.Alerting && len(of) > 0 {
				row.join(of[0])
				known[key] = of[1:]
			}
			group.Rows = append(group.Rows, row)
		}
		out = append(out, group)
	}
	for _, m := range w.o.Machine.MetricRulesView() {
		key := [3]string{m.File, m.Group, m.Name}
		if !slices.ContainsFunc(known[key], func(of machine.MetricRuleView) bool { return of.MetricRule == m.MetricRule }) {
			continue
		}
		row := ruleRow{Name: m.Name, Kind: "metric", State: "unknown"}
		row.join(m)
		if n := len(out); n == 0 || out[n-1].File != m.File || out[n-1].Name != m.Group {
			out = append(out, ruleGroup{File: m.File, Name: m.Group})
		}
		out[len(out)-1].Rows = append(out[len(out)-1].Rows, row)
	}
	return out
}

// promRow is a rule of PromQL as its evaluation saw it.
func promRow(rule promrule.Rule) ruleRow {
	row := ruleRow{Name: rule.Name, Kind: "metric", State: cmp.Or(rule.State, "unknown"), Explain: strings.Join(strings.Fields(rule.Query), " "), Took: rule.EvaluationTime}
	if rule.Type == promrule.Recording {
		row.Kind, row.State = "recording", "recording"
	}
	for _, a := range rule.Alerts {
		if a.State == "pending" {
			row.Pending++
		}
	}
	switch {
	case rule.Health == "err":
		row.State, row.Problem = "failing", rule.LastError
	case rule.Health == "unknown":
		row.State = "unknown"
	}
	return row
}

// join adds what the machine knows: what stands is for it to say.
func (row *ruleRow) join(m machine.MetricRuleView) {
	row.Explain, row.Standing, row.LastFired, row.Uses = m.Explain(), m.Standing, m.LastFired, uses(m.Mitigate)
	switch {
	case row.State == "failing":
	case m.Standing > 0:
		row.State = "firing"
	case row.State == "firing" && row.Pending > 0:
		row.State = "pending"
	case row.State == "firing":
		row.State = "inactive" // what it found has ended
	}
}

// builtIns are the built-in alerts, as texts of the catalog.
var builtIns = []struct{ name, text string }{
	{"AgentSilent", "Nothing is heard from an agent."},
	{"AgentBlind", "Blocks of an agent never came: what they told is not known."},
	{"AgentCloned", "Two senders use the name of one agent."},
	{"AgentInDoubt", "An agent answers for gates by itself: it does not believe the ledger, or hears nothing of it."},
	{"AgentRefused", "Somebody asks as an agent with a token that is not that agent's."},
	{"ClockOff", "An agent's clock is wrong."},
	{"EventIdReused", "A source used the id of an event for another one."},
	{"EventsSetAside", "Events come from a source that may not report them: they count for nothing."},
	{"EventsLate", "Events came so late that what they count with is read back from the tape."},
	{"AgentsForgotten", "More agents have reported than can be known: the longest silent are forgotten."},
	{"MemoryFull", "Rules remember more than their share of the memory, and nothing is left that they may forget."},
	{"RepeatsForgotten", "More events come than can be told apart: what is sent again may count twice."},
	{"GateClosed", "A gate is closed, whoever closed it, until it is opened."},
	{"NotHeld", "A payment that a rule would hold by itself is not held, and waits for approval."},
	{"UnnamedHeld", "Payments are refused only because the asks leave out what a hold names."},
	{"GateUnguarded", "A gate is in enforce, and no rule can close it or hold payments at it."},
	{"AutomaticOff", "A person has stopped all automatic effects."},
	{"RuleInShadow", "A person keeps a rule from closing a gate, for a while."},
	{"NotifyFailing", "People cannot be told by one of the ways."},
	{"RuleErrors", "A rule could not judge everything that it should have."},
	{"RuleBlind", "Events come that a rule should read and cannot: they count for nothing."},
	{"ReloadFailed", "The rule files or the configuration could not be loaded again."},
	{"DiskLow", "The collector's disk is nearly full."},
	{"DiskFull", "The collector's disk is full: events are refused."},
	{"LedgerTimeOff", "Ledger time is not the time of this host's clock."},
	{watchdog, "It always stands, to show that people can be told."},
}

// builtInRules are the alerts about Tomeishi itself.
func (w *Web) builtInRules() (out []ruleRow) {
	standing, last := map[string]int{}, map[string]int64{}
	for _, a := range w.o.Machine.AlertsView() {
		if isOwn(a) {
			standing[a.Rule]++
			last[a.Rule] = max(last[a.Rule], a.Raised)
		}
	}
	for _, b := range builtIns {
		row := ruleRow{Name: b.name, Kind: builtInKind, State: "inactive", Explain: b.text, Standing: standing[b.name], LastFired: last[b.name]}
		if row.Standing > 0 {
			row.State = "firing"
		}
		out = append(out, row)
	}
	return out
}
