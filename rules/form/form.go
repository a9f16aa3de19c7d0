// Package form is what a rule form is to everybody else. A form is one way in
// which events make a rule true: so many in a window, one that did not follow
// another, two sides that disagree. Each is a folder here, and the list of them
// is in package rules.
//
// A form brings its keys of a rule file, the identity of its rules, their
// sentence, what they remember with its codec, the step for an event, and what
// is due when. It promises the same answers for the same calls, byte for byte:
// no clock, no I/O, no goroutine, no floating point. Alerts, limits and
// mitigations are not its business; it says of keys what is true.
package form

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/match"
)

// A Form reads rules of one form.
type Form interface {
	// Keys are what a rule of this form says beside what every rule says. The
	// first of them makes a rule one of this form.
	Keys() []Key
	// Begin begins to read one rule.
	Begin(in Reader) Draft
}

// A Key is one key of a rule.
type Key struct {
	Name string
	Must string // what to write where it is missing; empty if it may be
}

// A Draft is a rule while its keys are read, in the order of the file.
type Draft interface {
	// Read reads the value of one of the form's Keys. What is wrong with it is
	// noted at the Reader.
	Read(key string, value *yaml.Node)
	// Rule is the rule once all its keys are read; nil if something was noted
	// without which there is none.
	Rule() Rule
}

// A Rule is what one rule of a form means. It does not change.
type Rule interface {
	// Sources are the events that it is about. All have as many fields in By,
	// but for those that have none. The labels of the first name its alerts.
	Sources() []match.Source
	// Identify adds to the digest, after a word that no other form begins with,
	// the names of the rule and all that decides what its State holds.
	Identify(d *Digest, group, name string)
	// Explain says when it is true, as a sentence goes on after "when", with the
	// space or comma before it.
	Explain() string
	// Horizon is how long after an event's time that event may still matter.
	Horizon() time.Duration
	// State begins to remember.
	State() State
	// Load reads what State.Append wrote, and returns what follows it.
	Load(b []byte) (State, []byte, error)
}

// An Excuser is a Rule that some of its events keep from being true.
type Excuser interface {
	// Excuses are the types of those events.
	Excuses() []string
}

// A Reader is the rule file at the place of the rule.
type Reader interface {
	// Language reads expressions.
	Language() *match.Language
	// Text reads a scalar; what says for people which one it is.
	Text(n *yaml.Node, what string) (string, bool)
	// Duration reads a duration.
	Duration(n *yaml.Node, what string, positive bool) time.Duration
	// Number reads a whole number from 1 to most; what says for people which one it is.
	Number(n *yaml.Node, what string, most int) int
	// Mapping reads a mapping, each key by read.
	Mapping(n *yaml.Node, what string, keys []string, read func(key string, value *yaml.Node))
	// Named reads a mapping whose keys are names of its author's.
	Named(n *yaml.Node, what string, read func(name, value *yaml.Node))
	// Each reads a list.
	Each(n *yaml.Node, what string, read func(*yaml.Node))
	// Event reads a type of events.
	Event(n *yaml.Node) string
	// Money are the fields that are declared to be money of a type, for
	// Source.KeepAssets.
	Money(event string) []match.Field
	// Where reads a condition; nil after an error.
	Where(n *yaml.Node) *match.Expression
	// By reads the fields by which events are told apart.
	By(n *yaml.Node) []match.Key
	// Error notes an error.
	Error(n *yaml.Node, format string, args ...any)
	// ErrorIn notes an error at a character of a scalar.
	ErrorIn(n *yaml.Node, err *match.TextError)
	// Finding notes what is probably not meant; it is shown if there are no
	// errors.
	Finding(n *yaml.Node, format string, args ...any)
}
