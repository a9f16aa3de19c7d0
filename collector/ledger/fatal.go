package ledger

// Fatal is what Apply returns for an entry that this program cannot apply,
// because a later one wrote it. The ledger stops there: to pass over it would
// make another state than other collectors have.
type Fatal struct{ Err error }
