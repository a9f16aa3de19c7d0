package entry

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tomeishi/tomeishi/collector/record"
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

	KindSamples     Kind = 10 // report.Samples of one agent, back to back
	KindWrite       Kind = 11 // a remote write request, as package series frames it
	KindLevels      Kind = 12 // Levels: where metric alerts that fire and that stand differ
	KindCondition   Kind = 13 // Condition: how Tomeishi itself is
	KindLead        Kind = 14 // Lead: a collector began to serve
	KindNotifyState Kind = 15 // NotifyState: who was notified, and what the notifier must keep
	KindBehavior    Kind = 16 // Behavior: from now on the machine judges as this version says
	KindRecount     Kind = 17 // Recount: what an event rule forgot, from the tape
	KindShed        Kind = 18 // Shed: an event rule forgets keys for want of memory
)

// A Need is what of the reserve for a full disk entries of a kind may take.
type Need uint8

// The needs of kinds.
const (
	NeedNone  Need = iota // refused: it is sent again later
	NeedSmall             // of a share: what people must hear of, and time
	NeedAll               // people's decisions, and what became of effects
)

// Need tells what entries of the kind may take while the disk is full.
func (k Kind) Need() Need {
	switch k {
	case KindBlocks, KindBatch, KindPrepare, KindSamples, KindWrite, KindRecount:
		return NeedNone
	case KindLevels, KindCondition, KindNotifyState, KindTick, KindShed:
		return NeedSmall
	default:
		return NeedAll
	}
}

// Known tells whether this program knows entries of the kind. One that it does
// not must stop the ledger: to pass over it would make another state than other
// collectors have.
func Known(k Kind) error {
	if k < KindGenesis || k > KindShed {
		return fmt.Errorf("an entry of kind %d, of which this version knows nothing: run the version that wrote it, or a later one", k)
	}
	return nil
}

// Label is one label of an alert.
type Label struct{ Name, Value string }

// Genesis names the cell and carries the secret of its keyed hashes.
type Genesis struct {
	Cell   string    `json:"cell"`
	Secret [2]uint64 `json:"secret"`
	// Behavior is the version that the cell begins with; 0 means the first.
	Behavior uint32 `json:"behavior,omitempty"`
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
	// About is what the alert says. Before it was a note, the key held prose.
	About record.Note `json:"text,omitzero"`
	// Behind is how far ledger time is behind the clock of the host that leads,
	// in LedgerTimeOff.
	Behind time.Duration `json:"behind,omitempty"`
}

// Lead says that a collector began to serve: before, nobody could be heard.
type Lead struct{}

// NotifyState is what the notifier keeps in the ledger.
type NotifyState struct {
	Actor string         `json:"actor,omitempty"` // made or ended a silence; empty for notifications
	Kept  []NotifyRecord `json:"kept,omitempty"`
	Told  []Notification `json:"told,omitempty"`
}

// Kinds of a NotifyRecord.
const (
	KeptSilence = "silence"
	KeptLog     = "log" // of notifications
)

// A NotifyRecord is one piece of the notifier's state, opaque here: of two with
// one key the one that was updated last counts, and none after it has expired.
type NotifyRecord struct {
	Of      string `json:"of"`
	Key     string `json:"key"`
	Updated int64  `json:"updated"` // Unix nanoseconds
	Expires int64  `json:"expires"` // Unix nanoseconds
	Body    []byte `json:"body"`
}

// A Notification is one that its receiver took.
type Notification struct {
	At          int64    `json:"at"` // when it was answered, Unix nanoseconds
	Receiver    string   `json:"receiver"`
	Integration string   `json:"integration"`
	Firing      int      `json:"firing,omitempty"` // how many alerts it told of
	Resolved    int      `json:"resolved,omitempty"`
	Alerts      []string `json:"alerts,omitempty"`    // ids of the first of them
	Incidents   []string `json:"incidents,omitempty"` // of all of them
}

// Same tells whether both tell of one notification.
func (n *Notification) Same(o Notification) bool {
	return n.At == o.At && n.Receiver == o.Receiver && n.Integration == o.Integration
}

// Decisions of a person.
const (
	DoClose   = "close"
	DoOpen    = "open"
	DoVerdict = "verdict"
	DoApprove = "approve"
	DoDecline = "decline" // an effect that waits for approval
	DoUndo    = "undo"
	DoForget  = "forget" // an agent that will not come back
	DoSwitch  = "switch" // automatic effects on or off
	DoTime    = "time"   // the clock of the host that leads is right
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
	Epoch    *uint64           `json:"epoch,omitempty"`  // of the gate, as it was read; of the switch, Until
	AsOf     uint64            `json:"as_of,omitempty"`  // index of the ledger, as it was read
	Alerts   *int              `json:"alerts,omitempty"` // that keep the gate closed, as it was read
	On       bool              `json:"on,omitempty"`     // of the switch
	For      time.Duration     `json:"for,omitempty"`    // how long the switch stays off
	Match    map[string]string `json:"match,omitempty"`
	Second   bool              `json:"second,omitempty"` // the actor may open a gate only as the second of two people
	Shadow   *Shadow           `json:"shadow,omitempty"` // of an opening
}

// Shadow keeps rules from closing the gate that is opened, for a while.
type Shadow struct {
	Rules []string      `json:"rules,omitempty"` // by name, or by group and name; none: those because of which the holds stand
	For   time.Duration `json:"for,omitempty"`
}

// A Result is a step in the life of an effect that the edge has seen or is about
// to take.
type Result struct {
	Effect   string `json:"effect"`
	State    string `json:"state"`              // that the effect takes
	Attempt  int    `json:"attempt,omitempty"`  // of which it is, from 1
	Deadline int64  `json:"deadline,omitempty"` // of an attempt that begins, Unix nanoseconds
	// Said is what was seen. Before it was a note, the key held prose.
	Said record.Note `json:"text,omitzero"`
}

// Behavior raises the version of the machine's behavior.
type Behavior struct {
	Version uint32 `json:"version"`
}

// Recount gives an event rule what it forgot, as it stands on the tape, of keys for
// which that is due.
type Recount struct {
	Rule string       `json:"rule"` // its id in hex
	Keys []RecountKey `json:"keys"`
	Lost bool         `json:"lost,omitempty"` // the tape does not reach far enough, or could not be read
	// Fill is the entry that made the rule count, if the keys are of all that came
	// before it; Filled says that these are the last of them.
	Fill   uint64 `json:"fill,omitempty"`
	Filled bool   `json:"filled,omitempty"`
	// Aliases are payments that took the place of others, as package machine writes
	// them. They stand before the keys whose events they are about.
	Aliases []byte `json:"aliases,omitempty"`
}

// A RecountKey is all events of one key between two times, both included.
type RecountKey struct {
	Key    [2]uint64 `json:"key"`
	Text   []byte    `json:"text"` // of the key, canonical
	From   int64     `json:"from"` // Unix nanoseconds
	To     int64     `json:"to"`
	Events []byte    `json:"events,omitempty"` // as package machine writes them
}

// Shed has an event rule forget a part of its keys, those that were last added to longest
// ago. It is one step: more follow until all its keys were gone through.
type Shed struct {
	Rule string `json:"rule"`           // its id in hex
	Part int    `json:"part"`           // of its keys, in thousandths
	Last bool   `json:"last,omitempty"` // also those that else stay
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

// Marshal makes the body of an entry of one of the kinds that travel as JSON.
func Marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("entry: marshal %T: %v", v, err)) // only types of this file come here
	}
	return b
}
