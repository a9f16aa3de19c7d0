package machine

import (
	"encoding/json"
	"fmt"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
)

// past is what snapshots before version 4 called by other names.
type past struct {
	Switch Automatic
	Gates  map[string]*struct {
		Agreed []Approval
		Held   *RefusedPayments
	}
}

// bringUp makes the state of an earlier format what it would be in this one.
// Steps, causes and results that were prose are of kind Legacy: package record
// reads them so.
func (st *state) bringUp(format byte, text []byte) error {
	if format == 1 {
		st.agentsOfSpools()
	}
	if format < 3 {
		st.openedByOne()
	}
	if format >= 4 {
		return nil
	}
	var old past
	if err := json.Unmarshal(text, &old); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	st.Behavior, st.Automatic = firstBehavior, old.Switch
	for _, name := range sortedKeys(old.Gates) {
		g := old.Gates[name]
		if st.Gates[name] == nil || g == nil {
			return errSnapshot
		}
		st.Gates[name].Refused = g.Held
		for _, a := range g.Agreed {
			a.Subject = Subject{entry.DoOpen, name}
			st.Approvals = append(st.Approvals, a)
		}
	}
	for _, e := range st.Effects {
		e.Action = rules.GateClose // there was no other
	}
	for _, h := range st.Holds {
		if h.Cause == ByRestore && h.Because.IsZero() && h.Reason != "" {
			h.Because, h.Reason = record.New(record.Legacy, h.Reason), ""
		}
	}
	for _, a := range append(st.Alerts, st.Gone...) {
		if a.builtIn() {
			a.About, a.Annotations = legacySummary(a.Annotations), nil
		}
	}
	return nil
}

// legacySummary is what a built-in alert said when it said it in prose.
func legacySummary(annotations []Label) record.Note {
	for _, l := range annotations {
		if l.Name == "summary" {
			return record.New(record.Legacy, l.Value)
		}
	}
	return record.Note{}
}

// agentsOfSpools makes the agents known whose blocks were applied before agents
// were kept.
func (st *state) agentsOfSpools() {
	st.Agents = map[string]*Agent{}
	for _, s := range st.Spools {
		a := st.Agents[s.Agent]
		if a == nil {
			a = &Agent{ID: s.Agent}
			st.Agents[a.ID] = a
		}
		a.Heard = max(a.Heard, s.Entered)
	}
}

// openedByOne makes gates what they were when it took one person to open them.
func (st *state) openedByOne() {
	for _, g := range st.Gates {
		g.Opening = rules.Opening{Approvals: 1}
	}
}

// readPastStates reads the states of rules as formats before 4 have them, without
// their lengths. Behind that of a rule which no longer loads nothing can be read:
// the rules whose state stood there count anew.
func (st *state) readPastStates(b []byte, count uint32, bodies map[RuleID]form.Rule) error {
	for range count {
		if len(b) < 16 {
			return errSnapshot
		}
		id := RuleID(b)
		body := bodies[id]
		if body == nil {
			return nil
		}
		loaded, rest, err := body.Load(b[16:])
		if err != nil {
			return fmt.Errorf("snapshot: rule %x: %w", id, err)
		}
		st.states[id], b = loaded, rest
	}
	if len(b) != 0 {
		return errSnapshot
	}
	return nil
}
