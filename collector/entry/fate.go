package entry

import (
	"errors"
	"net/http"
	"strconv"
)

// A Fate is what HTTP answers for a proposal that is not known to be in the
// ledger.
type Fate struct {
	Err        error // ErrFull, ErrUnknown or ErrNotStored
	Status     int
	RetryAfter int // seconds until it is worth trying again
}

// FateOf finds the fate that an error tells of; not ok if it tells of none.
func FateOf(err error) (Fate, bool) {
	for _, f := range []Fate{
		{ErrFull, http.StatusTooManyRequests, 5},
		{ErrUnknown, http.StatusServiceUnavailable, 1},
		{ErrNotStored, http.StatusServiceUnavailable, 1},
	} {
		if errors.Is(err, f.Err) {
			return f, true
		}
	}
	return Fate{}, false
}

// Retry says in the header when to try again.
func (f Fate) Retry(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
}
