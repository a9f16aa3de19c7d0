package entry

import "errors"

// Errors between a proposal and its place in the ledger. Every error
// of a proposal wraps one of these.
var (
	// ErrFull: nothing was written. Events must wait at their senders.
	ErrFull = errors.New("the collector's disk is full")
	// ErrNotStored: nothing was written, and it is safe to try again.
	ErrNotStored = errors.New("nothing was stored")
	// ErrUnknown: the entry may have been written or not.
	ErrUnknown = errors.New("it is not known whether this was stored")
)
