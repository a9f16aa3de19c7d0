package machine

import (
	"encoding/hex"
	"math"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// oweAll notes that rules, by their places, have begun to count and know nothing of
// what came before. It tells since when that is wanted; 0 if none wants anything.
func (m *Machine) oweAll(places []int) (from int64) {
	for _, i := range places {
		rule := m.live.set.Rules[i]
		state, ok := m.live.states[i].(form.Recounter)
		if !ok {
			continue
		}
		state.Forget(m.Time, m.Index, m.Time)
		rc := m.recountOf(rule)
		rc.Fill = &Fill{Index: m.Index, From: max(0, m.Time-int64(rule.Body.Horizon())), Live: m.Time}
		if from == 0 || rc.Fill.From < from {
			from = rc.Fill.From
		}
	}
	return from
}

// fill takes in what came before a rule counted, some keys of it at a time. What has
// been made true by an event since is acted on; what was true before is told, and acted
// on when another event makes it true: nobody is to be stopped by an edit of a rule.
func (m *Machine) fill(r entry.Recount, rc *Recount, place int, state form.Recounter) any {
	rule := m.live.set.Rules[place]
	var out RecountOutcome
	if rc.Fill == nil || rc.Fill.Index != r.Fill {
		return out // of an earlier rule set
	}
	for _, k := range r.Keys {
		back, err := readBack(k.Events, columnsOf(rule))
		if err != nil {
			return err
		}
		known(state, rc.Fill.From, math.MaxInt64, r.Lost)
		n := m.comeBack(place, state, k, back, window.MakeRef(rc.Fill.Index, 0))
		if out.Events += n; n > 0 && m.alertOf[alertKey{rule.ID, k.Key}] == nil {
			m.backfill(rule, state, k)
		}
	}
	if !r.Filled {
		return out
	}
	state.Forget(m.Time, m.Index, rc.Fill.From)
	if r.Lost {
		rc.Full = rc.Fill.Live + int64(rule.Body.Horizon())
	}
	m.remind(place, m.Time) // what waited for it may be proven
	rc.Fill = nil
	rc.oldest()
	m.reviewRecount(r.Rule)
	return out
}

// backfill raises an alert of what is true of a key by what came before.
func (m *Machine) backfill(rule *rules.Rule, state form.Recounter, k entry.RecountKey) {
	m.say.Reset()
	if state.Find(m.Time, k.Key, &m.say); m.say.Answer == form.True {
		m.say.Key, m.say.Text = k.Key, k.Text
		if m.isForming(rule) {
			if f := m.forming.of[alertKey{rule.ID, k.Key}]; f != nil {
				f.Back = true
			}
			return
		}
		m.fire(rule, &m.say).Backfilled = true
	}
}

// countsAnew are the rules that would close a gate and have not seen a whole window.
func (m *Machine) countsAnew(gate string) (names []string) {
	if m.live == nil || len(m.Recounts) == 0 {
		return nil
	}
	for _, i := range m.live.closers[gate] {
		r := m.live.set.Rules[i]
		rc := m.Recounts[hex.EncodeToString(r.ID[:])]
		if rc != nil && (rc.Fill != nil || rc.Full > m.Time) {
			names = append(names, r.Name)
		}
	}
	return names
}
