package machine

import (
	"cmp"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A Recount is what a rule is owed of the events that it forgot.
type Recount struct {
	Since int64     // ledger time since when the oldest of it is owed
	Fill  *Fill     `json:",omitempty"` // all keys, of what came before the rule counted
	Full  int64     `json:",omitempty"` // ledger time at which it has seen a whole window, if the tape had none
	Keys  []Waiting `json:",omitempty"` // sorted by key and time
	Lost  int64     `json:",omitempty"` // ledger time at which something last could not be told again
	Alert string    `json:",omitempty"` // EventsLate, while it stands
	Lag   [2]int64  `json:",omitzero"`  // by how much the events that wait were late, least and most
}

// A Fill is what a new or changed rule is owed.
type Fill struct {
	Index uint64 // of the entry that made it count: what came before is wanted
	From  int64  // the time of events since when
	Live  int64  // ledger time of that entry
}

// Waiting is a key with events that came so late that something was forgotten which
// they may count with.
type Waiting struct {
	Key      window.Key
	Text     []byte     // of the key, as in match.Hit
	First    window.Ref // the first of the events
	From, To int64      // the times of what they may count with
	Since    int64      // ledger time of the first
}

const (
	maxWaiting = 10_000           // keys of one rule
	waitGrows  = 10 * time.Second // how long a key that waits may come to wait for more
	lateAfter  = 30 * time.Second // how long a recount may be due before people are told
	lateStands = 24 * time.Hour   // how long they are told that it did not find all
)

func compareWaiting(a, b Waiting) int {
	return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.From, b.From))
}

// owe notes that the event which is being counted may count with something that the
// rule forgot. What was shed may have come since a fill began.
func (m *Machine) owe(rule *rules.Rule, state form.Recounter, shed bool) {
	e := &m.event
	m.oweKey(rule, state, Waiting{Key: e.Key, Text: e.Hit.Key, First: e.Ref}, e.Time, shed)
}

// oweKey notes that an event of a time may count with what the rule forgot of a key.
func (m *Machine) oweKey(rule *rules.Rule, state form.Recounter, w Waiting, at int64, shed bool) {
	reach, rc := state.Reach(), m.recountOf(rule)
	if !shed && rc.Fill != nil && at-reach >= rc.Fill.From {
		return // that is on its way
	}
	lag := m.Time - at
	if rc.Lag[0] == 0 || len(rc.Keys) == 0 {
		rc.Lag = [2]int64{lag, lag}
	}
	rc.Lag = [2]int64{min(rc.Lag[0], lag), max(rc.Lag[1], lag)}
	w.From, w.To, w.Since = at-reach, at+reach, m.Time
	m.wait(rc, w)
	if shares(state) {
		w.Key = form.WholeKey
		m.wait(rc, w)
	}
}

// shares tells whether a rule counts all events together too.
func shares(state form.State) bool {
	whole, ok := state.(form.Whole)
	return ok && whole.Whole()
}

// known tells a rule that counts all events together between which times all of them
// have come back.
func known(state form.Recounter, from, to int64, lost bool) {
	if shares(state) && !lost {
		state.(form.Whole).Known(from, to)
	}
}

// wait notes what events of a key wait for.
func (m *Machine) wait(rc *Recount, w Waiting) {
	i, _ := slices.BinarySearchFunc(rc.Keys, w, compareWaiting)
	for _, near := range [2]int{i - 1, i} {
		if near < 0 || near >= len(rc.Keys) || !rc.Keys[near].takes(w) {
			continue
		}
		old := rc.Keys[near]
		rc.Keys = slices.Delete(rc.Keys, near, near+1)
		old.From, old.To = min(old.From, w.From), max(old.To, w.To)
		rc.add(old)
		return
	}
	if len(rc.Keys) >= maxWaiting {
		m.lost(rc)
		return
	}
	w.Text = slices.Clone(w.Text)
	rc.add(w)
}

func (rc *Recount) add(w Waiting) {
	i, _ := slices.BinarySearchFunc(rc.Keys, w, compareWaiting)
	rc.Keys = slices.Insert(rc.Keys, i, w)
}

// takes tells whether another can wait with it: of the same key and of times that
// touch. After a while only what asks for no more of the tape can, else one to which
// events come all the time would never have all that it waits for.
func (w Waiting) takes(o Waiting) bool {
	switch {
	case w.Key != o.Key || w.From > o.To || o.From > w.To:
		return false
	case o.Since-w.Since < int64(waitGrows):
		return true
	}
	return w.From <= o.From && o.To <= w.To
}

