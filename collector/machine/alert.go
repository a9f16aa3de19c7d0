package machine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

// fire raises the alert of a rule for a key, or renews the one that stands.
func (m *Machine) fire(rule *rules.Rule, key window.Key, hit rules.Hit, aggs *rules.Aggs, run window.Run, span window.Span) *Alert {
	a := m.alertOf[alertKey{rule.ID, key}]
	if a == nil {
		a = m.raise(rule, key, hit)
	}
	a.Value = rule.When.Value(aggs)
	a.Updated, a.Quiet = m.Time, 0
	if first := run.Time(span.From); first < a.Since || a.Total == 0 {
		m.since(a, first)
	}
	a.Total = span.To - span.From
	a.Evidence = a.Evidence[:0]
	for i := max(span.From, span.To-maxEvidence); i < span.To; i++ {
		a.Evidence = append(a.Evidence, run.Ref(i))
	}
	due := run.Time(span.From) + int64(rule.Within) + 1
	if due <= m.Time {
		// A late event completed a window of the past: people must still hear.
		due = m.Time + int64(min(rule.Within, lateStands))
	}
	m.wake(a, due)
	return a
}

// lateStands bounds how long an alert stands whose window was already over.
const lateStands = 15 * time.Minute

// since notes an earlier first evidence.
func (m *Machine) since(a *Alert, first int64) {
	a.Since = min(a.Since, first)
	if in := m.incident(a.Incident); in != nil {
		in.Since = min(in.Since, first)
	}
}

// raise makes a new alert, or returns the rule's collective one when it has
// reached its limit.
func (m *Machine) raise(rule *rules.Rule, key window.Key, hit rules.Hit) *Alert {
	if m.standing(rule.ID) >= rule.Limit {
		return m.excess(rule)
	}
	labels := []Label{{"alertname", rule.Name}}
	for i, value := range m.live.matcher.Labels(hit) {
		labels = append(labels, Label{rule.By[i].Label, value})
	}
	return m.newAlert(rule, key, labels)
}

func (m *Machine) newAlert(rule *rules.Rule, key window.Key, labels []Label) *Alert {
	for _, l := range rule.Labels {
		labels = append(labels, Label{l.Name, l.Value})
	}
	a := &Alert{
		ID:   next("a", &m.Last.Alert),
		Rule: rule.Name, Group: rule.Group, RuleID: rule.ID, Key: key,
		Since: m.Time, Raised: m.Time,
	}
	for _, l := range rule.Annotations {
		a.Annotations = append(a.Annotations, Label{l.Name, l.Value})
	}
	m.stand(a, labels)
	return a
}

func (m *Machine) stand(a *Alert, labels []Label) {
	slices.SortStableFunc(labels, func(x, y Label) int { return strings.Compare(x.Name, y.Name) })
	a.Labels = slices.CompactFunc(labels, func(x, y Label) bool { return x.Name == y.Name })
	m.Alerts = append(m.Alerts, a)
	m.byID[a.ID] = a
	m.alertOf[alertKey{a.RuleID, a.Key}] = a
	if a.Label("severity") == "critical" {
		m.join(a, nil)
	}
}

// standing counts the alerts of a rule that have not ended.
func (m *Machine) standing(id RuleID) (n int) {
	for _, a := range m.Alerts {
		if a.RuleID == id && a.Ended == 0 {
			n++
		}
	}
	return n
}

// excess is the one alert that says how many more there are.
func (m *Machine) excess(rule *rules.Rule) *Alert {
	key := m.hash([]byte("over the limit"))
	a := m.alertOf[alertKey{rule.ID, key}]
	if a == nil {
		a = m.newAlert(rule, key, []Label{{"alertname", rule.Name}, {"over_limit", strconv.Itoa(rule.Limit)}})
	}
	a.More++
	return a
}

