package machine

import "fmt"

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
