package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sys/unix"
)

type connKey struct{}

// WithConn keeps the connection, for OnSocket.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// peerUID names the user at the other end of a Unix socket, as uid:N.
func peerUID(r *http.Request) (string, error) {
	conn, ok := r.Context().Value(connKey{}).(*net.UnixConn)
	if !ok {
		return "", errors.New("not a Unix socket")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return "", err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, credErr); err != nil {
		return "", fmt.Errorf("ask who is at the socket: %w", err)
	}
	return fmt.Sprintf("uid:%d", cred.Uid), nil
}
