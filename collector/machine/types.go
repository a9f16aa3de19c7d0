package machine

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/match"
)

const (
	maxTypes  = 500 // that are known at once, beside those that rules read
	maxNear   = 50  // of them, that look like one that a closing rule reads
	typesKept = 7 * 24 * time.Hour
)

// A TypeSeen is one type of event that has come.
type TypeSeen struct {
	Events      uint64
	First, Last int64  // ledger time
	Source      string // of the first
	// Near is the type that a rule which can close a gate reads, and this one,
	// which no rule reads, differs from by a slip.
	Near string `json:",omitempty"`
	// SetAside is how many of them count for no rule, because of who reported them.
	SetAside uint64 `json:",omitempty"`
}

// came notes the type of an event.
func (m *Machine) came(ev *report.Event, of *typeOf) {
	if report.IsOwn(ev.Type) {
		return
	}
	t := m.live.lastType
	if t == nil || m.live.lastName != ev.Type {
		if t = m.Types[ev.Type]; t == nil {
			if t = m.newType(ev, of); t == nil {
				m.OtherTypes++
				return
			}
		}
		m.live.lastType, m.live.lastName = t, strings.Clone(ev.Type)
	}
	t.Events++
	t.Last = m.Time
	if t.Near != "" {
		m.nearMiss(ev.Type, t)
	}
}

// maxNoRoom bounds the types of which it is remembered that there was no room for them.
const maxNoRoom = 1000

// newType makes a type known; nil if there is no room for it.
func (m *Machine) newType(ev *report.Event, of *typeOf) *TypeSeen {
	full := !of.read && len(m.Types) >= maxTypes && !m.forgetTypes()
	if full && m.live.noRoom[ev.Type] || len(ev.Type) > maxLabel || !utf8.ValidString(ev.Type) {
		return nil
	}
	near := m.nearTo(ev.Type)
	if full && near == "" {
		if len(m.live.noRoom) >= maxNoRoom {
			clear(m.live.noRoom)
		}
		m.live.noRoom[strings.Clone(ev.Type)] = true
		return nil
	}
	t := &TypeSeen{First: m.Time, Source: clip(valid(ev.Source)), Near: near}
	m.Types[strings.Clone(ev.Type)] = t
	return t
}

// typesAnew forgets the shortcuts to what is known of types.
func (m *Machine) typesAnew() { m.live.lastType, m.live.noRoom = nil, map[string]bool{} }

// forgetTypes forgets what has not come for a week and no rule reads, and tells
// whether that made room. It looks once an hour.
func (m *Machine) forgetTypes() bool {
	if m.Time-m.TypesSwept < int64(time.Hour) {
		return false
	}
	m.TypesSwept = m.Time
	m.typesAnew()
	for _, name := range sortedKeys(m.Types) {
		if t := m.Types[name]; !m.live.reads(name) && t.Near == "" && m.Time-t.Last >= int64(typesKept) {
			delete(m.Types, name)
		}
	}
	return len(m.Types) < maxTypes
}

func (c *compiled) reads(eventType string) bool {
	t := c.types[eventType]
	return t != nil && t.read
}

// nearTo is the type that a closing rule reads and that this one, which no rule
// reads, was probably meant to be; empty if there is none.
func (m *Machine) nearTo(eventType string) string {
	said := match.Fold(eventType)
	i := slices.IndexFunc(m.live.closing, func(t closingType) bool { return said.Slip(t.folded) })
	if i < 0 || m.live.reads(eventType) || m.nears() >= maxNear {
		return ""
	}
	return m.live.closing[i].name
}

// nears is how many types look like one that a closing rule reads.
func (m *Machine) nears() (n int) {
	for _, t := range m.Types { // the order does not show
		if t.Near != "" {
			n++
		}
	}
	return n
}

// nearMiss raises RuleBlind about a type that no rule reads, and that a rule which
// can close a gate should probably have read.
func (m *Machine) nearMiss(eventType string, t *TypeSeen) {
	rule := m.closerOf(t.Near)
	if rule == nil { // it was left out: this program no longer takes it
		t.Near = ""
		m.typesAnew()
		return
	}
	labels := nearLabels(eventType, rule)
	a := m.alertOf[m.aboutKey(ruleBlind, labels)]
	if a == nil {
		a = m.aboutAs(ruleBlind, "critical", labels)
		a.About = record.New(record.AboutBlindType, clip(valid(eventType)), t.Near, rule.Name)
	}
	m.again(a)
}

func nearLabels(eventType string, rule *rules.Rule) []Label {
	return []Label{{Name: "event", Value: clip(valid(eventType))}, {Name: "group", Value: rule.Group}, {Name: "rule", Value: rule.Name}}
}

// closerOf is the first rule that reads the type and can close a gate; nil if
// there is none.
func (m *Machine) closerOf(eventType string) *rules.Rule { return m.typeOf(eventType).closer }

// A closingType is a type that a rule reads which can close a gate.
type closingType struct {
	name   string
	folded match.Folded
}

// closingTypes are all of them, in the order of the rules.
func (c *compiled) closingTypes() (out []closingType) {
	known := map[string]bool{}
	for i, closes := range c.closes {
		if len(closes) == 0 {
			continue
		}
		for _, s := range c.set.Rules[i].Body.Sources() {
			if !known[s.Event] {
				known[s.Event] = true
				out = append(out, closingType{s.Event, match.Fold(s.Event)})
			}
		}
	}
	return out
}

// reconsider looks at the known types with the eyes of another rule set: it ends
// what was said of those that are read now, or that look like nothing that is.
func (m *Machine) reconsider() {
	names := sortedKeys(m.Types)
	for _, name := range names {
		m.Types[name].Near = ""
	}
	said := map[alertKey]bool{}
	for _, name := range names {
		t := m.Types[name]
		if t.Near = m.nearTo(name); t.Near == "" || m.Time-t.Last >= int64(sightKept) {
			continue
		}
		of := m.aboutKey(ruleBlind, nearLabels(name, m.closerOf(t.Near)))
		said[of] = true
		if m.alertOf[of] == nil {
			m.nearMiss(name, t)
		}
	}
	for _, a := range slices.Clone(m.Alerts) {
		if a.Ended == 0 && a.Rule == ruleBlind && a.About.Kind == record.AboutBlindType && !said[alertKey{a.RuleID, a.Key}] {
			m.end(a, record.New(record.RulesChanged))
		}
	}
}
