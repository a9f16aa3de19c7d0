package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/agent/socketfile"
)

// ListenUnix listens on path, taking the place of a socket that nobody serves
// any more. Every user of the host may connect, as on loopback.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("socket %s: there is something else of this name", path)
		}
		if c, err := socketfile.Dial(ctx, path); err == nil {
			return nil, errors.Join(fmt.Errorf("socket %s: in use by another process", path), c.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove old socket: %w", err)
		}
	}
	if err := makeRunFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("socket %s: make its folder: %w", path, err)
	}
	return socketfile.Listen(ctx, path, 0o666)
}

// makeRunFolder makes the folder of a socket if it is absent, as one of /run is
// after each boot.
func makeRunFolder(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, 0o755) // whatever the umask
}

// Unreachable is the folder on the way to path through which other users do not
// pass; empty if there is none.
func Unreachable(path string) string {
	dir, err := filepath.Abs(filepath.Dir(path))
	for ; err == nil; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o001 == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}
