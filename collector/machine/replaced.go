package machine

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// replacing is how a rule set learns which payment took the place of which.
type replacing struct {
	matcher *match.Matcher
	columns [][]uint32 // by rule and source: which of the values told apart are payments
	horizon int64      // how long after its last use it matters that two payments are one
	// believed tells that the files say who may report it. Of others it is set aside.
	believed bool
}

// newReplacing is that of a set; nil if no rule tells payments apart.
func newReplacing(set *rules.Set) *replacing {
	r := &replacing{}
	for _, rule := range set.Rules {
		columns := paymentsOf(rule)
		r.columns = append(r.columns, columns)
		if columns != nil {
			r.horizon = max(r.horizon, int64(rule.Body.Horizon()+time.Hour))
		}
	}
	if r.horizon == 0 {
		return nil
	}
	t := believed(set)
	r.matcher, r.believed = match.Replacements(t.Address).Matcher(Behavior), len(t.Sources) > 0
	return r
}

// believed is what the files declare of the type that tells of replacements.
func believed(set *rules.Set) rules.EventType {
	if i := slices.IndexFunc(set.Events, func(t *rules.EventType) bool { return t.Name == match.Replaced }); i >= 0 {
		return *set.Events[i]
	}
	return rules.EventType{}
}

// paymentsOf is by source which of the values that a rule tells apart are payments; nil
// if none is.
func paymentsOf(rule *rules.Rule) (columns []uint32) {
	some := uint32(0)
	for _, s := range rule.Body.Sources() {
		columns = append(columns, s.Payments())
		some |= s.Payments()
	}
	if some == 0 {
		return nil
	}
	return columns
}

// read is the two payments that an event names; false if it does not.
func (r *replacing) read(ev *report.Event, hash func([]byte) window.Key) (payment, replaces window.Key, ok bool) {
	hits := r.matcher.Match(ev)
	if len(hits) != 1 || len(hits[0].Distinct) != 2 {
		return payment, replaces, false
	}
	payment, replaces = hash(hits[0].Distinct[0]), hash(hits[0].Distinct[1])
	return payment, replaces, payment != replaces
}

// replaced makes one of two payments. Where it does not, both count, and people hear.
func (m *Machine) replaced(ev *report.Event, t *typeOf, ref window.Ref) {
	r := m.live.aliases
	if r == nil {
		return
	}
	payment, replaces, ok := r.read(ev, m.hash)
	switch {
	case !r.believed:
		m.tellAside(ev, t, ref, record.New(record.AboutNotJoined, clip(valid(ev.Source))))
	case !ok:
		m.tellAside(ev, t, ref, record.New(record.AboutNoPayments, clip(valid(ev.Source))))
	default:
		m.alias(payment, replaces)
	}
}

// alias makes one of two payments. If others had to be forgotten for it, people hear.
func (m *Machine) alias(one, other window.Key) {
	joined, forgot := m.Aliases.Join(m.Time, m.Time-m.live.aliases.horizon, one, other)
	m.aliased = m.aliased || joined
	if forgot {
		a := m.aboutSetAside(match.Replaced, true)
		a.About = record.New(record.AboutManyReplaced, decimalOf(window.MaxAliases))
		m.again(a)
	}
}

// aliasBack makes one of the payments of pairs that were read from the tape.
func (m *Machine) aliasBack(pairs []byte) {
	if m.live == nil || m.live.aliases == nil || m.Behavior < 3 {
		return
	}
	for ; len(pairs) >= pairBytes; pairs = pairs[pairBytes:] {
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(pairs[8*i:]) }
		m.alias(window.Key{word(0), word(1)}, window.Key{word(2), word(3)})
	}
}

const pairBytes = 32

func appendPair(b []byte, one, other window.Key) []byte {
	for _, w := range [...]uint64{one[0], one[1], other[0], other[1]} {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// usePayments keeps what is known of the payments of the event that is being counted.
func (m *Machine) usePayments(i int) {
	r, e := m.live.aliases, &m.event
	if r == nil || r.columns[i] == nil {
		return
	}
	for c, v := range e.Distinct {
		if r.columns[i][e.Hit.Source]>>c&1 != 0 {
			m.Aliases.Use(m.Time, v)
		}
	}
}

// reviewAliased asks again of what stands or forms, once payments became one: it may
// never have been true. A gate that it closed stays closed.
func (m *Machine) reviewAliased() {
	if !m.aliased {
		return
	}
	m.aliased = false
	tells := map[RuleID]bool{}
	for i, rule := range m.live.set.Rules {
		if m.live.aliases.columns[i] == nil {
			continue
		}
		tells[rule.ID] = true
		for _, f := range slices.Clone(m.formingOf(rule.ID)) {
			m.breaks(f, m.live.states[i], false, 0)
		}
	}
	for _, a := range slices.Clone(m.Alerts) {
		if tells[a.RuleID] && a.Ended == 0 && a.Keys == nil {
			m.askAliased(a)
		}
	}
}

// askAliased ends an alert if it is no longer true, else says how it stands.
func (m *Machine) askAliased(a *Alert) {
	m.say.Reset()
	m.say.Withdrawn = true
	if m.refute(a, m.states[a.RuleID]); m.say.Answer == form.True {
		a.Value, a.Total, a.Updated = m.say.Value, m.say.Total, m.Time
		m.versions.Alerts++
	}
}

// forgetAliases forgets what somebody said whom the rules no longer believe. What others
// said comes back from the tape.
func (m *Machine) forgetAliases(old, set *rules.Set) {
	still := believed(set).Sources
	for _, source := range believed(old).Sources {
		if !slices.Contains(still, source) {
			m.Aliases = window.Aliases{}
			return
		}
	}
}
