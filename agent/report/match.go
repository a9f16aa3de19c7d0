package report

import (
	"errors"
	"slices"
)

// MayName tells whether a hold with this match may be about the payment that an
// ask names: it is not only where a field that the hold names has another value
// in the ask. What the ask leaves out is not known, and not known is not
// different: an ask that names nothing is held by every hold. same tells whether two
// values of a field are one.
func MayName(match, ask map[string]string, same func(field, a, b string) bool) bool {
	for field, want := range match {
		have, said := ask[field]
		if !said {
			continue
		}
		// A field that this program does not know holds more, never less.
		if slices.Contains(Matchable, field) && !same(field, have, want) {
			return false
		}
	}
	return true
}

// CheckAsk tells what an ask leaves out that the gate asks for; it is a *FieldError.
func CheckAsk(asks []string, ask map[string]string) error {
	for _, field := range asks {
		if ask[field] == "" {
			return &FieldError{field, errors.New("this gate is asked with it: say which payment it is. Do not pay")}
		}
	}
	return nil
}

// Unnamed is a field that the hold names and the ask leaves out; empty if it names
// all of them.
func Unnamed(match, ask map[string]string) string {
	for _, field := range Matchable {
		if _, named := match[field]; named && ask[field] == "" {
			return field
		}
	}
	return ""
}
