package machine

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A Forming is a key of which a rule is true, but not yet for as long as its `for` wants.
// People see it as pending. It becomes an alert once all were heard past its time who
// report the rule's events, else after a grace as one that is not proven; then it goes on
// until that is proven or untrue.
type Forming struct {
	RuleID    RuleID
	Key       window.Key
	Text      []byte // of the key, as in match.Hit
	Since     int64  // ledger time since when it is true without a break
	Due       int64  // ledger time at which to look again
	Value     string
	Uncertain bool `json:",omitempty"` // that it is true
	Heard     bool `json:",omitempty"` // all were heard past its time, and it was unclear
	Told      bool `json:",omitempty"` // an alert stands that is not proven
	Back      bool `json:",omitempty"` // found true of what came before the rule counted

	place int // of its rule
}

const (
	maxForming   = 10_000           // of one rule
	formingGrace = 30 * time.Second // for those who were not heard, at most
)

// forming is what is derived of them.
type forming struct {
	of     map[alertKey]*Forming
	timers *timers[*Forming]
}

func compareForming(a, b *Forming) int {
	return cmp.Or(cmp.Compare(a.Since, b.Since), compareKeys(a.Key, b.Key))
}

// linkForming makes what is derived of the state.
func (m *Machine) linkForming() {
	m.forming = forming{of: map[alertKey]*Forming{}, timers: newTimers[*Forming]()}
	for _, all := range m.Forming { // the order does not show
		for _, f := range all {
			m.forming.of[alertKey{f.RuleID, f.Key}] = f
			m.forming.timers.set(f, f.Due)
		}
	}
}

// formingOf are those of a rule, in the order of Since and keys.
func (m *Machine) formingOf(id RuleID) []*Forming { return m.Forming[hex.EncodeToString(id[:])] }

func (m *Machine) setForming(id RuleID, all []*Forming) {
	switch name := hex.EncodeToString(id[:]); {
	case len(all) == 0:
		delete(m.Forming, name)
	case m.Forming == nil:
		m.Forming = map[string][]*Forming{name: all}
	default:
		m.Forming[name] = all
	}
}

// placeForming finds the rules of those that form.
func (m *Machine) placeForming(c *compiled) {
	for _, id := range sortedKeys(m.Forming) {
		place, ok := c.places[id]
		for _, f := range slices.Clone(m.Forming[id]) {
			if f.place = place; !ok {
				m.dropForming(f)
			}
		}
	}
}

// reviewForming looks at all that form: another rule set may want another time.
func (m *Machine) reviewForming() {
	for _, all := range m.Forming { // the order does not show
		for _, f := range all {
			m.lookAt(f, m.Time)
		}
	}
}

// isForming tells whether what is true of a key is not an alert yet, and notes it.
func (m *Machine) isForming(rule *rules.Rule) bool {
	say, of := &m.say, alertKey{rule.ID, m.say.Key}
	if rule.For == 0 || m.Behavior < 3 {
		return false
	}
	f, a := m.forming.of[of], m.alertOf[of]
	switch {
	case f != nil:
		f.Uncertain, f.Value = f.Uncertain && say.Uncertain, say.Value
		m.lookAt(f, min(f.Due, say.Due))
		if f.Told && say.Uncertain {
			return false // it renews what stands
		}
		if !f.Uncertain {
			m.live.timers.set(f.place, m.Time) // it may be proven
		}
		return true
	case a != nil, m.isOver(rule, say.Key):
		return false
	case len(m.formingOf(rule.ID)) >= maxForming:
		m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: "pending"})
		return true
	}
	f = &Forming{RuleID: rule.ID, Key: say.Key, Text: slices.Clone(say.Text), Since: m.Time, Value: say.Value, Uncertain: say.Uncertain}
	f.place = m.live.places[hex.EncodeToString(rule.ID[:])]
	m.forming.of[of] = f
	m.sortIn(f)
	m.lookAt(f, min(say.Due, f.Since+int64(rule.For)))
	m.versions.Alerts++
	return true
}

