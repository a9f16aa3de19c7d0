package machine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

// decide carries out what a person decided, or says why not. It is nil, Pending
// or a *Refusal.
func (m *Machine) decide(d entry.Decision) any {
	var refusal *Refusal
	switch d.Do {
	case entry.DoClose:
		refusal = m.closeGate(d)
	case entry.DoOpen:
		return m.openGate(d)
	case entry.DoVerdict:
		refusal = m.judge(d)
	case entry.DoApprove:
		refusal = m.approve(d)
	case entry.DoUndo:
		return m.undo(d)
	case entry.DoSwitch:
		refusal = m.turnSwitch(d)
	case entry.DoForget:
		refusal = m.forget(d)
	default:
		refusal = invalid("do", "nobody can decide %q", d.Do)
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

func (m *Machine) closeGate(d entry.Decision) *Refusal {
	if m.gate(d.Gate) == nil {
		return notFound("no gate %s", d.Gate)
	}
	if strings.TrimSpace(d.Reason) == "" {
		return invalid("reason", "say why the gate is closed: others will read it before they open it")
	}
	for _, k := range slices.Sorted(maps.Keys(d.Match)) {
		if !slices.Contains(report.Matchable, k) || d.Match[k] == "" {
			return invalid("match."+k, "a hold names a payment by %s", strings.Join(report.Matchable, ", "))
		}
	}
	match := d.Match
	if len(match) == 0 {
		match = nil
	}
	for _, h := range m.holdsOn(d.Gate) {
		// The same decision again: an answer was lost on its way.
		if h.Cause == ByPerson && h.By == d.Actor && h.Reason == d.Reason && maps.Equal(h.Match, match) {
			return nil
		}
	}
	m.hold(&Hold{Gate: d.Gate, By: d.Actor, Cause: ByPerson, Reason: d.Reason, Match: match})
	return nil
}

func isVerdict(v string) bool {
	return v == VerdictReal || v == VerdictFalse || v == VerdictTest
}

func incidentsOf(holds []*Hold) (out []string) {
	for _, h := range holds {
		if h.Incident != "" && !slices.Contains(out, h.Incident) {
			out = append(out, h.Incident)
		}
	}
	return out
}

// accept marks the evidence of the holds' alerts as no reason to close again.
func (m *Machine) accept(holds []*Hold) {
	for _, h := range holds {
		a := m.byID[h.Alert]
		if a == nil || m.windows[a.RuleID] == nil {
			continue
		}
		keys := a.Keys
		if keys == nil {
			keys = []window.Key{a.Key}
		}
		for _, key := range keys {
			if run, ok := m.windows[a.RuleID].Get(key); ok {
				for i := range run.Len() {
					run.Accept(i)
				}
			}
		}
	}
}

func (m *Machine) judge(d entry.Decision) *Refusal {
	in := m.incident(d.Incident)
	switch {
	case in == nil:
		return notFound("no incident %s", d.Incident)
	case !isVerdict(d.Verdict):
		return invalid("verdict", "found %.40q, want real, false or test", d.Verdict)
	}
	in.Verdict = d.Verdict
	text := "verdict " + d.Verdict
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	m.note(in.ID, d.Actor, text)
	m.settle(in.ID, 0, "")
	return nil
}

func (m *Machine) approve(d entry.Decision) *Refusal {
	e := m.effects[d.Effect]
	switch {
	case e == nil:
		return notFound("no effect %s", d.Effect)
	case e.State != Planned || e.Mode != rules.Approve:
		return conflict("effect %s (%s) is %s: only a planned one in mode approve waits for approval", e.ID, e.Mode, e.State)
	case m.over(e):
		return conflict("the alert %s of effect %s has ended: close the gate by hand if it should be closed", e.Alert, e.ID)
	}
	e.Actor = d.Actor
	m.note(e.Incident, d.Actor, "effect "+e.ID+" approved")
	m.carryOut(e, m.byID[e.Alert].Rule)
	return nil
}

// undo takes back an effect, under the rules by which its gate opens.
func (m *Machine) undo(d entry.Decision) any {
	e := m.effects[d.Effect]
	switch {
	case e == nil:
		return notFound("no effect %s", d.Effect)
	case e.Hold == "" || e.State == Undone:
		return conflict("effect %s is %s: there is nothing to undo", e.ID, e.State)
	}
	d.Gate, d.Hold = e.Target, e.Hold
	return m.openGate(d)
}

// restored closes every gate until a person opens it: what was decided between
// the backup and now is not known.
func (m *Machine) restored(r entry.Restored) any {
	m.Restored = m.Time
	m.Serving, m.Steady = m.Time, m.Time // since the backup nobody was heard
	if r.Cell != "" {
		m.Cell = r.Cell
	}
	text := "restored from the backup of " + r.Backup.UTC().Format("2006-01-02 15:04:05 MST") + ": what happened since is not known"
	for _, name := range slices.Sorted(maps.Keys(m.Gates)) {
		if m.Gates[name].Defined {
			m.hold(&Hold{Gate: name, By: r.Actor, Cause: ByRestore, Reason: text})
		}
	}
	return nil
}

// restoredGates is how long after a restore a gate that the backup did not
// know begins closed: it may have been closed when the backup was made up for.
const restoredGates = time.Hour

// holdUnknown closes a new gate of the first rule set after a restore.
func (m *Machine) holdUnknown(gate string) {
	if m.Restored == 0 || m.Time-m.Restored > int64(restoredGates) {
		return
	}
	m.hold(&Hold{Gate: gate, By: "restore", Cause: ByRestore, Reason: "the backup that was restored does not know this gate"})
}
