package machine

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// Whoever opens a gate may say that a rule closes it no more for a while: a bad rule
// would else close it again with each event. What the rule wants of that gate is
// planned in shadow meanwhile, and an alert stands.

const (
	shadowFor = 2 * time.Hour // unless a person says otherwise
	maxShadow = 24 * time.Hour
)

// An InShadow is a rule that for a while closes a gate no more by itself. It is the
// rule as it is: one that is edited counts at once.
type InShadow struct {
	Gate, Group, Rule string
	RuleID            RuleID
	Since, Until      int64 // ledger time
	Actor             string
}

func (s InShadow) name() string { return s.Group + "/" + s.Rule }

func (s InShadow) labels() []Label {
	return []Label{{Name: "gate", Value: s.Gate}, {Name: "group", Value: s.Group}, {Name: "rule", Value: s.Rule}}
}

// inShadow tells whether a person keeps what a rule wants of a target in shadow.
func (m *Machine) inShadow(rule RuleID, use rules.Use) bool {
	return slices.ContainsFunc(m.InShadow, func(s InShadow) bool {
		return s.RuleID == rule && slices.Contains(m.action(use.Mitigation.Action).gates(use.Mitigation.Target), s.Gate)
	})
}

// closersOf are the live rules that want something of a gate, in the order of the
// files.
func (m *Machine) closersOf(gate string) (out []InShadow) {
	if m.live == nil {
		return nil
	}
	add := func(group, name string, id RuleID, uses []rules.Use) {
		wants := func(u rules.Use) bool {
			return slices.Contains(m.action(u.Mitigation.Action).gates(u.Mitigation.Target), gate)
		}
		if slices.ContainsFunc(uses, wants) {
			out = append(out, InShadow{Gate: gate, Group: group, Rule: name, RuleID: id})
		}
	}
	for _, r := range m.live.set.Rules {
		add(r.Group, r.Name, r.ID, r.Mitigate)
	}
	for _, r := range m.live.set.Metrics {
		add(r.Group, r.Name, r.ID, r.Mitigate)
	}
	return out
}

// toShadow are the rules that an opening puts in shadow: those that it names, else
// those that the holds are by.
func (m *Machine) toShadow(d entry.Decision, holds []*Hold) ([]InShadow, *Refusal) {
	switch {
	case d.Shadow == nil:
		return nil, nil
	case m.Behavior < 3:
		return nil, conflict(record.WantVersion, decimalOf(3), decimalOf(uint64(m.Behavior)))
	case d.Shadow.For != 0 && (d.Shadow.For < time.Second || d.Shadow.For > maxShadow):
		return nil, invalid("shadow.for", record.BadShadow, decimalOf(int(maxShadow.Hours())))
	}
	all := m.closersOf(d.Gate)
	named := func(s InShadow) bool {
		return slices.Contains(d.Shadow.Rules, s.Rule) || slices.Contains(d.Shadow.Rules, s.name())
	}
	if len(d.Shadow.Rules) == 0 {
		by := m.heldBy(holds)
		named = func(s InShadow) bool {
			return slices.ContainsFunc(by, func(a *Alert) bool { return a.RuleID == s.RuleID })
		}
	}
	for _, name := range d.Shadow.Rules {
		if !slices.ContainsFunc(all, func(s InShadow) bool { return name == s.Rule || name == s.name() }) {
			return nil, invalid("shadow.rules", record.NotACloser, cut(name, maxText), d.Gate)
		}
	}
	length := d.Shadow.For
	if length == 0 {
		length = shadowFor
	}
	var out []InShadow
	for _, s := range all {
		if named(s) {
			s.Since, s.Until, s.Actor = m.Time, m.Time+int64(length), clip(d.Actor)
			out = append(out, s)
		}
	}
	if len(out) == 0 && len(holds) > 0 {
		return nil, invalid("shadow.rules", record.NoCloser, d.Gate)
	}
	return out, nil
}