// recountOf is what is owed to a rule.
func (m *Machine) recountOf(rule *rules.Rule) *Recount {
	id := hex.EncodeToString(rule.ID[:])
	rc := m.Recounts[id]
	if rc == nil {
		if m.Recounts == nil {
			m.Recounts = map[string]*Recount{}
		}
		rc = &Recount{}
		m.Recounts[id] = rc
	}
	if !rc.owed() {
		rc.Since = m.Time
	}
	return rc
}

// oldest finds since when the oldest of it is owed, when some no longer is.
func (rc *Recount) oldest() {
	first := int64(math.MaxInt64)
	if rc.Fill != nil {
		first = rc.Fill.Live
	}
	for _, w := range rc.Keys {
		first = min(first, w.Since)
	}
	if rc.owed() {
		rc.Since = first
	}
}

// owed tells whether anything is.
func (rc *Recount) owed() bool { return len(rc.Keys) > 0 || rc.Fill != nil }

// lost notes that not all could be told again that an event may count with.
func (m *Machine) lost(rc *Recount) { rc.Lost = m.Time }

// RecountOutcome says how many events came back to a rule.
type RecountOutcome struct{ Events int }

// recount takes in what a rule forgot, as the leader read it from the tape, and judges
// what it was forgotten for.
func (m *Machine) recount(r entry.Recount) any {
	m.aliasBack(r.Aliases)
	rc := m.Recounts[r.Rule]
	place, state := m.recounted(r.Rule)
	if rc == nil || state == nil {
		return RecountOutcome{} // of a rule that is gone
	}
	rule := m.live.set.Rules[place]
	if r.Fill != 0 {
		return m.fill(r, rc, place, state)
	}
	var out RecountOutcome
	first := rc.settle(r.Keys)
	for i, k := range r.Keys {
		back, err := readBack(k.Events, columnsOf(rule))
		if err != nil {
			return err
		}
		if from, waits := first[i]; waits || k.Key == form.WholeKey {
			known(state, k.From, k.To, r.Lost)
			out.Events += m.comeBack(place, state, k, back, from)
		}
	}
	if r.Lost {
		m.lost(rc)
	}
	m.reviewRecount(r.Rule)
	return out
}

// recounted is the place and the state of a live rule, by its id in hex; nil if it cannot
// be told again what it forgot.
func (m *Machine) recounted(id string) (place int, state form.Recounter) {
	if m.live == nil || m.Behavior < form.LateCounts {
		return 0, nil
	}
	place, ok := m.live.places[id]
	if !ok {
		return 0, nil
	}
	state, _ = m.live.states[place].(form.Recounter)
	return place, state
}

// settle drops what waited for the events of some keys and says, by the place of each
// key for which anything waited, which event was the first.
func (rc *Recount) settle(keys []entry.RecountKey) map[int]window.Ref {
	places, first := map[window.Key][]int{}, map[int]window.Ref{}
	for i, k := range keys {
		places[k.Key] = append(places[k.Key], i)
	}
	rc.Keys = slices.DeleteFunc(rc.Keys, func(w Waiting) bool {
		for _, i := range places[w.Key] {
			if w.From < keys[i].From || w.To > keys[i].To {
				continue
			}
			if ref, ok := first[i]; !ok || w.First < ref {
				first[i] = w.First
			}
			return true
		}
		return false
	})
	rc.oldest()
	return first
}

// comeBack gives a rule what it forgot of one key, and acts on what it has to say.
func (m *Machine) comeBack(place int, state form.Recounter, k entry.RecountKey, back []form.Back, from window.Ref) int {
	rule, stats := m.live.set.Rules[place], m.live.stats[place]
	if !match.IsKey(k.Text, len(rule.By)) && !(len(k.Text) == 0 && slices.Contains(commonOf(rule), true)) {
		return 0 // written by no edge
	}
	say := &m.say
	say.Reset()
	say.Text = k.Text
	n := state.Recount(m.Time, k.Key, back, from, say)
	stats.Recounted += uint64(n)
	m.Events.Recounted += uint64(n)
	m.fellShort(place)
	if say.Wake != 0 {
		m.live.timers.set(place, say.Wake)
	}
	if say.Answer == form.True {
		say.Key, say.Text = k.Key, k.Text
		m.isTrue(rule, stats)
	} else if n > 0 {
		say.Withdrawn = true
		m.notTrue(rule, state, k.Key, latestOf(back, from))
	}
	return n
}

// latestOf is the time of the latest event that arrived at from or later; 0 if none did.
// What forms began before it, and was not true when it happened.
func latestOf(back []form.Back, from window.Ref) (at int64) {
	for i := range back {
		if back[i].Ref >= from {
			at = max(at, back[i].Time)
		}
	}
	return at
}

