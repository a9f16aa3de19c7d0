package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSocketPath is what the kernel takes; a longer one goes by way of the
// directory's descriptor.
const maxSocketPath = 107

// ListenUnix listens on path, taking the place of a socket that nobody serves
// any more. Every user of the host may connect, as on loopback.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("socket %s: there is something else of this name", path)
		}
		if c, err := DialUnix(ctx, path); err == nil {
			return nil, errors.Join(fmt.Errorf("socket %s: in use by another process", path), c.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove old socket: %w", err)
		}
	}
	if err := makeRunFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("socket %s: make its folder: %w", path, err)
	}
	l, err := throughDir(path, func(p string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "unix", p)
	})
	if err != nil {
		return nil, fmt.Errorf("listen on socket: %w", err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // its short path is gone by then
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return unlinking{l, path}, nil
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

type unlinking struct {
	net.Listener
	path string
}

// Close also removes the socket.
func (u unlinking) Close() error {
	err := os.Remove(u.path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(u.Listener.Close(), err)
}

// DialUnix connects to the socket at path.
func DialUnix(ctx context.Context, path string) (net.Conn, error) {
	return throughDir(path, func(p string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p)
	})
}

func throughDir[T any](path string, do func(string) (T, error)) (out T, err error) {
	if len(path) <= maxSocketPath {
		return do(path)
	}
	fd, err := syscall.Open(filepath.Dir(path), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return out, &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	out, err = do("/proc/self/fd/" + strconv.Itoa(fd) + "/" + filepath.Base(path))
	return out, errors.Join(err, syscall.Close(fd))
}
