package report

import "slices"

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
