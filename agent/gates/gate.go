package gates

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A Gate is the wire's gate, with what only this host knows of it.
type Gate struct {
	report.Gate
	// Reason is why the agent answers as it does, when that is not a hold.
	Reason string `json:"reason,omitempty"`
	// Lacks is a field that holds name and the ask left out, where it is held only for
	// that; it does not travel.
	Lacks string `json:"-"`
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
func (g Gate) Refuses() bool { return g.State != report.GateOpen || len(g.Holds) > 0 }

// goesOn tells whether a hold of before still stands.
func (g Gate) goesOn(before Gate) bool {
	return slices.ContainsFunc(g.Holds, func(h report.Hold) bool {
		return slices.ContainsFunc(before.Holds, func(b report.Hold) bool { return h.ID != "" && h.ID == b.ID })
	})
}

func decodeList(raw []byte) (*report.GateList, error) {
	var l report.GateList
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
