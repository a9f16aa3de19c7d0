package machine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
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
		refusal = m.approveEffect(d)
	case entry.DoDecline:
		refusal = m.declineEffect(d)
	case entry.DoUndo:
		return m.undo(d)
	case entry.DoSwitch:
		refusal = m.switchAutomatic(d)
	case entry.DoForget:
		refusal = m.forget(d)
	case entry.DoTime:
		refusal = m.acceptTime(d)
	default:
		refusal = invalid("do", record.NoDecision, clip(d.Do))
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

func (m *Machine) closeGate(d entry.Decision) *Refusal {
	if m.gate(d.Gate) == nil {
		return notFound(record.NoGate, d.Gate)
	}
	if blank(d.Reason) {
		return invalid("reason", record.WantReasonClose)
	}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(d.Match)) {
		if size += len(d.Match[k]); size > maxMatch && m.Behavior >= 3 {
			return invalid("match."+k, record.MatchTooLong, decimalOf(maxMatch))
		}
		if !slices.Contains(report.Matchable, k) || d.Match[k] == "" {
			return invalid("match."+k, record.BadMatch, strings.Join(report.Matchable, ", "))
		}
		if m.Behavior >= 3 && isMask(d.Match[k]) { // it would hold nobody
			return invalid("match."+k, record.MaskedMatch, k)
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

func (m *Machine) judge(d entry.Decision) *Refusal {
	in := m.incident(d.Incident)
	switch {
	case in == nil:
		return notFound(record.NoIncident, d.Incident)
	case !isVerdict(d.Verdict):
		return invalid("verdict", record.BadVerdict, cut(d.Verdict, 40))
	}
	in.Verdict = d.Verdict
	m.appendStep(in.ID, d.Actor, record.New(record.VerdictGiven, d.Verdict, d.Reason))
	if m.Behavior >= 3 {
		m.endJudged(m.members(in), d)
	}
	m.settle(in.ID, 0, record.Note{})
	return nil
}

// restored closes every gate until a person opens it: what was decided between
// the backup and now is not known.
func (m *Machine) restored(r entry.Restored) any {
	m.Restored = m.Time
	m.Serving, m.Steady = m.Time, m.Time // since the backup nobody was heard
	if r.Cell != "" {
		m.Cell = r.Cell
	}
	because := record.New(record.RestoredFrom, decimalOf(r.Backup.UnixNano()))
	for _, name := range slices.Sorted(maps.Keys(m.Gates)) {
		if m.Gates[name].Defined {
			m.hold(&Hold{Gate: name, By: r.Actor, Cause: ByRestore, Because: because})
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
	m.hold(&Hold{Gate: gate, By: "restore", Cause: ByRestore, Because: record.New(record.UnknownToFiles)})
}
