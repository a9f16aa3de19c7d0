package api

import (
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
)

// EventType is a type of event that has come.
type EventType struct {
	Type    string `json:"type"`
	Events  uint64 `json:"events"`
	First   string `json:"first"` // ledger time
	Last    string `json:"last"`
	Source  string `json:"source,omitempty"`  // of the first
	Rules   int    `json:"rules"`             // that read it
	Nearest string `json:"nearest,omitempty"` // where none does: what was probably meant
}

// eventTypes is the answer to GET /v1/events/types.
type eventTypes struct {
	Types  []EventType `json:"types"`        // those first that no rule reads
	Others uint64      `json:"other_events"` // of types for which there was no room
}

func (a *API) getTypes(w http.ResponseWriter, _ *http.Request) {
	report.WriteJSON(w, http.StatusOK, a.types())
}

func (a *API) types() eventTypes {
	types, others := a.Machine.TypesView()
	out := eventTypes{[]EventType{}, others}
	for _, t := range types {
		out.Types = append(out.Types, EventType{
			Type: t.Name, Events: t.Events, First: rfc3339(t.First), Last: rfc3339(t.Last), Source: t.Source, Rules: t.Rules, Nearest: t.Nearest,
		})
	}
	return out
}

// countTypes names the first of the types that no rule reads.
func (s *Status) countTypes(all eventTypes) {
	s.Unread = []EventType{}
	for _, t := range all.Types {
		if t.Rules > 0 {
			break
		}
		if s.UnreadTypes++; len(s.Unread) < maxNamed {
			s.Unread = append(s.Unread, t)
		}
	}
}
