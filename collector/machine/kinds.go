package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tomeishi/tomeishi/rules"
)

// A Kind says what an entry of the ledger is.
type Kind uint8

// The kinds of entries. Their numbers are in the ledger for good.
const (
	KindGenesis  Kind = 1 // Genesis: the first entry of a cell
	KindBlocks   Kind = 2 // report.Blocks of one agent, back to back
	KindBatch    Kind = 3 // one report.Batch from the collector's own intake
	KindTick     Kind = 4 // nothing but its time
	KindPrepare  Kind = 5 // Prepare: a set of rule files
	KindLive     Kind = 6 // Live: the prepared set begins to count
	KindDecision Kind = 7 // Decision: a person decided
	KindResult   Kind = 8 // Result: what became of an effect
	KindRestored Kind = 9 // Restored: this ledger goes on from a backup

	KindSamples   Kind = 10 // report.Samples of one agent, back to back
	KindWrite     Kind = 11 // a remote write request, as package series frames it
	KindLevels    Kind = 12 // Levels: where metric alerts that fire and that stand differ
	KindCondition Kind = 13 // Condition: how Tomeishi itself is
	KindLead      Kind = 14 // Lead: a collector began to serve
	KindNotes     Kind = 15 // Notes: whom the edge has told, and what it must not forget
)

// Essential tells whether entries of this kind must commit even while the disk
// is full and events are refused.
func (k Kind) Essential() bool {
	switch k {
	case KindBlocks, KindBatch, KindPrepare, KindSamples, KindWrite:
		return false
	default:
		return true
	}
}

// An Entry is one entry of the ledger as the machine sees it.
type Entry struct {
	Index uint64
	Time  int64 // ledger time, Unix nanoseconds
	Kind  Kind
	Body  []byte
}

// Genesis names the cell and carries the secret of its keyed hashes.
type Genesis struct {
	Cell   string    `json:"cell"`
	Secret [2]uint64 `json:"secret"`
}

// Prepare brings a set of rule files into the ledger.
type Prepare struct {
	Set   string       `json:"set"` // names the set: a digest of its files
	Files []rules.File `json:"files"`
	Actor string       `json:"actor"`
}

// Live makes a prepared set count.
type Live struct {
	Set string `json:"set"`
}

// Levels are where the metric alerts that fire and those that stand differ, as
// one evaluation of a group found it.
type Levels struct {
	Set      string   `json:"set"` // the rule set that was evaluated
	Firing   []Level  `json:"firing,omitempty"`
	Resolved []string `json:"resolved,omitempty"` // ids of standing alerts
}

// A Level is one metric alert that fires.
type Level struct {
	Rule        string  `json:"rule"`   // rules.MetricRule.ID in hex
	Labels      []Label `json:"labels"` // sorted by name, alertname among them
	Annotations []Label `json:"annotations,omitempty"`
	Value       string  `json:"value"`
	Active      int64   `json:"active"` // since when the expression is true, Unix nanoseconds
}

// A Condition is how Tomeishi itself is, where only the edge can see it. It is
// a level: the same again changes nothing.
type Condition struct {
	Name   string  `json:"name"` // of the built-in alert
	Labels []Label `json:"labels,omitempty"`
	Firing bool    `json:"firing"`
	Text   string  `json:"text,omitempty"` // becomes the alert's summary
}

// Lead says that a collector began to serve: before, nobody could be heard.
type Lead struct{}

// Notes are what the edge that tells people must not forget.
type Notes struct {
	Actor string `json:"actor,omitempty"` // who made or ended a silence; empty for what was told
	Kept  []Kept `json:"kept,omitempty"`
	Told  []Told `json:"told,omitempty"`
}

// What is kept for the edge.
const (
	KeptSilence = "silence"
	KeptLog     = "log" // of notifications
)

// Kept is one piece of the state of the engine that tells people. It is opaque
// here: of two with one key the one that was updated last counts, and none
// after it has expired.
type Kept struct {
	Of      string `json:"of"`
	Key     string `json:"key"`
	Updated int64  `json:"updated"` // Unix nanoseconds
	Expires int64  `json:"expires"` // Unix nanoseconds
	Body    []byte `json:"body"`
}

// Told is one notification that its receiver took.
type Told struct {
	At          int64    `json:"at"` // when it was answered, Unix nanoseconds
	Receiver    string   `json:"receiver"`
	Integration string   `json:"integration"`
	Firing      int      `json:"firing,omitempty"` // how many alerts it told of
	Resolved    int      `json:"resolved,omitempty"`
	Alerts      []string `json:"alerts,omitempty"`    // ids of the first of them
	Incidents   []string `json:"incidents,omitempty"` // of all of them
}

// What a person can decide.
const (
	DoClose   = "close"
	DoOpen    = "open"
	DoVerdict = "verdict"
	DoApprove = "approve"
	DoUndo    = "undo"
	DoForget  = "forget" // an agent that will not come back
	DoSwitch  = "switch" // automatic effects on or off
)

// A Decision is one act of one person.
type Decision struct {
	Do       string            `json:"do"`
	Actor    string            `json:"actor"`
	Gate     string            `json:"gate,omitempty"`
	Hold     string            `json:"hold,omitempty"`
	Effect   string            `json:"effect,omitempty"`
	Incident string            `json:"incident,omitempty"`
	Agent    string            `json:"agent,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Verdict  string            `json:"verdict,omitempty"`
	Epoch    *uint64           `json:"epoch,omitempty"` // of the gate, as it was read; of the switch, Until
	On       bool              `json:"on,omitempty"`    // of the switch
	For      time.Duration     `json:"for,omitempty"`   // how long the switch stays off
	Match    map[string]string `json:"match,omitempty"`
	Second   bool              `json:"second,omitempty"` // the actor may open a gate only as the second of two people
}

// A Result says what became of an effect.
type Result struct {
	Effect string `json:"effect"`
	State  string `json:"state"`
	Text   string `json:"text"`
}

// Restored says that the ledger goes on from a backup, so that what happened
// since is not known.
type Restored struct {
	// Cell is the new name: agents must not take this ledger for the one that
	// they knew.
	Cell   string    `json:"cell"`
	Actor  string    `json:"actor"`
	Backup time.Time `json:"backup"`
}

// Encode makes the body of an entry of one of the kinds that travel as JSON.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("machine: encode %T: %v", v, err)) // only types of this file come here
	}
	return b
}

// A Refusal says why a decision was not carried out: nothing has changed.
type Refusal struct {
	Reason RefusalReason
	Field  string
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// A RefusalReason sorts refusals by what the asker can do about them.
type RefusalReason uint8

// The reasons of refusals.
const (
	Invalid  RefusalReason = iota // the decision lacks or misuses a field
	NotFound                      // what it names is not there
	Conflict                      // things have changed since the asker looked
)

func invalid(field, format string, args ...any) *Refusal {
	return &Refusal{Reason: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *Refusal {
	return &Refusal{Reason: NotFound, Text: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *Refusal {
	return &Refusal{Reason: Conflict, Text: fmt.Sprintf(format, args...)}
}

// What can go wrong between a proposal and its place in the ledger.
var (
	// ErrFull: nothing was written. Events must wait at their senders.
	ErrFull = errors.New("the collector's disk is full")
	// ErrNotStored: nothing was written, and it is safe to try again.
	ErrNotStored = errors.New("nothing was stored")
	// ErrUnknown: the entry may have been written or not.
	ErrUnknown = errors.New("it is not known whether this was stored")
)
