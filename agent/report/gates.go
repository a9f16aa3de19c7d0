package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Gate is a gate as a collector tells it to its agents. What else is told of
// it, for people, stands beside these fields.
type Gate struct {
	Name          string   `json:"name"`
	State         string   `json:"state"` // GateOpen or GateClosed
	Mode          string   `json:"mode"`
	Epoch         uint64   `json:"epoch"`
	Holds         []Hold   `json:"holds"`
	WouldBe       string   `json:"would_be,omitempty"`
	Fresh         bool     `json:"fresh"`
	Cell          string   `json:"cell"`
	Lease         Duration `json:"lease"`
	IfUnreachable string   `json:"if_unreachable"` // UnreachableClose or UnreachableKeep
	Asks          []string `json:"asks,omitempty"` // what an ask must name
	// Of what closes it a list names some, and of its parents' holds with match
	// none: those are told with the parent.
	Closers int `json:"closers,omitempty"` // how many holds close it
	// What an opening sends back, so that it accepts what was read.
	AsOf   uint64 `json:"as_of"`  // index of the ledger
	Alerts int    `json:"alerts"` // because of which its own holds close it
}

// A Hold is one reason for a gate, or for what it matches, to be closed.
type Hold struct {
	ID       string            `json:"id"`
	By       string            `json:"by"`
	Cause    string            `json:"cause"`
	Reason   string            `json:"reason"`
	Alert    string            `json:"alert,omitempty"`  // the first because of which it stands
	Alerts   int               `json:"alerts,omitempty"` // how many there are
	Incident string            `json:"incident,omitempty"`
	Since    string            `json:"since"`
	Match    map[string]string `json:"match,omitempty"`
}

// A GateList is the answer to GET /v1/gates on a collector.
type GateList struct {
	Cell  string `json:"cell"`
	Epoch uint64 `json:"epoch"`
	Gates []Gate `json:"gates"`
}

// The words of a gate.
const (
	GateOpen         = "open"
	GateClosed       = "closed"
	ModeShadow       = "shadow" // refuses only for a person's hold
	UnreachableClose = "close"
	UnreachableKeep  = "keep"
)

// The reasons that a collector gives for refusing what an agent sent. Other
// programs' answers have none, and change nothing.
const (
	ReasonClone   = "clone"   // another spool with this id has sent other blocks
	ReasonBlocks  = "blocks"  // it will never take the block that it names: set that aside
	ReasonBase    = "base"    // it does not know what these samples build on: send them whole
	ReasonSamples = "samples" // it will never take these samples: drop them. Without it a 400 may be any gateway's
)

// Duration reads and writes as "30s".
type Duration time.Duration

// UnmarshalJSON reads a duration such as "30s".
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%.40q is not a duration", s)
	}
	*d = Duration(v)
	return nil
}

// MarshalJSON writes a duration such as "30s".
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}
