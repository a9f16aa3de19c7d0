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

// ReadAsk reads the query of a question about one payment. It is strict: an
// answer for a misspelled question would be an answer about another payment. Any
// of the other keys may stand beside the fields. The error is a *FieldError.
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
		case !slices.Contains(Matchable, key):
			return nil, &FieldError{key, fmt.Errorf("unknown; a payment is named by %s", strings.Join(Matchable, ", "))}
		case len(values) != 1:
			return nil, &FieldError{key, errors.New("stands more than once")}
		case values[0] == "":
			return nil, &FieldError{key, errors.New("is empty")}
		default:
			fields[key] = values[0]
		}
	}
	return fields, nil
}