// shadowedAlready is the outcome of an opening with nothing left to lift: what it
// wants in shadow is, or it is told that it is not.
func (m *Machine) shadowedAlready(d entry.Decision, wanted []InShadow) *Refusal {
	stands := func(w InShadow) bool {
		return slices.ContainsFunc(m.InShadow, func(s InShadow) bool { return s.Gate == w.Gate && s.RuleID == w.RuleID })
	}
	if d.Shadow == nil || len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w InShadow) bool { return !stands(w) }) {
		return nil
	}
	if len(wanted) == 0 && slices.ContainsFunc(m.InShadow, func(s InShadow) bool { return s.Gate == d.Gate && s.Actor == clip(d.Actor) }) {
		return nil
	}
	return conflict(record.OpenNoShadow, d.Gate)
}

// agreed are the rules that both of two people want in shadow, for the shorter time.
func (m *Machine) agreed(first *Approval, second []InShadow) (out []InShadow) {
	for _, s := range second {
		if slices.Contains(first.Shadow, s.name()) {
			s.Until = min(s.Until, m.Time+int64(first.ShadowFor))
			out = append(out, s)
		}
	}
	return out
}

// keepInShadow begins it, or gives it another end, and tells the incidents.
func (m *Machine) keepInShadow(d entry.Decision, list []InShadow, incidents []string) {
	for _, s := range list {
		m.InShadow = slices.DeleteFunc(m.InShadow, func(o InShadow) bool { return o.Gate == s.Gate && o.RuleID == s.RuleID })
		m.InShadow = append(m.InShadow, s)
		a := m.about(ruleInShadow, s.labels())
		a.Value, a.Updated = "1", m.Time
		a.About = record.New(record.AboutInShadow, s.Rule, s.Gate, s.Actor, decimalOf(s.Until), clean(d.Reason))
		m.touch(a)
		for _, id := range incidents {
			m.appendStep(id, d.Actor, record.New(record.RuleShadowed, s.Rule, s.Gate, decimalOf(s.Until)))
		}
	}
}

// endShadows lets rules close their gates again.
func (m *Machine) endShadows(cause record.Note, over func(InShadow) bool) {
	m.InShadow = slices.DeleteFunc(m.InShadow, func(s InShadow) bool {
		if !over(s) {
			return false
		}
		m.ShadowOver = m.Time
		m.versions.Gates++
		m.endAboutSaying(ruleInShadow, cause, record.New(record.AboutNoShadow, s.Rule, s.Gate).After(cause), s.labels()...)
		return true
	})
}

// elapseShadows ends those whose time is over.
func (m *Machine) elapseShadows() {
	m.endShadows(record.New(record.TimeOver), func(s InShadow) bool { return s.Until <= m.Time })
}

// reviewShadows ends those of rules that are gone, changed, or want nothing of the
// gate any more.
func (m *Machine) reviewShadows() {
	m.endShadows(record.New(record.RulesChanged), func(s InShadow) bool {
		return !slices.ContainsFunc(m.closersOf(s.Gate), func(c InShadow) bool { return c.RuleID == s.RuleID && c.name() == s.name() })
	})
}

// shadowsDue is when the next of them ends; 0 for never.
func (m *Machine) shadowsDue() (first int64) {
	for _, s := range m.InShadow {
		if first == 0 || s.Until < first {
			first = s.Until
		}
	}
	return first
}

// shadowsAt are those of a gate.
func (m *Machine) shadowsAt(gate string) (out []InShadow) {
	for _, s := range m.InShadow {
		if s.Gate == gate {
			out = append(out, s)
		}
	}
	return out
}

// InShadowView are the rules that people keep in shadow.
func (m *Machine) InShadowView() []InShadow {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.InShadow)
}

// HeldByRules are the live rules because of which a gate's own holds without match
// stand, by group and name.
func (m *Machine) HeldByRules(gate string) (out []string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	by := m.heldBy(m.opened(gate))
	for _, s := range m.closersOf(gate) {
		if slices.ContainsFunc(by, func(a *Alert) bool { return a.RuleID == s.RuleID }) {
			out = append(out, s.name())
		}
	}
	return out
}
