package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse is wrapped by Lock while another process holds the directory.
var ErrInUse = errors.New("in use")

// A DirLock keeps other processes out of a directory for as long as it is open.
type DirLock struct{ f *os.File }

// Lock takes the directory, which it makes if it is absent. While another
// process has it, the error names that process.
func Lock(dir string) (*DirLock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		pid, readErr := io.ReadAll(io.LimitReader(f, 20))
		return nil, errors.Join(inUse(dir, strings.TrimSpace(string(pid))), readErr, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	// The pid is for people; the lock does not depend on it, so that a full
	// disk does not keep anything from starting. Its mode keeps others out: whoever
	// can open it can take the lock.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return &DirLock{f}, nil
}

func inUse(dir, pid string) error {
	if pid == "" {
		return fmt.Errorf("data directory %s: %w by another process", dir, ErrInUse)
	}
	return fmt.Errorf("data directory %s: %w by pid %s", dir, ErrInUse, pid)
}

// Close lets the directory go.
func (l *DirLock) Close() error { return l.f.Close() }
