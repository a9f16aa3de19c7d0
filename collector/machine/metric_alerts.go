package machine

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A LevelsOutcome says what the levels of metric alerts changed.
type LevelsOutcome struct {
	Raised  int
	Ended   int
	Unheard int // kept, because nobody is heard who could say that they are over
	Unknown int // of rules that the live set does not have
	Over    int // not raised: too many alerts of their rule stand
}

const (
	// MaxStanding bounds the standing alerts of one metric rule.
	MaxStanding = 10_000
	// heardWithin is how lately an agent must have been heard for what its
	// samples no longer say to be over.
	heardWithin = 5 * time.Second
	// settleFor is how long after a gap an evaluation may still be under way
	// that saw nothing of the agent.
	settleFor = 10 * time.Second
	// missedFor is how long an agent's silence keeps alerts that may or may not
	// be about it.
	missedFor = time.Hour
	// clockBlind is how far a clock may be off until expressions miss what it
	// stamps.
	clockBlind = time.Minute
)

// levels makes the standing metric alerts those that fire. What fires comes
// first: an incident whose alert only changes its labels goes on.
func (m *Machine) levels(l entry.Levels) any {
	if m.live == nil || m.Live.Name != l.Set {
		return conflict(record.NotLive, l.Set)
	}
	var out LevelsOutcome
	fires := make(map[string]bool, len(l.Firing))
	for i := range l.Firing {
		if a := m.level(&l.Firing[i], &out); a != nil {
			fires[a.ID] = true
		}
	}
	silence := sync.OnceValue(m.anySilence)
	for _, id := range l.Resolved {
		a := m.byID[id]
		switch {
		case a == nil || a.Ended != 0 || !a.Metric || fires[id]:
			// Nothing to end.
		case m.inSilence(a, silence):
			if a.Unheard == 0 {
				a.Unheard = m.Time
				m.versions.Alerts++
				m.appendStep(a.Incident, "", record.New(record.AlertUnheard, a.ID))
			}
			out.Unheard++
		default:
			m.end(a, record.New(record.NoLongerTrue))
			out.Ended++
		}
	}
	return out
}

// level raises the alert that fires, or renews the one that stands. It is nil
// if there can be none.
func (m *Machine) level(l *entry.Level, out *LevelsOutcome) *Alert {
	rule := m.live.metrics[l.Rule]
	if rule == nil {
		out.Unknown++
		return nil
	}
	labels := BoundLabels(l.Labels)
	key := alertKey{rule.ID, m.labelsKey(labels)}
	a := m.alertOf[key]
	if a == nil {
		if m.stands[rule.ID] >= MaxStanding {
			out.Over++
			m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: "limit"})
			return nil
		}
		out.Raised++
		a = m.raiseMetric(rule, key.key, labels)
		if 0 < l.Active && l.Active < a.Since {
			m.since(a, l.Active)
		}
	}
	a.Value, a.Annotations = clip(l.Value), bound(l.Annotations, maxText)
	a.Updated, a.Unheard = m.Time, 0
	m.versions.Alerts++
	m.Fired[l.Rule] = m.Time
	m.mitigate(a, rule.Name, unopened(a, rule.Mitigate))
	return a
}

func (m *Machine) raiseMetric(rule *rules.MetricRule, key window.Key, labels []Label) *Alert {
	a := &Alert{
		ID:   next("a", &m.Last.Alert),
		Rule: rule.Name, Group: rule.Group, RuleID: rule.ID, Key: key, Metric: true,
		Since: m.Time, Raised: m.Time,
	}
	m.stand(a, labels)
	return a
}

// unopened are the mitigations whose gate no person has opened, or whose hold none has
// released, since the alert was raised: as it stands it does not do so again.
func unopened(a *Alert, uses []rules.Use) []rules.Use {
	if len(a.Opened) == 0 && len(a.Released) == 0 {
		return uses
	}
	return slices.DeleteFunc(slices.Clone(uses), func(u rules.Use) bool {
		if u.Mitigation.Action == rules.GateHold {
			return slices.Contains(a.Released, u.Mitigation.Name)
		}
		return slices.Contains(a.Opened, u.Mitigation.Target)
	})
}

// inSilence tells whether an alert that fires no more may be true all the same,
// because the agent that its series come from is not heard. Without an instance
// its series may come from any agent; one that names no agent that measures was
// written by somebody else.
func (m *Machine) inSilence(a *Alert, anybody func() bool) bool {
	instance := a.Label("instance")
	if instance == "" {
		return anybody()
	}
	agent := m.Agents[instance]
	return agent != nil && agent.Live != 0 && m.unheard(agent)
}

func (m *Machine) anySilence() bool {
	for _, a := range m.Agents { // the order does not show
		if a.Live != 0 && m.Time-a.Live < int64(missedFor) && m.unheard(a) && !m.longOff(a) {
			return true
		}
	}
	return false
}

// longOff tells whether all that is wrong with an agent is that its clock has
// been off for long. What it measures then counts as that of one that is gone:
// else one wrong clock would keep all alerts that name no instance for ever.
func (m *Machine) longOff(a *Agent) bool {
	if m.Behavior < 3 || !a.ClockOff || m.Time-a.Live > int64(heardWithin) || m.Time-a.Back < int64(settleFor) {
		return false
	}
	told := m.alertOf[m.aboutKey(clockOff, []Label{{Name: "agent", Value: a.ID}})]
	return told != nil && m.Time-told.Since >= int64(missedFor)
}

// unheard tells whether the series lack what the agent measures now: nothing
// comes that was just measured, or not for long enough that an evaluation has
// seen it, or its clock puts it elsewhere.
func (m *Machine) unheard(a *Agent) bool {
	return m.Time-a.Live > int64(heardWithin) || m.Time-a.Back < int64(settleFor) ||
		a.ClockOff && max(a.Offset, -a.Offset) > int64(clockBlind)
}

func (m *Machine) labelsKey(labels []Label) window.Key {
	var room [512]byte
	b := room[:0]
	if m.Behavior >= 3 && holdsZero(labels) {
		return m.hash(appendSized(b, labels))
	}
	for _, l := range labels {
		b = append(append(append(append(b, l.Name...), 0), l.Value...), 0)
	}
	return m.hash(b)
}

// holdsZero tells whether a zero byte between labels would not tell them apart.
func holdsZero(labels []Label) bool {
	return slices.ContainsFunc(labels, func(l Label) bool { return strings.ContainsRune(l.Name+l.Value, 0) })
}

// appendSized writes labels with their lengths, after a byte with which no label
// begins.
func appendSized(b []byte, labels []Label) []byte {
	b = append(b, 0xff)
	for _, l := range labels {
		for _, s := range []string{l.Name, l.Value} {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return b
}
