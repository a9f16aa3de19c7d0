package machine

import (
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
)

const (
	// offFor is how long automatic effects stay off unless a person says
	// otherwise, and maxOff how long they may.
	offFor = 2 * time.Hour
	maxOff = 24 * time.Hour
)

// turnSwitch lets effects happen by themselves, or for a while not.
func (m *Machine) turnSwitch(d entry.Decision) *Refusal {
	switch {
	case d.On && d.For != 0:
		return invalid("for", "for says how long automatic effects stay off; on lasts")
	case d.On && m.Switch.Off && d.Epoch != nil && *d.Epoch != uint64(m.Switch.Until):
		return conflict("%s switched automatic effects off again, until %s: look again", clip(m.Switch.Actor), utc(m.Switch.Until))
	case d.On:
		if m.Switch.Off {
			m.automatic(d.Actor, d.Reason, "switched on by "+clip(d.Actor))
		}
		return nil
	case strings.TrimSpace(d.Reason) == "":
		return invalid("reason", "say why nothing may happen by itself: others will read it")
	case d.For != 0 && (d.For < time.Second || d.For > maxOff):
		return invalid("for", "automatic effects stay off between 1s and %d hours", int(maxOff.Hours()))
	}
	if d.For == 0 {
		d.For = offFor
	}
	since := m.Time
	if m.Switch.Off {
		since = m.Switch.Since
	}
	m.Switch = Switch{Off: true, Since: since, Until: m.Time + int64(d.For), Actor: d.Actor, Reason: cut(d.Reason, maxText)}
	a := m.about(automaticOff, nil)
	a.Value, a.Updated = "1", m.Time
	m.describe(a, clip(d.Actor)+" switched automatic effects off until "+utc(m.Switch.Until)+": "+strings.TrimSuffix(clean(d.Reason), ".")+
		". Until then what would close a gate by itself waits for a person's approval.")
	m.touch(a)
	return nil
}

// automatic lets effects happen by themselves again.
func (m *Machine) automatic(actor, reason, cause string) {
	m.Switch = Switch{Since: m.Time, Actor: actor, Reason: cut(reason, maxText)}
	m.versions.Gates++
	m.endAboutSaying(automaticOff, cause, "Automatic effects are on again: "+cause+".")
}

// elapse switches automatic effects on when their time off is over, before
// anything else of the entry.
func (m *Machine) elapse() {
	if m.Switch.Off && m.Switch.Until <= m.Time {
		m.automatic("", "", "its time was over")
	}
}

// mode is the weakest that rule, mitigation and gate name. While automatic
// effects are off, none is stronger than a person's approval.
func (m *Machine) mode(use rules.Use) rules.Mode {
	mode := m.namedMode(use)
	if m.Switch.Off {
		return min(mode, rules.Approve)
	}
	return mode
}

func (m *Machine) namedMode(use rules.Use) rules.Mode {
	return rules.Effective(use.Mode, use.Mitigation.Mode, m.Gates[use.Mitigation.Target].Mode)
}

const (
	waits       = "waits for a person's approval"
	switchedOff = "automatic effects are off: " + waits
)

// whyWaits says why an effect waits for a person.
func (m *Machine) whyWaits(use rules.Use) string {
	if m.namedMode(use) > rules.Approve {
		return switchedOff
	}
	return waits
}

// SwitchedOff tells whether an effect would have been carried out, if automatic
// effects had not been off.
func (e Effect) SwitchedOff() bool { return e.State == Planned && e.Result == switchedOff }

// renews tells whether a metric alert has to be said to fire again: under
// another rule set, or after automatic effects were off, something may be done
// about it that was not.
func (m *Machine) renews(a *Alert) bool {
	return a.Updated < m.Live.Since || !m.Switch.Off && a.Updated < m.Switch.Since
}

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05 MST") }

// SwitchView says whether effects happen by themselves.
func (m *Machine) SwitchView() Switch {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Switch
}
