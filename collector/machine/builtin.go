package machine

import (
	"slices"
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/collector/record"
)

// builtInQuiet is how long after its last occasion a built-in alert ends that
// tells of something which happened.
const builtInQuiet = time.Hour

// abouts are what built-in alerts say of their first label, where what raises
// them says no more.
var abouts = map[string]record.Kind{
	agentSilent: record.AboutAgentSilent,
	agentBlind:  record.AboutAgentBlind,
	agentCloned: record.AboutAgentCloned,
	ruleErrors:  record.AboutRule,

	gateUnguarded: record.AboutGateUnguarded,
}

// The built-in alerts that the machine raises by itself.
const (
	agentSilent = "AgentSilent"
	agentBlind  = "AgentBlind"
	agentCloned = "AgentCloned"
	clockOff    = "ClockOff"
	ruleErrors  = "RuleErrors"
	ruleBlind   = "RuleBlind"
	eventsLate  = "EventsLate"

	eventIDReused    = "EventIdReused"
	eventsSetAside   = "EventsSetAside"
	memoryFull       = "MemoryFull"
	repeatsForgotten = "RepeatsForgotten"
	agentsForgotten  = "AgentsForgotten"

	gateClosed     = "GateClosed"
	gateUnguarded  = "GateUnguarded"
	unnamedHeld    = "UnnamedHeld"
	notHeld        = "NotHeld"
	approvalWanted = "ApprovalWanted"
	openedAlone    = "OpenedAlone"
	automaticOff   = "AutomaticOff"
	ruleInShadow   = "RuleInShadow"
)

// Mark is the label, and MarkBuiltIn its value, by which the built-in alerts are
// told apart from a user's of the same name: routes, silences and inhibitions can
// name them all. No other alert has it (BoundLabels renames it).
const (
	Mark        = "tomeishi"
	MarkBuiltIn = "built-in"
)

// Essential tells whether every built-in alert has a label of this name: it is
// said elsewhere than among the labels that tell alerts apart.
func Essential(label string) bool {
	return label == "alertname" || label == "severity" || label == Mark
}

// severity is what a built-in alert is to people.
func severity(name string) string {
	switch name {
	case gateClosed, notHeld, approvalWanted, openedAlone, memoryFull, ruleBlind: // of metrics it is said of guards only
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
	return m.aboutAs(name, severity(name), labels)
}

// aboutAs is about, with the severity of an alert that has several.
func (m *Machine) aboutAs(name, severity string, labels []Label) *Alert {
	of := m.aboutKey(name, labels)
	a := m.alertOf[of]
	if a == nil {
		a = &Alert{ID: next("a", &m.Last.Alert), Rule: name, Group: "tomeishi", Key: of.key, Since: m.Time, Raised: m.Time, Updated: m.Time}
		if kind, ok := abouts[name]; ok && len(labels) > 0 {
			a.About = record.New(kind, labels[0].Value)
		}
		m.stand(a, append(slices.Clone(labels), Label{Name: "alertname", Value: name}, Label{Name: "severity", Value: severity}))
		if m.Behavior >= 3 {
			a.mark()
		}
	}
	return a
}

// regraded is the standing built-in alert of the name and labels, as grave at least.
// One that becomes graver takes the place of the other, and goes on counting.
func (m *Machine) regraded(name, severity string, labels []Label) *Alert {
	a := m.alertOf[m.aboutKey(name, labels)]
	if a == nil || severity != "critical" || a.Label("severity") == severity {
		return m.aboutAs(name, severity, labels)
	}
	before := *a
	m.end(a, record.New(record.Regraded))
	a = m.aboutAs(name, severity, labels)
	a.About, a.Total, a.Evidence = before.About, before.Total, append(a.Evidence, before.Evidence...)
	m.since(a, before.Since)
	return a
}

// mark marks a built-in alert as one.
func (a *Alert) mark() {
	a.Labels = append(slices.Clone(a.Labels), Label{Name: Mark, Value: MarkBuiltIn})
	slices.SortFunc(a.Labels, compareNames)
}

// endAbout ends a built-in alert if it stands.
func (m *Machine) endAbout(name string, cause record.Note, labels ...Label) {
	if a := m.alertOf[m.aboutKey(name, labels)]; a != nil {
		m.end(a, cause)
	}
}

// endAboutSaying ends a built-in alert if it stands, and says something else of
// it: what it said until then is no longer true.
func (m *Machine) endAboutSaying(name string, cause, about record.Note, labels ...Label) {
	if a := m.alertOf[m.aboutKey(name, labels)]; a != nil {
		a.About = about
		m.end(a, cause)
	}
}

func (m *Machine) aboutKey(name string, labels []Label) alertKey {
	text := []byte(name)
	if m.Behavior >= 3 && holdsZero(labels) {
		return alertKey{key: m.hash(appendSized(text, slices.SortedFunc(slices.Values(labels), compareNames)))}
	}
	for _, l := range slices.SortedFunc(slices.Values(labels), compareNames) {
		text = append(text, "\x00"+l.Name+"\x00"+l.Value...)
	}
	return alertKey{key: m.hash(text)}
}

func (a *Alert) builtIn() bool { return a.RuleID == RuleID{} }

// Rendered tells whether the annotations are text as it is, and not templates.
func (a *Alert) Rendered() bool { return a.Metric || a.builtIn() }
