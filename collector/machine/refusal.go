package machine

import "github.com/tomeishi/tomeishi/collector/record"

// A Refusal says why a decision was not carried out: nothing has changed.
type Refusal struct {
	Reason RefusalReason
	Field  string // of the decision that is wrong; empty if it is none
	Why    record.Note
}

// Error is for logs; people are told by package message.
func (r *Refusal) Error() string { return "refused: " + r.Why.String() }

// A RefusalReason sorts refusals by what the asker can do about them.
type RefusalReason uint8

// The reasons of refusals.
const (
	Invalid  RefusalReason = iota // the decision lacks or misuses a field
	NotFound                      // what it names is not there
	Conflict                      // things have changed since the asker looked
)

func invalid(field string, kind record.Kind, args ...string) *Refusal {
	return &Refusal{Reason: Invalid, Field: field, Why: record.New(kind, args...)}
}

func notFound(kind record.Kind, args ...string) *Refusal {
	return &Refusal{Reason: NotFound, Why: record.New(kind, args...)}
}

func conflict(kind record.Kind, args ...string) *Refusal {
	return &Refusal{Reason: Conflict, Why: record.New(kind, args...)}
}
