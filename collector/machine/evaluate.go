package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// evaluate lets every rule of the event's type see it.
func (m *Machine) evaluate(ev *report.Event, agent string, t *typeOf, ref window.Ref) {
	at := ev.When()
	if at > m.Time+m.Behind+int64(report.MaxAhead) {
		// A host's clock is wrong; what happened on it still counts, as of now.
		// While ledger time is what is wrong, events keep their own times: as of
		// now, two of one minute would be far apart once it has been stepped.
		m.Events.Ahead++
		at = m.Time
	}
	if m.Behavior >= form.LateCounts {
		at = max(at, 0) // nothing is older than 1970, and what says so is of then
	}
	late := false
	hits := m.live.matcher.Match(ev)
	if m.live.matcher.Aside() {
		m.setAside(ev, t, ref)
		return
	}
	if ev.Type == match.Replaced && m.Behavior >= 3 {
		m.replaced(ev, t, ref)
	}
	for i := range hits {
		hit := &hits[i]
		rule, stats := m.live.set.Rules[hit.Rule], m.live.stats[hit.Rule]
		switch {
		case hit.Missing:
			stats.Missing++
		case hit.Fault != nil:
			m.ruleError(rule, stats, hit.Fault)
		default:
			m.event.Behavior, m.event.Hit, m.event.Time, m.event.Ref = m.Behavior, hit, at, ref
			late = m.count(hit.Rule) || late
		}
	}
	if late {
		m.Events.Late++
	}
	if m.Behavior >= firstReading {
		m.read(ev, agent, hits)
		m.came(ev, t)
	}
}

// count gives the event to a rule that it is about, and acts on what the rule
// has to say. It is true of an event that came late.
func (m *Machine) count(i int) (late bool) {
	rule, stats, state := m.live.set.Rules[i], m.live.stats[i], m.live.states[i]
	e, say := &m.event, &m.say
	e.Key, e.Distinct = m.hash(e.Hit.Key), e.Distinct[:0]
	for _, v := range e.Hit.Distinct {
		e.Distinct = append(e.Distinct, m.hash(v))
	}
	if !m.Aliases.IsZero() {
		m.usePayments(i)
	}
	say.Reset()
	state.Add(m.Time, e, say)
	if late = say.Late; late {
		stats.Late++
		if m.Behavior < form.LateCounts {
			return true
		}
	}
	stats.Matched++
	if say.Recount {
		m.owe(rule, state.(form.Recounter), say.Shed)
	}
	m.fellShort(i)
	if say.Wake != 0 {
		m.mayWait(i, say.Wake)
	}
	if say.Answer == form.True {
		say.Key, say.Text = e.Key, e.Hit.Key
		m.isTrue(rule, stats)
	} else {
		m.notTrue(rule, state, e.Key, e.Time)
	}
	return late
}

// isTrue acts on a rule that has become true of a key, or is again.
func (m *Machine) isTrue(rule *rules.Rule, stats *RuleStats) {
	if !m.isForming(rule) {
		m.raised(rule, stats)
	}
}

// notTrue looks at what is said of a key of which an event of the given time has made
// nothing true.
func (m *Machine) notTrue(rule *rules.Rule, state form.State, key window.Key, at int64) {
	if f := m.forming.of[alertKey{rule.ID, key}]; f != nil {
		withdrawn, untrue := m.say.Withdrawn, m.say.Answer == form.Untrue
		m.breaks(f, state, withdrawn && untrue, at)
		m.say.Withdrawn = withdrawn
	}
	if a := m.alertOf[alertKey{rule.ID, key}]; a != nil {
		m.refute(a, state)
	} else if m.Behavior >= 3 && m.stands[rule.ID] > 0 {
		m.refuteOver(rule, key)
	}
}

// refuteOver has an alert over the limit looked at again soon after an event has made one
// of its keys untrue. It has many, and is not asked about all of them at each event.
func (m *Machine) refuteOver(rule *rules.Rule, key window.Key) {
	for _, uncertain := range []bool{false, true} {
		a := m.alertOf[alertKey{rule.ID, m.overLimit(uncertain)}]
		if a == nil || a.Past {
			continue
		}
		if _, of := slices.BinarySearchFunc(a.Keys, key, compareKeys); of {
			m.wake(a, min(a.Due, m.Time+int64(10*time.Second)))
		}
	}
}

// raised raises or renews the alert, and does what is to be done about it.
func (m *Machine) raised(rule *rules.Rule, stats *RuleStats) *Alert {
	a := m.fire(rule, &m.say)
	a.Backfilled = false
	stats.LastFired = m.Time
	if m.say.Fresh && (!m.say.Uncertain || a.unproven()) && m.wanting(a, rule.Mitigate) {
		m.mitigate(a, rule.Name, rule.Mitigate)
	}
	return a
}

// fellShort tells of what a rule could not count.
func (m *Machine) fellShort(i int) {
	rule, stats := m.live.set.Rules[i], m.live.stats[i]
	if m.say.Saturated {
		m.saturated(rule, stats)
	}
	if m.say.Fault != nil {
		m.ruleError(rule, stats, m.say.Fault)
	}
}

func (m *Machine) saturated(rule *rules.Rule, stats *RuleStats) {
	stats.Saturated++
	what := "saturated"
	if rule.Records {
		what = "limit" // of the series that it makes
	}
	if m.Time-stats.LastSaturated >= int64(time.Second) {
		stats.LastSaturated = m.Time
		m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: what})
	}
}

// refute ends an alert whose condition an event has made untrue. One of which
// nothing can be said any more stands: unknown is not untrue.
func (m *Machine) refute(a *Alert, state form.State) {
	if a.Past && a.Due > m.Time {
		return // it is of a window that was over when people heard of it
	}
	withdrawn := m.say.Withdrawn
	m.say.Reset()
	state.Ask(m.Time, a.Key, &m.say)
	if m.say.Answer == form.Untrue {
		if keep := m.keepFiring(a); keep != 0 && !withdrawn {
			if a.Quiet == 0 {
				a.Quiet = m.Time
			}
			m.wake(a, a.Quiet+keep)
			return
		}
		cause := record.New(record.NoLongerTrue)
		if withdrawn {
			cause = record.New(record.Withdrawn) // by a late event: it was never so
		}
		m.end(a, cause)
	}
}

// keepFiring is how long an alert stands after an event has made it untrue.
func (m *Machine) keepFiring(a *Alert) int64 {
	if rule := m.ruleOf(a); rule != nil && m.Behavior >= 3 {
		return int64(rule.KeepFiring)
	}
	return 0
}

func (m *Machine) ruleError(rule *rules.Rule, stats *RuleStats, fault *match.Fault) {
	stats.Errors++
	if m.Time-stats.LastErrorAt < int64(time.Second) {
		return // one a second says as much as a thousand
	}
	stats.LastError, stats.LastErrorAt = noted(fault), m.Time
	m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: "event"})
}

// clean bounds a text that may quote an event, and makes it come back from a
// snapshot as it went in.
func clean(s string) string {
	const most = 500
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
