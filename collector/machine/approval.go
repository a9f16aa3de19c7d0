package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

const (
	// approvedFor is how long one person's approval waits for another's.
	approvedFor = time.Hour
	// maxApprovals bounds those of one decision; the oldest gives way.
	maxApprovals = 16
)

// A Subject is a decision that can take several people: what is to be done, and
// to what.
type Subject struct {
	Do   string // entry.DoOpen: the name is a gate's
	Name string
}

// An Approval is one person's wish that something is decided.
type Approval struct {
	Subject
	Actor   string
	At      int64 // ledger time
	Reason  string
	Verdict string `json:",omitempty"`
	Hold    string `json:",omitempty"` // of an opening: the one hold to lift; empty for all that there are
	AsOf    uint64 `json:",omitempty"` // of an opening: up to which entry it judges
	// Of an opening: the rules that are to be in shadow, and for how long.
	Shadow    []string      `json:",omitempty"`
	ShadowFor time.Duration `json:",omitempty"`
}

// Pending is the outcome of a decision that takes more people: nothing has
// happened yet. Approvals are those by name, for the same.
type Pending struct{ Approvals, Needed int }

// Named tells whether an actor is a person by name. Whoever has the loopback
// address or the socket of a host is none: two of those may be one person.
func Named(actor string) bool {
	return actor != "" && actor != "local" && !strings.HasPrefix(actor, "uid:")
}

func (a Approval) lapsed(now int64) bool { return now-a.At >= int64(approvedFor) }

// approvals are those of one decision, the oldest first.
func (m *Machine) approvals(of Subject) (out []Approval) {
	for _, a := range m.Approvals {
		if a.Subject == of {
			out = append(out, a)
		}
	}
	return out
}

// putApproval notes an approval in place of an earlier one of the same person.
func (m *Machine) putApproval(a Approval) {
	m.Approvals = slices.DeleteFunc(m.Approvals, func(o Approval) bool { return o.Subject == a.Subject && o.Actor == a.Actor })
	if all := m.approvals(a.Subject); len(all) >= maxApprovals {
		oldest := all[0].Actor
		m.Approvals = slices.DeleteFunc(m.Approvals, func(o Approval) bool { return o.Subject == a.Subject && o.Actor == oldest })
	}
	m.Approvals = append(m.Approvals, a)
	m.versions.Gates++
}

// dropApprovals forgets the approvals of one decision that drop names, and tells
// whether any is left.
func (m *Machine) dropApprovals(of Subject, drop func(Approval) bool) (left bool) {
	m.Approvals = slices.DeleteFunc(m.Approvals, func(a Approval) bool { return a.Subject == of && drop(a) })
	m.versions.Gates++
	return len(m.approvals(of)) > 0
}

// approvedBefore is the approval of somebody else about the same that makes the
// decision the second; nil if there is none.
func (m *Machine) approvedBefore(of Subject, d entry.Decision) *Approval {
	for _, a := range m.approvals(of) {
		if Named(d.Actor) && Named(a.Actor) && a.Actor != d.Actor && a.Hold == d.Hold && !a.lapsed(m.Time) {
			return &a
		}
	}
	return nil
}

// countApproved is how many people by name approve the same as a decision.
func (m *Machine) countApproved(of Subject, hold string) (n int) {
	for _, a := range m.approvals(of) {
		if Named(a.Actor) && a.Hold == hold && !a.lapsed(m.Time) {
			n++
		}
	}
	return n
}

// agree notes that one person agrees to open a gate that takes two.
func (m *Machine) agree(g *Gate, d entry.Decision, holds []*Hold, shadow []InShadow) Pending {
	of := Subject{entry.DoOpen, g.Name}
	a := Approval{Subject: of, Actor: d.Actor, At: m.Time, Reason: cut(d.Reason, maxText), Verdict: d.Verdict, Hold: d.Hold}
	if m.Behavior >= 3 {
		a.AsOf = d.AsOf
	}
	for _, s := range shadow {
		a.Shadow, a.ShadowFor = append(a.Shadow, s.name()), time.Duration(s.Until-m.Time)
	}
	m.putApproval(a)
	kind := record.OpeningApproved
	if !Named(d.Actor) {
		kind = record.OpeningUnnamed
	}
	for _, id := range incidentsOf(holds) {
		m.appendStep(id, d.Actor, record.New(kind, g.Name, d.Hold, d.Verdict, d.Reason))
	}
	m.wantApproval(g)
	// Two would have opened it.
	return Pending{Approvals: min(1, m.countApproved(of, d.Hold)), Needed: g.Opening.Approvals}
}

// wantApproval raises or renews the alert that asks for a second person.
func (m *Machine) wantApproval(g *Gate) {
	all := m.approvals(Subject{entry.DoOpen, g.Name})
	newest, named := all[len(all)-1], 0
	for _, a := range all {
		if Named(a.Actor) {
			newest, named = a, 1 // one by name says more than one without
		}
	}
	a := m.about(approvalWanted, []Label{{Name: "gate", Value: g.Name}})
	a.Value, a.Updated = decimalOf(len(all)), m.Time
	a.About = record.New(record.AboutApproval, g.Name, decimalOf(named), clip(newest.Actor), newest.Hold, newest.Verdict, clean(newest.Reason))
	m.touch(a)
	m.wake(a, all[0].At+int64(approvedFor))
}

// lapse forgets who agreed to open a gate: it was about other holds, or another
// way to open it.
func (m *Machine) lapse(g *Gate, cause record.Note) {
	of := Subject{entry.DoOpen, g.Name}
	if len(m.approvals(of)) == 0 {
		return
	}
	m.dropApprovals(of, func(Approval) bool { return true })
	m.endAboutSaying(approvalWanted, cause, record.New(record.AboutApprovalOver, g.Name).After(cause), Label{Name: "gate", Value: g.Name})
}

// reviewApprovals forgets the approvals that have waited for too long.
func (m *Machine) reviewApprovals(wanted *Alert) {
	g := m.Gates[wanted.Label("gate")]
	if g == nil {
		m.end(wanted, record.New(record.GateGone))
		return
	}
	if m.dropApprovals(Subject{entry.DoOpen, g.Name}, func(a Approval) bool { return a.lapsed(m.Time) }) {
		m.wantApproval(g)
		return
	}
	cause := record.New(record.NobodyApproved)
	wanted.About = record.New(record.AboutApprovalOver, g.Name).After(cause)
	m.end(wanted, cause)
}

// openedAlone pages the second person about what one has done. The newest hold
// tells one opening from the next: each is news.
func (m *Machine) openedAlone(d entry.Decision, holds []*Hold) {
	labels := []Label{{Name: "gate", Value: d.Gate}, {Name: "by", Value: clip(d.Actor)}, {Name: "hold", Value: holds[len(holds)-1].ID}}
	m.about(openedAlone, labels).About = record.New(record.AboutOpenedAlone, d.Gate, clip(d.Actor), d.Verdict, clean(d.Reason))
	m.builtIn(openedAlone, labels...)
}