// isOver tells whether a key is one of those that an alert over the rule's limit stands for.
func (m *Machine) isOver(rule *rules.Rule, key window.Key) bool {
	for _, uncertain := range [2]bool{false, true} {
		if a := m.alertOf[alertKey{rule.ID, m.overLimit(uncertain)}]; a != nil {
			if _, known := slices.BinarySearchFunc(a.Keys, key, compareKeys); known {
				return true
			}
		}
	}
	return false
}

func (m *Machine) sortIn(f *Forming) {
	all := m.formingOf(f.RuleID)
	i, _ := slices.BinarySearchFunc(all, f, compareForming)
	m.setForming(f.RuleID, slices.Insert(all, i, f))
}

func (m *Machine) sortOut(f *Forming) {
	all := m.formingOf(f.RuleID)
	if i, ok := slices.BinarySearchFunc(all, f, compareForming); ok {
		m.setForming(f.RuleID, slices.Delete(all, i, i+1))
	}
}

func (m *Machine) lookAt(f *Forming, due int64) {
	f.Due = due
	m.forming.timers.set(f, due)
}

func (m *Machine) dropForming(f *Forming) {
	of := alertKey{f.RuleID, f.Key}
	if m.forming.of[of] != f {
		return
	}
	delete(m.forming.of, of)
	m.sortOut(f)
	m.forming.timers.drop(f)
	m.versions.Alerts++
}

// breaks looks at what forms of a key of which an event has made nothing true. One that
// came late and shows that it was untrue in between lets it begin anew.
func (m *Machine) breaks(f *Forming, state form.State, withdrawn bool, at int64) {
	m.say.Reset()
	state.Ask(m.Time, f.Key, &m.say)
	switch {
	case m.say.Answer == form.Untrue:
		m.dropForming(f)
	case m.say.Answer == form.True && withdrawn && at >= f.Since:
		if a := m.alertOf[alertKey{f.RuleID, f.Key}]; f.Told && a != nil {
			m.end(a, record.New(record.Withdrawn)) // and f with it
			return
		}
		m.sortOut(f)
		f.Since, f.Heard = m.Time, false
		m.sortIn(f)
		m.lookAt(f, min(m.say.Due, f.Since+int64(m.live.set.Rules[f.place].For)))
	}
}

// formAlerts looks at those whose time has come, in the order of the rules and keys.
func (m *Machine) formAlerts() {
	due := m.forming.timers.due(m.Time)
	slices.SortFunc(due, func(a, b *Forming) int { return cmp.Or(cmp.Compare(a.place, b.place), compareKeys(a.Key, b.Key)) })
	for _, f := range due {
		if f.Due > m.Time || m.live == nil {
			m.forming.timers.set(f, f.Due)
			continue
		}
		m.ripen(f)
	}
}

// ripe is the ledger time at which it has been true for long enough.
func (m *Machine) ripe(f *Forming) int64 { return f.Since + int64(m.live.set.Rules[f.place].For) }

// heardOut tells whether all who report the rule's events were heard past a time, also
// where it could not read them: what is true does not end by that.
func (m *Machine) heardOut(i int, past int64) bool {
	if m.unserved(i) {
		return false
	}
	for s := range m.live.waiting.sources[i] {
		if min(m.heardBy(i, s), m.Time) < past {
			return false
		}
	}
	return true
}

// ripen asks whether it is still true, and makes an alert of it when it is time.
func (m *Machine) ripen(f *Forming) {
	rule, ripe := m.live.set.Rules[f.place], m.ripe(f)
	m.say.Reset()
	m.live.states[f.place].Ask(m.Time, f.Key, &m.say)
	answer, again := m.say.Answer, max(m.say.Due, m.Time+1)
	if answer == form.Untrue {
		m.dropForming(f)
		return
	}
	if answer == form.True {
		f.Value = m.say.Value
	}
	proven := m.Time >= ripe && !f.Uncertain && m.heardOut(f.place, ripe)
	late := ripe + int64(min(rule.For, formingGrace))
	if m.unserved(f.place) {
		late = max(late, m.Serving+int64(servedFor))
	}
	f.Heard = proven && answer == form.Unclear
	switch {
	case answer == form.Unclear:
		m.lookAt(f, again)
	case proven:
		m.formed(f, again, false)
		m.dropForming(f)
	case m.Time >= late && !f.Told:
		f.Told = true
		m.formed(f, again, true)
		m.lookAt(f, again)
	case f.Told:
		m.lookAt(f, again)
	case m.Time < ripe:
		m.lookAt(f, min(again, ripe))
	default:
		m.lookAt(f, min(again, late))
	}
	m.await(f.place)
}

