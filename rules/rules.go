// Package rules is what a rule file means: it parses, checks and compiles rule
// files, and tells which events count for which rule and key. Rules of PromQL
// it reads and hands on: they are Prometheus's to judge and to evaluate.
//
// It promises the same answer for the same files and events, everywhere and
// always: there is no clock, no I/O, no goroutine and no floating point in
// what it decides, and what it is given by strangers costs a bounded amount.
// It keeps nothing from one event to the next; what rules remember is their
// forms', and alerts are the machine's.
package rules

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A Set is the rules, gates and mitigations of some files. It does not change.
type Set struct {
	Rules       []*Rule
	Gates       []*Gate
	Mitigations []*Mitigation
	Events      []*EventType
	Metrics     []*MetricRule    // alerting rules of PromQL, in the order of the files
	Recording   []*RecordingRule // recording ones
	// Prometheus are the files as Prometheus reads them, written anew: without
	// what is ours. A file without any rule of PromQL is not among them.
	Prometheus []File

	// Overrides are what was changed of rules that stand elsewhere.
	Overrides []Override

	index *match.Index
	gates map[string]*Gate // by name
}

// Matcher finds the rules that an event concerns, by their places in Rules, as a
// version of the machine's behavior does.
func (s *Set) Matcher(behavior uint32) *match.Matcher { return s.index.Matcher(behavior) }

// A Rule is what every rule on events has. What makes it true is its form's.
type Rule struct {
	File        string // in which it stands
	Line        int
	Group, Name string
	Body        form.Rule
	By          []match.Key // fields that become labels of its alerts
	Records     bool        // it raises none, and makes series of its name
	Labels      []Pair
	Annotations []Pair // templates
	Mitigate    []Use
	Limit       int           // of alerts that stand at once
	For         time.Duration // how long it must be true without a break
	KeepFiring  time.Duration

	// ID is the same for rules whose state goes on: all that decides which
	// events count, for which key and how, but not what is said or done.
	ID [16]byte
}

// tellsPaymentsApart tells whether the rule does: payments that took the place of one
// another are one for it.
func (r *Rule) tellsPaymentsApart() bool {
	return slices.ContainsFunc(r.Body.Sources(), func(s match.Source) bool { return s.Payments() != 0 })
}

// A Pair is a name and a value, in the order of the file.
type Pair struct{ Name, Value string }

// A Use says that a mitigation may be done about a rule's alerts. Mode is 0
// where the rule names none.
type Use struct {
	Mitigation *Mitigation
	Mode       Mode
}

// A Gate is a named valve in front of something that can be stopped.
type Gate struct {
	Name          string
	Mode          Mode
	IfUnreachable Unreachable
	Lease         time.Duration
	Opening       Opening
	ByPeople      bool     // it is meant that no rule closes it
	Asks          []string // what an ask must name
}

// Opening is what it takes to open a gate.
type Opening struct {
	Approvals int // different people, 1 or 2
	// Alone lets one person open it with verdict false once its newest hold has
	// stood for so long; 0 never does.
	Alone time.Duration
}

// Unreachable is what a gate's copy answers once its lease has run out.
type Unreachable uint8

// Close is the default.
const (
	Close Unreachable = iota
	Keep
)

// A Mitigation is what may be done about an alert.
type Mitigation struct {
	Name   string
	Action string // GateClose or GateHold
	Target string // a gate
	Match  []Named
	Mode   Mode
}

// The actions.
const (
	GateClose = "gate.close" // closes a gate for all
	GateHold  = "gate.hold"  // holds, at a gate, only what Match names
)
