package report

import "strings"

// The types of the events by which an agent reports what is its own.
const (
	// BeatType: the agent lives, and its way to the collector is open. The data is a
	// Beat; none where it would say nothing.
	BeatType = "tomeishi.beat"
	// RefusedType: a gate did not let a payment through. The data is a Refused.
	RefusedType = "tomeishi.refused"
	// ProgressType: all that was accepted before it is in front of it. The data is a
	// Progress.
	ProgressType = "tomeishi.progress"
)

// AppBeatType is the type of the events by which an application says that it lives.
// The data is an AppBeat.
const AppBeatType = "app.beat"

// An AppBeat names what its source reports.
type AppBeat struct {
	Types []string `json:"types"`
}

// A Progress is how far an agent has come: of what it accepts later, nothing was
// there at this ledger time.
type Progress struct {
	Ledger int64 `json:"ledger"` // as a collector last told it, in Unix nanoseconds
}

// ownTypes begin like this: nobody else may report them, or a Watchdog could be
// kept alive by whoever can post an event.
const ownTypes = "tomeishi."

// IsOwn tells whether events of the type are what agents say of themselves.
func IsOwn(eventType string) bool { return strings.HasPrefix(eventType, ownTypes) }

// The extension attributes that only an agent puts on an event.
const (
	AgentAttr = "agentid" // the agent's id
	PeerAttr  = "peeruid" // who sent it over the Unix socket, as the kernel says
)

// A Beat is what an agent says of itself.
type Beat struct {
	Doubts []Doubt `json:"doubts,omitempty"`
	Asked  []Asked `json:"asked,omitempty"` // since the beat before
}

// Asked is what the asks at a gate named and what they left out, of Matchable.
type Asked struct {
	Gate  string   `json:"gate"`
	Names []string `json:"names,omitempty"`
	Lacks []string `json:"lacks,omitempty"`
}

// MaxBeat is how large the data of a beat may be, in bytes.
const MaxBeat = 64 << 10

// MaxDoubtGates is how many gates a Doubt names; of more it says all. A beat stays
// small however many gates there are.
const MaxDoubtGates = 32

// A Doubt is why an agent answers for gates by itself, and not by the collector's
// word.
type Doubt struct {
	Why   string   `json:"why"`             // one of Doubts
	Gates []string `json:"gates,omitempty"` // none: all that are enforced
}

// The reasons of doubts, in the order in which an agent tells them.
const (
	DoubtMemory = "memory" // its copy of the gates was damaged: closed
	DoubtLedger = "ledger" // the collector's ledger is another or an older one: closed
	DoubtLease  = "lease"  // no lease has been renewed: closed
	DoubtKeep   = "keep"   // no lease has been renewed, and the gate keeps its last state: a close is not heard
)

// Doubts are the reasons of doubts.
func Doubts() []string { return []string{DoubtMemory, DoubtLedger, DoubtLease, DoubtKeep} }

// MaxRefused is how many requests are told apart during one closing of a gate.
const MaxRefused = 10_000

// Refused is one payment that an application asked about and was not to make,
// or how many asks there were that named none.
type Refused struct {
	Gate  string `json:"gate"`
	Epoch uint64 `json:"epoch"` // of the cell, by which the gate was closed

	Request  string `json:"request,omitempty"`
	Customer string `json:"customer,omitempty"`
	Address  string `json:"address,omitempty"`
	Asset    string `json:"asset,omitempty"`
	Amount   string `json:"amount,omitempty"`  // an exact decimal
	Unnamed  uint64 `json:"unnamed,omitempty"` // asks without a request
	// Lacks is a field that holds name and the ask left out, where it was refused
	// only for that.
	Lacks string `json:"lacks,omitempty"`

	// Why is empty where a hold refused. Otherwise the agent had no word of the
	// collector's for it: its lease had run out, or the ledger was in doubt.
	Why string `json:"why,omitempty"`
}