// proveForming looks at those of a rule that wait only for what was heard.
func (m *Machine) proveForming(i int) {
	for _, f := range slices.Clone(m.formingOf(m.live.set.Rules[i].ID)) {
		if ripe := m.ripe(f); ripe > m.Time {
			return
		} else if !f.Heard && !f.Uncertain && m.heardOut(i, ripe) {
			m.ripen(f)
		}
	}
}

// overdue is the earliest time past which those who report a rule's events must be heard
// because of what forms; 0 for none.
func (m *Machine) overdue(i int) (first int64) {
	for _, f := range m.formingOf(m.live.set.Rules[i].ID) {
		if ripe := m.ripe(f); !f.Heard && !f.Uncertain && ripe <= m.Time {
			return ripe
		}
	}
	return 0
}

// formed makes an alert of what is true of a key, which is to be looked at again.
func (m *Machine) formed(f *Forming, again int64, uncertain bool) {
	rule, state, say := m.live.set.Rules[f.place], m.live.states[f.place], &m.say
	say.Reset()
	state.Since(m.Time, f.Key, 0, say)
	fresh := say.Answer == form.True
	if !fresh || len(say.Evidence) == 0 {
		say.Reset()
		if r, ok := state.(form.Recounter); ok {
			r.Find(m.Time, f.Key, say)
		} else {
			state.Ask(m.Time, f.Key, say)
		}
	}
	say.Answer, say.Fresh, say.Uncertain = form.True, fresh && !f.Back, uncertain
	say.Key, say.Text, say.Due = f.Key, f.Text, again
	m.raised(rule, m.live.stats[f.place]).Backfilled = f.Back
}

// FormingView are alerts to be, as they would be raised now: Since says since when.
func (m *Machine) FormingView() (out []Alert) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil {
		return nil
	}
	var all []*Forming
	for _, id := range sortedKeys(m.Forming) {
		all = append(all, m.Forming[id]...)
	}
	for _, f := range all {
		if f.Told {
			continue // an alert says it
		}
		rule := m.live.set.Rules[f.place]
		a := Alert{Rule: rule.Name, Group: rule.Group, RuleID: rule.ID, Key: f.Key, Since: f.Since, Raised: f.Since, Value: f.Value}
		labels := append([]Label{{Name: "alertname", Value: rule.Name}}, keyLabels(rule, f.Text)...)
		for _, l := range rule.Labels {
			labels = append(labels, Label{Name: l.Name, Value: l.Value})
		}
		slices.SortStableFunc(labels, compareNames)
		a.Labels = slices.CompactFunc(labels, func(x, y Label) bool { return x.Name == y.Name })
		for _, l := range rule.Annotations {
			a.Annotations = append(a.Annotations, Label{Name: l.Name, Value: l.Value})
		}
		out = append(out, a)
	}
	return out
}

// keyLabels are the labels that a key gives an alert.
func keyLabels(rule *rules.Rule, text []byte) (labels []Label) {
	for i, value := range match.Labels(text) {
		if value == "" && rule.By[i].Optional {
			continue // to people and to who tells them, an empty label is none
		}
		labels = append(labels, Label{Name: rule.By[i].Label, Value: clip(value)})
	}
	return labels
}

// soundForming tells whether what traveled as JSON has no holes.
func soundForming(all map[string][]*Forming) bool {
	for _, of := range all { // the order does not show
		if slices.Contains(of, nil) || !slices.IsSortedFunc(of, compareForming) {
			return false
		}
	}
	return true
}
