package machine

import (
	"cmp"
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
	if a.Keys != nil {
		a.Value = strconv.FormatUint(a.More, 10)
	}
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
	if m.stands[rule.ID] >= rule.Limit {
		return m.excess(rule, key)
	}
	labels := []Label{{"alertname", rule.Name}}
	for i, value := range m.live.matcher.Labels(hit) {
		labels = append(labels, Label{rule.By[i].Label, clip(value)})
	}
	return m.newAlert(rule, key, labels)
}

// clip keeps a sender's text from filling the state.
func clip(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	return strings.ToValidUTF8(s[:maxLabel], "") + "…"
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
	m.stands[a.RuleID]++
	if a.Label("severity") == "critical" {
		m.join(a, nil)
	}
}

// excess is the one alert that says how many more there are, and for which
// keys.
func (m *Machine) excess(rule *rules.Rule, key window.Key) *Alert {
	all := m.hash([]byte("over the limit"))
	a := m.alertOf[alertKey{rule.ID, all}]
	if a == nil {
		a = m.newAlert(rule, all, []Label{{"alertname", rule.Name}, {"over_limit", strconv.Itoa(rule.Limit)}})
	}
	if i, known := slices.BinarySearchFunc(a.Keys, key, compareKeys); !known {
		a.More++
		if len(a.Keys) < maxOver {
			a.Keys = slices.Insert(a.Keys, i, key)
		}
	}
	return a
}

func compareKeys(a, b window.Key) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
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
	m.stands[a.RuleID]--
	if a.Incident != "" {
		m.settle(a.Incident, -1, "alert "+a.ID+" ended: "+cause)
	}
}

// wake sees to it that an alert is looked at again.
func (m *Machine) wake(a *Alert, due int64) {
	a.Due = due
	if m.Next == 0 || due < m.Next {
		m.Next = due
	}
}

// expire looks at the alerts whose time has come and ends those whose
// condition is no longer true.
func (m *Machine) expire() {
	for _, a := range m.Alerts {
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
	keys := a.Keys
	if keys == nil {
		keys = []window.Key{a.Key}
	}
	if due, sure := m.stillTrue(a, rule, keys); due != 0 {
		if sure {
			a.Quiet = 0
		}
		a.Due = due
		return
	}
	if a.Quiet == 0 {
		a.Quiet = m.Time
	}
	if a.Due = a.Quiet + int64(rule.KeepFiring); a.Due <= m.Time {
		m.end(a, "no longer true")
	}
}

// stillTrue tells when to look again at an alert whose condition is true for
// any of the keys, or of which nothing can be said: unknown is not untrue. It
// is 0 if the condition is untrue for all; sure if it is true for any.
func (m *Machine) stillTrue(a *Alert, rule *rules.Rule, keys []window.Key) (due int64, sure bool) {
	table := m.windows[a.RuleID]
	for _, key := range keys {
		run, ok := table.Get(key)
		if !ok {
			continue
		}
		s := run.Recent(max(m.Time, run.Time(run.Len()-1)))
		var aggs rules.Aggs
		if s.From == s.To {
			continue
		}
		said := ask(rule, run, s, &aggs)
		if said == untrue {
			continue
		}
		sure = sure || said == isTrue
		if said == isTrue && a.Keys == nil {
			a.Value, a.Total = rule.When.Value(&aggs), s.To-s.From
		}
		next := max(run.Time(s.From)+int64(rule.Within), m.Time) + 1
		if due == 0 || next < due {
			due = next
		}
	}
	return due, sure
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
	m.Next = 0
	for _, a := range m.Alerts {
		if a.Ended == 0 && a.Due != 0 && (m.Next == 0 || a.Due < m.Next) {
			m.Next = a.Due
		}
	}
}

// prune forgets ended alerts that nothing refers to any more.
func (m *Machine) prune() {
	for _, in := range m.Incidents {
		m.letGo(in)
	}
	m.Alerts = slices.DeleteFunc(m.Alerts, func(a *Alert) bool {
		if a.Ended == 0 || a.Incident != "" {
			return false
		}
		delete(m.byID, a.ID)
		return true
	})
	for gate, effects := range m.shadow {
		m.shadow[gate] = slices.DeleteFunc(effects, func(e *Effect) bool { return e.State != Planned || m.over(e) })
	}
}
