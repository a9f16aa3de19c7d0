// Package socketfile listens on Unix sockets and dials them, for all programs.
//
// It promises that the path may be longer than the kernel takes, and that a
// socket is removed when its listener is closed. It does not look whether
// somebody else has the path: that is for the caller to decide.
package socketfile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// maxPath is what the kernel takes, less on some systems; a longer one goes by
// way of its folder's descriptor.
const maxPath = 103

// Listen listens on path, for those whom mode lets.
func Listen(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	l, err := throughFolder(path, func(p string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "unix", p)
	})
	if err != nil {
		return nil, fmt.Errorf("listen on the socket %s: %w", path, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // its short path is gone by then
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return unlinking{l, path}, nil
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

// Dial connects to the socket at path.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	return throughFolder(path, func(p string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p)
	})
}

func throughFolder[T any](path string, do func(string) (T, error)) (out T, err error) {
	if len(path) <= maxPath {
		return do(path)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return out, err
	}
	short := "/proc/self/fd/" + strconv.Itoa(int(folder.Fd())) + "/" + filepath.Base(path)
	if len(short) > maxPath {
		return out, errors.Join(fmt.Errorf("the name %s of a socket is too long: give it a shorter one", filepath.Base(path)), folder.Close())
	}
	out, err = do(short)
	return out, errors.Join(err, folder.Close())
}
