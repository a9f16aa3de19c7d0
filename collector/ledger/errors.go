package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrUnknown is wrapped when an entry was handed to the log and its fate is
	// not known: it may be there now, or be there after a restart.
	ErrUnknown = errors.New("outcome unknown")
	// ErrFull is returned before anything is written, while the reserve is in
	// use: the entry is not in the ledger.
	ErrFull = errors.New("ledger: disk full; only decisions are taken")
	// ErrClosed is returned before anything is written: the entry is not in the
	// ledger.
	ErrClosed = errors.New("ledger: closed")
	// ErrTooLarge is returned for a body above MaxBody.
	ErrTooLarge = errors.New("ledger: body too large")
	// ErrInUse is wrapped by Open while another process has the directory.
	ErrInUse = errors.New("in use")
	// errNewer is wrapped when a file was written by a later program.
	errNewer = errors.New("upgrade it first")
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
