package report

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Matchable are the fields by which a payment is named at a gate.
var Matchable = []string{"request", "customer", "address", "tag"}

// Optional parameters of a question, by which held money is summed.
const (
	AskAsset  = "asset"
	AskAmount = "amount"
)

// ReadAsk reads the query of a question about one payment: the Matchable
// fields, AskAsset, and AskAmount, an exact decimal. It is strict: an answer for
// a misspelled question would be an answer about another payment. Any of the
// other keys may stand beside the fields. The error is a *FieldError.
func ReadAsk(rawQuery string, other ...string) (map[string]string, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &FieldError{Err: fmt.Errorf("the query cannot be read: %w", err)}
	}
	fields := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(q)) {
		values := q[key]
		switch {
		case slices.Contains(other, key):
		case !slices.Contains(Matchable, key) && key != AskAsset && key != AskAmount:
			return nil, &FieldError{key, fmt.Errorf("unknown; a payment is named by %s, beside which asset and amount may stand", strings.Join(Matchable, ", "))}
		case len(values) != 1:
			return nil, &FieldError{key, errors.New("stands more than once")}
		case values[0] == "":
			return nil, &FieldError{key, errors.New("is empty")}
		case key == AskAmount && !isAmount(values[0]):
			return nil, &FieldError{key, errors.New("is no exact decimal: digits, and perhaps a point and at most 30 more, together at most 38, as in 0.05")}
		default:
			fields[key] = values[0]
		}
	}
	return fields, nil
}

// Digits of an exact decimal, as rules count with it.
const (
	maxDigits = 38
	maxPlaces = 30 // after the point
)

// isAmount tells whether the text is an exact decimal of money that is paid:
// digits, and perhaps a point and more digits.
func isAmount(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	if !isDigits(whole) || point && !isDigits(fraction) {
		return false
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	return len(whole)+len(fraction) <= maxDigits && len(fraction) <= maxPlaces
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
