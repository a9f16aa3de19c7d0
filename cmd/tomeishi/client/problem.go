package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// unreachableError: nobody was there to take the request; nothing changed.
type unreachableError struct {
	at    string
	cause error
}

func (e *unreachableError) Error() string {
	text := fmt.Sprintf("no collector was reached at %s: %v. Nothing was changed.\n", e.at, e.cause)
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(e.cause, &cert):
		return text + "Name the certificate that signs the collector's with --ca-file FILE."
	case errors.Is(e.cause, fs.ErrPermission):
		return text + "Run this as the user that runs the collector, or name another way in with --server."
	}
	return text + "Start one here with: tomeishi up\n" +
		"or name one with --server URL|SOCKET or $TOMEISHI_SERVER."
}

func (e *unreachableError) Unwrap() error { return e.cause }

// lostError: the collector may have got the request, and no whole answer came.
type lostError struct {
	at    string
	cause error
}

func (e *lostError) Error() string { return fmt.Sprintf("no answer from %s: %v", e.at, e.cause) }

func (e *lostError) Unwrap() error { return e.cause }

// unknownError: a decision was sent, and nothing says whether it took effect.
type unknownError struct {
	what, look string
	cause      error
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("it is NOT KNOWN whether %s: %v.\nLook before you decide again:\n  %s", e.what, e.cause, e.look)
}

func (e *unknownError) Unwrap() error { return e.cause }

// A RefusedError says that the collector answered, and did not do it.
type RefusedError struct {
	Code            int
	at, Text, field string
}

func (e *RefusedError) Error() string {
	text := e.Text
	if text == "" {
		text = fmt.Sprintf("%s answered %d %s", e.at, e.Code, http.StatusText(e.Code))
	}
	if e.field != "" && !strings.Contains(text, e.field) {
		text = e.field + ": " + text
	}
	if e.Code == http.StatusUnauthorized {
		text += "\nName the file that holds your token with --token-file FILE or $TOMEISHI_TOKEN_FILE."
	}
	return text
}

// Because says in few words why an exchange broke.
func (c *Client) Because(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %s%w", c.Timeout, hidden{err})
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted%w", hidden{err})
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("connection refused%w", hidden{err})
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the connection was reset%w", hidden{err})
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no such socket%w", hidden{err})
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection was closed in the middle%w", hidden{err})
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// hidden keeps an error for errors.Is without repeating its text.
type hidden struct{ err error }

func (hidden) Error() string   { return "" }
func (h hidden) Unwrap() error { return h.err }
