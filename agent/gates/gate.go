package gates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A Gate is the wire's gate. What only people read travels as it came.
type Gate struct {
	Name          string   `json:"name"`
	State         string   `json:"state"`
	Mode          string   `json:"mode"`
	Epoch         uint64   `json:"epoch"`
	Holds         []Hold   `json:"holds"`
	WouldBe       string   `json:"would_be,omitempty"`
	Fresh         bool     `json:"fresh"`
	Cell          string   `json:"cell"`
	Lease         Duration `json:"lease"`
	IfUnreachable string   `json:"if_unreachable"`
	// Reason is why the agent answers as it does, when that is not a hold.
	Reason string `json:"reason,omitempty"`
	// Closing is for what is said of refusals; it does not travel.
	Closing Closing `json:"-"`
}

// A Closing tells one closing of a gate from another.
type Closing struct {
	// ID stays the same while, from one of the collector's words to the next, any
	// hold has stayed. It may change more often than the gate opens, never less.
	ID uint64
	// Epoch is the cell's, as the collector said it last.
	Epoch uint64
	// Unsure says why the gate refuses without the collector's word for it:
	// Unreachable or InDoubt. It is empty where a hold refuses.
	Unsure string
}

// Why a gate refuses without the collector's word for it.
const (
	Unreachable = "unreachable" // its lease has run out
	InDoubt     = "doubt"       // the ledger behind the collector is another or an older one
)

// Refuses tells whether the gate refuses anybody.
func (g Gate) Refuses() bool { return g.State != stateOpen || len(g.Holds) > 0 }

// goesOn tells whether a hold of before still stands.
func (g Gate) goesOn(before Gate) bool {
	return slices.ContainsFunc(g.Holds, func(h Hold) bool {
		return slices.ContainsFunc(before.Holds, func(b Hold) bool { return len(h.ID) > 0 && bytes.Equal(h.ID, b.ID) })
	})
}

// A Hold is one reason for a gate, or for what it matches, to be closed.
type Hold struct {
	ID       json.RawMessage   `json:"id,omitempty"`
	By       json.RawMessage   `json:"by,omitempty"`
	Cause    json.RawMessage   `json:"cause,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Alert    json.RawMessage   `json:"alert,omitempty"`
	Incident json.RawMessage   `json:"incident,omitempty"`
	Since    json.RawMessage   `json:"since,omitempty"`
	Match    map[string]string `json:"match,omitempty"`
}

const (
	stateOpen   = "open"
	stateClosed = "closed"
	modeShadow  = "shadow"
	keep        = "keep"
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

// list is the body of GET /v1/gates on a collector.
type list struct {
	Cell  string `json:"cell"`
	Epoch uint64 `json:"epoch"`
	Gates []Gate `json:"gates"`
}

func decodeList(raw []byte) (*list, error) {
	var l list
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("gates: %w", err)
	}
	if l.Cell == "" || l.Gates == nil {
		return nil, fmt.Errorf("gates: no cell or no list in %.100q", raw)
	}
	for _, g := range l.Gates {
		if g.Name == "" {
			return nil, fmt.Errorf("gates: one has no name in %.100q", raw)
		}
	}
	return &l, nil
}
