package machine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// builtInQuiet is how long after its last occasion a built-in alert ends that
// tells of something which happened.
const builtInQuiet = time.Hour

// runbooks is where it says what to do about a built-in alert.
const runbooks = "https://github.com/tomeishi/tomeishi/blob/main/rules/examples/RUNBOOKS.md#"

// summaries are what built-in alerts say of their first label. The edge says it
// of conditions.
var summaries = map[string]string{
	agentSilent: "Nothing was heard of agent %s for 30 seconds: how its host is doing is not known.",
	agentBlind:  "Blocks of agent %s never came: what they told is not known.",
	agentCloned: "Two senders use the name of agent %s: each needs a name and a data folder of its own.",
	ruleErrors:  "Rule %s could not judge everything that it should have: its last error says why.",
}

// The built-in alerts that the machine raises by itself.
const (
	agentSilent = "AgentSilent"
	agentBlind  = "AgentBlind"
	agentCloned = "AgentCloned"
	clockOff    = "ClockOff"
	ruleErrors  = "RuleErrors"

	gateClosed     = "GateClosed"
	approvalWanted = "ApprovalWanted"
	openedAlone    = "OpenedAlone"
	automaticOff   = "AutomaticOff"
)

// severity is what a built-in alert is to people.
func severity(name string) string {
	switch name {
	case gateClosed, approvalWanted, openedAlone:
		return "critical"
	case watchdog:
		return "none"
	}
	return "warning"
}

// builtIn raises an alert about something that happened to Tomeishi itself, or
// counts one more occasion.
func (m *Machine) builtIn(name string, labels ...Label) {
	a := m.about(name, labels)
	a.Total++
	a.Value = strconv.Itoa(a.Total)
	a.Updated = m.Time
	if !a.Condition {
		m.wake(a, m.Time+int64(builtInQuiet))
	}
}

// about is the standing built-in alert of the name and labels; it is raised if
// there is none.
func (m *Machine) about(name string, labels []Label) *Alert {
	of := m.aboutKey(name, labels)
	a := m.alertOf[of]
	if a == nil {
		a = &Alert{ID: next("a", &m.Last.Alert), Rule: name, Group: "tomeishi", Key: of.key, Since: m.Time, Raised: m.Time, Updated: m.Time}
		summary := ""
		if text := summaries[name]; text != "" && len(labels) > 0 {
			summary = fmt.Sprintf(text, labels[0].Value)
		}
		m.describe(a, summary)
		m.stand(a, append(slices.Clone(labels), Label{Name: "alertname", Value: name}, Label{Name: "severity", Value: severity(name)}))
	}
	return a
}

// describe gives a built-in alert its annotations. They are made anew: views
// share those that were there.
func (m *Machine) describe(a *Alert, summary string) {
	a.Annotations = []Label{{Name: "runbook_url", Value: runbooks + strings.ToLower(a.Rule)}}
	if summary != "" {
		a.Annotations = append(a.Annotations, Label{Name: "summary", Value: summary})
	}
}

// endAbout ends a built-in alert if it stands.
func (m *Machine) endAbout(name, cause string, labels ...Label) {
	if a := m.alertOf[m.aboutKey(name, labels)]; a != nil {
		m.end(a, cause)
	}
}

// endAboutSaying ends a built-in alert if it stands, with another summary: what
// it said until then is no longer true.
func (m *Machine) endAboutSaying(name, cause, summary string, labels ...Label) {
	if a := m.alertOf[m.aboutKey(name, labels)]; a != nil {
		m.describe(a, summary)
		m.end(a, cause)
	}
}

func (m *Machine) aboutKey(name string, labels []Label) alertKey {
	text := []byte(name)
	for _, l := range slices.SortedFunc(slices.Values(labels), compareNames) {
		text = append(text, "\x00"+l.Name+"\x00"+l.Value...)
	}
	return alertKey{key: m.hash(text)}
}

func (a *Alert) builtIn() bool { return a.RuleID == RuleID{} }

// Rendered tells whether the annotations are text as it is, and not templates.
func (a *Alert) Rendered() bool { return a.Metric || a.builtIn() }
