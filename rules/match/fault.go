package match

import (
	"fmt"
	"strconv"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// A Fault is why an event could not be judged or counted: a kind and what it is
// about. It holds no sentence, so that it can be part of a state.
type Fault struct {
	Kind  FaultKind
	Of    string // the function, operator or aggregate at fault; empty for a plain field
	Field string // of the event; empty within a condition that is more than comparisons
	Value string // what was found instead, or the bound that was passed
}

// A FaultKind is one way in which an event can be unfit. Kinds are part of what
// a state says; a number is never used again for another.
type FaultKind uint8

// The kinds of faults.
const (
	Other        FaultKind = iota // the condition cannot be evaluated on this event
	Unordered                     // what is compared has no order: Value and Of, or unlike fields
	Nested                        // objects or lists are compared
	NotNumber                     // a number, or what should be one, is no exact decimal
	TooLong                       // a text is longer than Value bytes
	Absent                        // an aggregate lacks its field
	NotScalar                     // a field is neither text nor number
	MixedAssets                   // amounts of Value and of another asset meet
	NotBool                       // a condition is neither true nor false
	Unfit                         // a function or operator Of does not take Value
	Overflow                      // a result is too large or too precise
	TooCostly                     // the condition takes more than Value steps
	Incalculable                  // a result of a condition over many events is too large or too precise
	faultKinds
)

var faultNames = [faultKinds]string{
	"other", "unordered", "nested", "not a number", "too long", "absent", "not a scalar",
	"mixed assets", "not a bool", "unfit", "overflow", "too costly", "incalculable",
}

// String is the kind's name.
func (k FaultKind) String() string {
	if k < faultKinds {
		return faultNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is the fault as a sentence for people.
func (f *Fault) Error() string {
	switch f.Kind {
	case Unordered:
		if f.Value == "" {
			return "where compares what has no order, such as a text and a number, or objects"
		}
		return fmt.Sprintf("where: %s have no order", f.Value)
	case Nested:
		return "where: objects and lists are not compared"
	case NotNumber:
		return f.what() + " is not a decimal number of at most 38 digits, 30 of them after the point"
	case TooLong:
		if f.Field == "" {
			return fmt.Sprintf("where: %s is tried on %s bytes at most", f.Of, f.Value)
		}
		return fmt.Sprintf("%s has more than %s bytes: too many to be told apart by", f.what(), f.Value)
	case Absent:
		return fmt.Sprintf("%s(%s): the event has no %s", f.Of, f.Field, f.Field)
	case NotScalar:
		return fmt.Sprintf("%s(%s): the field is neither text nor number", f.Of, f.Field)
	case MixedAssets:
		return fmt.Sprintf("amounts %s and of another asset in one window cannot be compared or added: add %s to `by`, or name it in `where`", f.asset(), f.Field)
	case NotBool:
		return "where: the condition is neither true nor false"
	case Unfit:
		return fmt.Sprintf("where: %s does not take %s", f.Of, f.Value)
	case Overflow:
		return "where: the result is too large, or has more than 30 digits after the point"
	case TooCostly:
		return fmt.Sprintf("where: the condition takes more than %s steps on this event", f.Value)
	case Incalculable:
		return "when: a result is too large, or has more than 30 digits after the point"
	case Other, faultKinds:
	}
	return "where: the condition cannot be evaluated on this event"
}

// what is the field at fault, and of which aggregate.
func (f *Fault) what() string {
	switch {
	case f.Field == "":
		return "where: a value"
	case f.Of == "":
		return f.Field
	}
	return f.Of + ": " + f.Field
}

func (f *Fault) asset() string {
	if f.Value == "" {
		return "without " + f.Field
	}
	return "of " + strictyaml.Clip(f.Value)
}

// shorten keeps the beginning of what an event says.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			return s[:i] + "…"
		}
	}
	return s
}

func notNumber(of string, f Field) *Fault {
	return &Fault{Kind: NotNumber, Of: of, Field: f.String()}
}

func tooLong(of string, f Field) *Fault {
	return &Fault{Kind: TooLong, Of: of, Field: f.String(), Value: strconv.Itoa(maxText)}
}

// Mixed is the fault of events that meet, one of which has own as its value of
// Same, while others have another.
func (v *Value) Mixed(own []byte) *Fault {
	f := &Fault{Kind: MixedAssets, Field: v.Fields[0].String()}
	if len(own) >= 4 {
		f.Value = shorten(string(own[4:]))
	}
	return f
}
