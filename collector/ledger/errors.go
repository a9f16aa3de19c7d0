package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned before anything is written: the entry is not in the
	// ledger.
	ErrClosed = errors.New("ledger: closed")
	// ErrTooLarge is returned for a body above entry.MaxBody.
	ErrTooLarge = errors.New("ledger: body too large")
	// ErrDamaged is wrapped when the log is not what was written to it.
	ErrDamaged = errors.New("damaged")
)

const remedy = "restore from a backup or from another collector"

func damaged(index uint64, cause error) error {
	return fmt.Errorf("ledger entry %d: %w: %w; %s", index, ErrDamaged, cause, remedy)
}

func missing(last, want uint64, who string) error {
	if last+1 == want {
		return fmt.Errorf("ledger: %w: it ends at entry %d, but entry %d was acknowledged (%s): %s", ErrDamaged, last, want, who, remedy)
	}
	return fmt.Errorf("ledger: %w: it ends at entry %d, but entries %d to %d were acknowledged (%s): %s", ErrDamaged, last, last+1, want, who, remedy)
}
