package machine

import (
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// state is everything that the machine believes. What is exported travels in
// snapshots as JSON; tables travel raw beside it.
type state struct {
	Index  uint64
	Time   int64
	Chain  [32]byte // hash of the last entry
	Cell   string
	Secret [2]uint64

	Behavior uint32 // version by which entries are judged

	Last  counters
	Epoch uint64 // counts every change of any gate

	Serving int64 // ledger time since when a collector serves, so that agents can be heard
	Steady  int64 // ledger time since when it was steady enough to judge clocks by it
	// Behind is how far ledger time was behind the clock of the host that leads
	// when LedgerTimeOff was said last; 0 if it does not stand.
	Behind  int64      `json:",omitempty"`
	Stepped []TimeStep `json:",omitempty"` // of ledger time that was behind, the oldest first

	Automatic Automatic // whether effects happen by themselves

	InShadow   []InShadow `json:",omitempty"` // rules that people keep from closing a gate, for a while
	ShadowOver int64      `json:",omitempty"` // ledger time at which the last of them was over

	Restored int64 // ledger time of the last restore, until its first rule set is live

	Live    *RuleSet
	Pending *RuleSet
	Stats   map[string]*RuleStats // by group and name

	Recounts map[string]*Recount `json:",omitempty"` // of event rules that forgot something they need, by id in hex

	Aliases window.Aliases `json:",omitzero"` // payments that took the place of others

	Fired map[string]int64 // ledger time at which a metric rule fired last, by its id in hex

	Agents    map[string]*Agent // by id
	Spools    map[string]*Spool // by agent and spool id
	Gates     map[string]*Gate
	Closings  map[string]*Closing // of the gates on which a hold stands
	Approvals []Approval          // of decisions that wait for another person, the oldest first
	Holds     []*Hold
	Alerts    []*Alert // in the order they were raised
	Effects   []*Effect
	Incidents []*Incident

	Kept map[string]*entry.NotifyRecord // for the edge, by kind and key
	Told []entry.Notification           // the newest last
	Gone []*Alert                       // that ended lately, in the order they did

	Events  Events
	Varied  map[string][]Varied `json:",omitempty"` // by type: what equal events of before might differ in
	Signals Signals

	Readings   map[string]*Reading  `json:",omitempty"` // how well rules read their events, by group and name
	Types      map[string]*TypeSeen `json:",omitempty"` // that have come
	OtherTypes uint64               `json:",omitempty"` // events of types for which there was no room
	TypesSwept int64                `json:",omitempty"` // ledger time at which room was last looked for

	Forming map[string][]*Forming `json:",omitempty"` // of which rules are true, but not for long enough, by id in hex

	Reporters     map[string]*Reporters `json:",omitempty"` // by type of events
	AppBeats      map[string]*AppBeat   `json:",omitempty"` // by agent and source
	ReportersOver int64                 `json:",omitempty"` // ledger time at which there last was no room for one
	ReportersAt   int64                 `json:",omitempty"` // ledger time at which those were last forgotten that report no more

	leftOut int // errors of the live set, by what this program asks of files; not in snapshots
	seen    *dedup.Table
	states  map[RuleID]form.State // of the live rules on events
}

type counters struct{ Alert, Hold, Effect, Incident uint64 }

func next(kind string, n *uint64) string {
	*n++
	return kind + strconv.FormatUint(*n, 10)
}

// A RuleSet is the text of a set of rule files and when it began to count.
type RuleSet struct {
	Name  string
	Files []rules.File
	Since int64 // ledger time
	// Began tells from when each rule's windows have seen every event.
	Began map[string]int64
	// Disarmed are the rules that no longer close a gate since this set is live.
	Disarmed []rules.Guard `json:",omitempty"`
}

// RuleStats counts what happened to the events of one rule.
type RuleStats struct {
	Matched, Missing, Late, Errors, Saturated uint64

	Recounted                             uint64      `json:",omitempty"` // that came back from the tape
	Shed                                  uint64      `json:",omitempty"` // keys, for want of memory
	LastError                             record.Note `json:",omitzero"`
	LastErrorAt, LastSaturated, LastFired int64
}

// Events counts events as they were applied; Late are those that came later than
// at least one rule calls on time.
// Recounted came back from the tape.
type Events struct {
	Accepted, Duplicates, Late, Ahead, Malformed uint64

	SetAside uint64 `json:",omitempty"` // because of who reported them

	Recounted uint64 `json:",omitempty"`
	Shed      uint64 `json:",omitempty"` // keys that rules forgot for want of memory
}

// Signals counts what came of hosts: entries with samples, their frames, and
// remote write requests.
type Signals struct{ Samples, Frames, Writes uint64 }

// A Spool is the stream of one agent's spool as far as it was applied.
type Spool struct {
	Agent, ID string
	Seq       uint64
	Digest    [32]byte
	// Recent holds the beginnings of the last digests, the newest last, so that
	// a clone that is behind is told apart from a block delivered again.
	Recent  []uint64
	Entered int64   // ledger time of the last block
	Blind   []Range // sequences that never came
	Over    bool    `json:",omitempty"` // there was no room for all of them
	Clones  uint64
}

// A Range is a run of sequences, both ends included, and when the gap showed.
type Range struct {
	From, To uint64
	At       int64
}

// maxBlind bounds the ranges kept of one spool; later ones widen the last.
const maxBlind = 100

// Label is one label of an alert.
type Label = entry.Label

// An Alert is one rule true for one key, or for one set of labels.
type Alert struct {
	ID          string
	Rule, Group string
	RuleID      RuleID
	Key         window.Key
	Labels      []Label // sorted by name
	Annotations []Label // templates, unless Rendered; a built-in alert has none
	Value       string
	Evidence    []window.Ref // the latest, oldest first
	Total       int          // of evidence, kept or not
	Since       int64        // time of the first evidence
	Raised      int64        // ledger time
	Updated     int64
	Ended       int64       // ledger time; 0 while it stands
	Cause       record.Note `json:",omitzero"` // why it ended
	About       record.Note `json:",omitzero"` // what a built-in alert says
	Due         int64       // ledger time at which to look again
	Quiet       int64       // ledger time since when it is only kept firing; 0 while true
	Incident    string      `json:",omitempty"`
	Effects     []string    `json:",omitempty"`
	// Keys are the keys over the limit that this one alert stands for, sorted.
	Keys []window.Key `json:",omitempty"`
	More uint64       `json:",omitempty"` // alerts over the limit that this one stands for

	Backfilled bool `json:",omitempty"` // found true of what came before the rule counted, and by no event since

	Past bool `json:",omitempty"` // of a window that was over when it was raised

	Metric    bool     `json:",omitempty"` // of a metric rule
	Unheard   int64    `json:",omitempty"` // ledger time since when it stands only because nobody is heard who could end it
	Opened    []string `json:",omitempty"` // gates that it closed and that a person opened
	Released  []string `json:",omitempty"` // mitigations whose hold by name a person lifted
	Condition bool     `json:",omitempty"` // reported by the edge, which will say when it is over
	Beyond    bool     `json:",omitempty"` // its incident does not list it: too many stand
}

// A Gate is a named valve in front of something stoppable.
type Gate struct {
	Name            string
	Mode            rules.Mode
	Lease           time.Duration
	KeepUnreachable bool
	Epoch           uint64
	Defined         bool // false: gone from the rule files, kept for its holds and its epoch

	// The longest that agents were ever told: they may still hold such a copy.
	Longest  time.Duration `json:",omitempty"` // lease
	EverKept bool          `json:",omitempty"` // KeepUnreachable

	Reached uint64           `json:",omitempty"` // index of the entry with which Epoch was reached
	Asks    []string         `json:",omitempty"` // what an ask must name
	Opening rules.Opening    // what opening it takes
	Refused *RefusedPayments `json:",omitempty"` // at it since it closed
}

// RefusedPayments are what agents refused at a gate since it closed.
type RefusedPayments struct {
	Requests int    // that were named, each counted once
	Unnamed  uint64 `json:",omitempty"` // asks that named no request
	Unpriced int    `json:",omitempty"` // requests without asset and amount
	More     bool   `json:",omitempty"` // more requests than can be told apart: the counts are at least these
	Sums     []Sum  `json:",omitempty"` // of the requests that named asset and amount, by asset
}

// A Sum is an exact amount of one asset.
type Sum struct{ Asset, Amount string }

// Causes of holds.
const (
	ByRule    = "rule"
	ByPerson  = "person"
	ByParent  = "parent"
	ByRestore = "restore"
)

// A Hold is one reason for a gate to be closed, or with Match for what it
// names.
type Hold struct {
	ID, Gate  string
	By, Cause string
	Reason    string      // as a person gave it
	Because   record.Note `json:",omitzero"` // where neither a person nor a rule gave a reason
	Alert     string
	Effect    string
	Incident  string
	Since     int64
	Epoch     uint64 // of the gate, with this hold, and the newest of its alerts, on it
	Match     map[string]string
	Count     int    `json:",omitempty"` // of the alerts because of which it stands; Alert is the first. 0 before holds collected them
	Joined    int64  `json:",omitempty"` // ledger time at which the newest of them joined it
	Index     uint64 `json:",omitempty"` // of the entry with which Epoch was reached
}

// Automatic says whether effects happen by themselves.
type Automatic struct {
	Off    bool
	Since  int64  `json:",omitempty"` // ledger time of the last change
	Until  int64  `json:",omitempty"` // ledger time at which it goes on again by itself; 0 while on
	Actor  string `json:",omitempty"`
	Reason string `json:",omitempty"`
}

// Verdicts.
const (
	VerdictReal  = "real"
	VerdictFalse = "false"
	VerdictTest  = "test"
)

// An Incident is alerts, holds, effects and decisions that belong together.
type Incident struct {
	ID      string
	Since   int64 // the first evidence
	Opened  int64 // ledger time
	Ended   int64
	Verdict string
	Gates   []string
	// The lists are bounded. Of alerts those that still matter come first, of the
	// others the newest.
	Alerts  []string
	Holds   []string
	Effects []string
	// Released counts alerts that are not listed, or no longer.
	Released    int
	PastHolds   int `json:",omitempty"` // that are no longer listed
	PastEffects int `json:",omitempty"` // that are no longer listed
	// Standing counts alerts and holds that have not ended.
	Standing int
	Log      []Step
	Told     []entry.Notification `json:",omitempty"` // whom of what, the newest last; without incidents, with the first alerts
}

// A Step is one line of an incident's timeline.
type Step struct {
	At    int64
	Actor string
	// Said is what happened. Before it was a note, the key held prose.
	Said record.Note `json:"Text"`
}

// Bounds of what is kept of the past.
const (
	maxRecent    = 512  // digests of one spool
	maxSpools    = 4096 // streams, of all agents, before version 3
	maxMembers   = 1000 // alerts of one incident, and as many of its holds and effects
	maxOver      = 10_000
	maxLabel     = 1024 // bytes of a label's value
	maxMatch     = 1024 // bytes of what a hold names
	maxNarrow    = 1000 // holds with match on one gate; the next closes it
	maxSteps     = 1000
	maxIncidents = 1000
	maxEffects   = 10_000
)
