// Package record is what the collector's state says, in no language: steps of
// incidents, causes, results, refusals, what built-in alerts are about. Each is a
// kind and its arguments.
//
// It promises that the names of kinds and arguments mean the same for good, for
// they are in ledgers and in snapshots. It makes no sentences: package message
// does, in every language that it speaks.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Note is one thing that the state says. The zero Note says nothing.
type Note struct {
	Kind Kind
	Args []Arg // in the order of the kind's arguments; one that is empty is left out
	// Because is what led to it; nil if nothing is said of that.
	Because *Note
}

// An Arg is one argument: an id, a name, a value, or what a person typed. A
// moment is Unix nanoseconds, a duration nanoseconds, both in decimal.
type Arg struct{ Name, Value string }

// New is a note of a kind, with the values of its arguments in their order.
func New(kind Kind, values ...string) Note {
	n := Note{Kind: kind}
	for i, name := range arguments[kind] {
		if i < len(values) && values[i] != "" {
			n.Args = append(n.Args, Arg{name, values[i]})
		}
	}
	return n
}

// After is the note with what led to it.
func (n Note) After(because Note) Note {
	if !because.IsZero() {
		n.Because = &because
	}
	return n
}

// Arg is the value of an argument; empty if the note lacks it.
func (n Note) Arg(name string) string {
	for _, a := range n.Args {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// IsZero tells whether the note says nothing.
func (n Note) IsZero() bool { return n.Kind == "" }

// Equal tells whether both say the same.
func (n Note) Equal(o Note) bool {
	if n.Kind != o.Kind || !slices.Equal(n.Args, o.Args) || (n.Because == nil) != (o.Because == nil) {
		return false
	}
	return n.Because == nil || n.Because.Equal(*o.Because)
}

// String is the note for logs and tests, in no language: its kind, then its
// arguments.
func (n Note) String() string {
	var b strings.Builder
	b.WriteString(string(n.Kind))
	for _, a := range n.Args {
		fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
	}
	if n.Because != nil {
		b.WriteString(" because " + n.Because.String())
	}
	return b.String()
}

const (
	kindKey    = "kind"
	becauseKey = "because"
)

// MarshalJSON is an object of strings: the kind, then the arguments in order,
// then what led to it.
func (n Note) MarshalJSON() ([]byte, error) {
	b := []byte(`{"` + kindKey + `":`)
	add := func(v any) error {
		text, err := json.Marshal(v)
		b = append(b, text...)
		return err
	}
	if err := add(n.Kind); err != nil {
		return nil, err
	}
	for _, a := range n.Args {
		b = append(b, ',')
		if err := add(a.Name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if err := add(a.Value); err != nil {
			return nil, err
		}
	}
	if n.Because != nil {
		b = append(b, `,"`+becauseKey+`":`...)
		if err := add(n.Because); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, in any order of keys. A string is
// prose of a version that wrote sentences: it becomes a note of kind Legacy, and
// an empty one says nothing.
func (n *Note) UnmarshalJSON(text []byte) error {
	*n = Note{}
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '"' {
		var prose string
		if err := json.Unmarshal(text, &prose); err != nil || prose == "" {
			return err
		}
		*n = New(Legacy, prose)
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for key, raw := range fields {
		var err error
		switch key {
		case kindKey:
			err = json.Unmarshal(raw, &n.Kind)
		case becauseKey:
			err = json.Unmarshal(raw, &n.Because)
		default:
			a := Arg{Name: key}
			err = json.Unmarshal(raw, &a.Value)
			n.Args = append(n.Args, a)
		}
		if err != nil {
			return fmt.Errorf("note: %s: %w", key, err)
		}
	}
	if n.Kind == "" {
		*n = Note{} // nothing is said without a kind
		return nil
	}
	n.sort()
	return nil
}

// sort puts arguments into the order of the kind, those that it does not know
// behind by name: a later version may say more.
func (n *Note) sort() {
	order := arguments[n.Kind]
	place := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(n.Args, func(a, b Arg) int {
		if x, y := place(a.Name), place(b.Name); x != y {
			return x - y
		}
		return strings.Compare(a.Name, b.Name)
	})
}