// Label is the value of a label, empty if the alert has none.
func (a *Alert) Label(name string) string {
	for _, l := range a.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// builtInQuiet is how long after its last occasion a built-in alert ends.
const builtInQuiet = time.Hour

// builtIn raises an alert about Tomeishi itself.
func (m *Machine) builtIn(name string, labels ...Label) {
	text := []byte(name)
	for _, l := range labels {
		text = append(text, "\x00"+l.Name+"\x00"+l.Value...)
	}
	key := m.hash(text)
	a := m.alertOf[alertKey{key: key}]
	if a == nil {
		a = &Alert{ID: next("a", &m.Last.Alert), Rule: name, Group: "tomeishi", Key: key, Since: m.Time, Raised: m.Time}
		m.stand(a, append(labels, Label{"alertname", name}, Label{"severity", "warning"}))
	}
	a.Total++
	a.Value = strconv.Itoa(a.Total)
	a.Updated = m.Time
	m.wake(a, m.Time+int64(builtInQuiet))
}

func (a *Alert) builtIn() bool { return a.RuleID == RuleID{} }

// end ends an alert. A gate that it closed stays as it is.
func (m *Machine) end(a *Alert, cause string) {
	a.Ended, a.Cause, a.Due = m.Time, cause, 0
	delete(m.alertOf, alertKey{a.RuleID, a.Key})
	if a.Incident != "" {
		m.settle(a.Incident, -1, "alert "+a.ID+" ended: "+cause)
	}
}

// wake sees to it that an alert is looked at again.
func (m *Machine) wake(a *Alert, due int64) {
	a.Due = due
	if m.due == 0 || due < m.due {
		m.due = due
	}
}

// expire looks at the alerts whose time has come and ends those whose
// condition is no longer true.
func (m *Machine) expire() {
	for _, a := range slices.Clone(m.Alerts) {
		if a.Ended == 0 && a.Due != 0 && a.Due <= m.Time {
			m.review(a)
		}
	}
	m.prune()
	m.reschedule()
}

func (m *Machine) review(a *Alert) {
	rule := m.ruleOf(a)
	if rule == nil {
		m.end(a, "no longer true")
		return
	}
	if table := m.windows[a.RuleID]; table != nil {
		if run, ok := table.Get(a.Key); ok {
			s := run.Recent(max(m.Time, run.Time(run.Len()-1)))
			var aggs rules.Aggs
			said := untrue
			if s.From < s.To {
				said = ask(rule, run, s, &aggs)
			}
			if said == unclear && a.Quiet == 0 { // not known to be over: look again
				a.Due = max(run.Time(s.From)+int64(rule.Within), m.Time) + 1
				return
			}
			if said == isTrue {
				a.Value, a.Total, a.Quiet = rule.When.Value(&aggs), s.To-s.From, 0
				a.Due = max(run.Time(s.From)+int64(rule.Within), m.Time) + 1
				return
			}
		}
	}
	if a.Quiet == 0 {
		a.Quiet = m.Time
	}
	if a.Due = a.Quiet + int64(rule.KeepFiring); a.Due <= m.Time {
		m.end(a, "no longer true")
	}
}

func (m *Machine) ruleOf(a *Alert) *rules.Rule {
	if m.live == nil || a.builtIn() {
		return nil
	}
	for _, r := range m.live.set.Rules {
		if r.ID == a.RuleID {
			return r
		}
	}
	return nil
}

// reschedule finds when the next alert is due.
func (m *Machine) reschedule() {
	m.due = 0
	for _, a := range m.Alerts {
		if a.Ended == 0 && a.Due != 0 && (m.due == 0 || a.Due < m.due) {
			m.due = a.Due
		}
	}
}

// prune forgets ended alerts that nothing refers to any more.
func (m *Machine) prune() {
	m.Alerts = slices.DeleteFunc(m.Alerts, func(a *Alert) bool {
		if a.Ended == 0 || a.Incident != "" {
			return false
		}
		delete(m.byID, a.ID)
		return true
	})
}