// recountsDue is when people must be told that a recount is due; 0 for never.
func (m *Machine) recountsDue() (first int64) {
	for _, rc := range m.Recounts {
		if at := rc.Since + int64(lateAfter); rc.owed() && rc.Alert == "" && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// reviewRecounts tells of recounts that have been due for long.
func (m *Machine) reviewRecounts() {
	for _, id := range sortedKeys(m.Recounts) {
		if rc := m.Recounts[id]; rc.owed() && rc.Alert == "" && rc.Since+int64(lateAfter) <= m.Time {
			m.reviewRecount(id)
		}
	}
}

// reviewRecount raises, keeps or ends EventsLate of a rule: it stands while a recount
// has been due for long, and for a day if one did not find all.
func (m *Machine) reviewRecount(id string) {
	rc := m.Recounts[id]
	place, state := m.recounted(id)
	late := rc.owed() && rc.Since+int64(lateAfter) <= m.Time
	lost := max(rc.lostUntil(), rc.Full) > m.Time
	if state != nil && (late || lost) {
		m.tellLate(rc, place, late)
		return
	}
	if a := m.byID[rc.Alert]; a != nil && a.Ended == 0 {
		m.end(a, record.New(record.NoLongerTrue))
	}
	rc.Alert = ""
	if !lost {
		rc.Lost, rc.Full = 0, 0
	}
	if !rc.owed() && !lost {
		delete(m.Recounts, id)
	}
}

func (m *Machine) tellLate(rc *Recount, place int, late bool) {
	rule := m.live.set.Rules[place]
	a := m.aboutAs(eventsLate, m.gravity(place), []Label{{Name: "group", Value: clip(rule.Group)}, {Name: "rule", Value: clip(rule.Name)}})
	rc.Alert, a.Updated = a.ID, m.Time
	a.Value = decimalOf(len(rc.Keys))
	if late {
		a.About = record.New(record.AboutFill, rule.Name)
		if rc.Fill == nil {
			a.About = record.New(record.AboutLate, rule.Name, constantLag(rc.Lag))
		}
		a.Due = 0
		m.alertTimers.drop(a)
		return
	}
	a.About = record.New(record.AboutLateLost, rule.Name)
	if rc.Full > rc.lostUntil() {
		a.About = record.New(record.AboutFillLost, rule.Name)
	}
	m.wake(a, max(rc.lostUntil(), rc.Full))
}

// lostUntil is how long people are told that not all was found; 0 if all was.
func (rc *Recount) lostUntil() int64 {
	if rc.Lost == 0 {
		return 0
	}
	return rc.Lost + int64(lateStands)
}

// reviewLate looks again at an alert EventsLate whose time has come.
func (m *Machine) reviewLate(a *Alert) {
	a.Due = 0
	for _, id := range sortedKeys(m.Recounts) {
		if m.Recounts[id].Alert == a.ID {
			m.reviewRecount(id)
			return
		}
	}
	m.end(a, record.New(record.NoLongerTrue))
}

// constantLag is by how much all events are late, in nanoseconds, to the minute, if it
// is about the same for all and no accident: a clock or a time zone that is wrong.
// Empty if it is not.
func constantLag(lag [2]int64) string {
	const about, least = int64(2 * time.Minute), int64(20 * time.Minute)
	if lag[1]-lag[0] > about || lag[0] < least {
		return ""
	}
	return decimalOf(int64(time.Duration(lag[0]).Round(time.Minute)))
}

// regradeLate raises EventsLate anew of rules that can now close a gate, or no longer
// can.
func (m *Machine) regradeLate() {
	for _, id := range sortedKeys(m.Recounts) {
		a := m.byID[m.Recounts[id].Alert]
		place, state := m.recounted(id)
		if a == nil || a.Ended != 0 || state == nil || a.Label("severity") == m.gravity(place) {
			continue
		}
		m.end(a, record.New(record.Regraded))
		m.reviewRecount(id)
	}
}

// dropRecounts forgets what is owed to rules that are gone.
func (m *Machine) dropRecounts(live map[RuleID]bool) {
	for _, id := range sortedKeys(m.Recounts) {
		raw, err := hex.DecodeString(id)
		if err == nil && len(raw) == len(RuleID{}) && live[RuleID(raw)] {
			continue
		}
		if a := m.byID[m.Recounts[id].Alert]; a != nil && a.Ended == 0 {
			m.end(a, record.New(record.RuleRemoved))
		}
		delete(m.Recounts, id)
	}
	if len(m.Recounts) == 0 {
		m.Recounts = nil
	}
}

// soundRecounts tells whether what is owed is as it was written.
func soundRecounts(all map[string]*Recount) bool {
	for _, rc := range all {
		if rc == nil || !slices.IsSortedFunc(rc.Keys, compareWaiting) {
			return false
		}
	}
	return true
}
