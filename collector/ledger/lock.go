package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock keeps other processes out of dir until it is closed, for who has more in
// it than a ledger. The error wraps ErrInUse and names the holder.
func Lock(dir string) (io.Closer, error) { return lockDir(dir) }

// lockDir keeps other processes out of dir until the file is closed. It comes
// before the log is touched: raft-wal would wait for ever without a word.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock ledger: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		holder := "another process"
		if p := strings.TrimSpace(string(pid)); p != "" {
			holder = "pid " + p
		}
		return nil, errors.Join(fmt.Errorf("%s: %w by %s", dir, ErrInUse, holder), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock ledger %s: %w", dir, err), f.Close())
	}
	// The pid is for people; a full disk must not keep the ledger from opening.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f, nil
}
