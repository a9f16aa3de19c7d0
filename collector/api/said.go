package api

import (
	"errors"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// Said is something of the record: its kind and arguments for programs, and for
// people a sentence in the language of the configuration.
type Said struct {
	Kind    string            `json:"kind"`
	Args    map[string]string `json:"args,omitempty"`
	Because *Said             `json:"because,omitempty"`
	Text    string            `json:"text"`
}

// said is nil if the note says nothing.
func (a *API) said(n record.Note) *Said {
	if n.IsZero() {
		return nil
	}
	s := &Said{Kind: string(n.Kind), Text: a.Message.Record(n)}
	if n.Because != nil {
		s.Because = a.said(*n.Because)
	}
	if len(n.Args) > 0 {
		s.Args = make(map[string]string, len(n.Args))
		for _, arg := range n.Args {
			s.Args[arg.Name] = arg.Value
		}
	}
	return s
}

// errRefused is a refusal with its sentence.
type errRefused struct {
	*machine.Refusal
	text string
}

func (e *errRefused) Error() string { return e.text }
func (e *errRefused) Unwrap() error { return e.Refusal }

// refused gives a refusal its sentence; any other error is as it was.
func (a *API) refused(err error) error {
	if refusal, ok := errors.AsType[*machine.Refusal](err); ok {
		return &errRefused{refusal, a.Message.Record(refusal.Why)}
	}
	return err
}
