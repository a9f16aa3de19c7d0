package local

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxConns bounds the connections at once, in memory and well below what the
// spool and the collectors need of descriptors.
const maxConns = 1024

// A crowd is the connections that are open. Beyond the bound the one goes that
// has been without a request for the longest, so that whoever only holds
// connections keeps nobody out.
type crowd struct {
	most int
	log  *slog.Logger

	mu   sync.Mutex // guards what follows
	open int
	idle map[net.Conn]time.Time // those without a request, since when
}

func newCrowd(log *slog.Logger) *crowd {
	most := uint64(maxConns)
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		most = min(most, files.Cur/2)
	}
	return &crowd{most: int(most), log: log, idle: map[net.Conn]time.Time{}}
}

// state is told of every connection's state.
func (c *crowd) state(conn net.Conn, state http.ConnState) {
	if goes := c.note(conn, state); goes != nil {
		if err := goes.Close(); err != nil {
			c.log.Debug("close a connection without a request", "error", err)
		}
	}
}

// note returns the connection that has to go, if there are too many.
func (c *crowd) note(conn net.Conn, state http.ConnState) (goes net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
		c.idle[conn] = time.Now()
	case http.StateIdle:
		c.idle[conn] = time.Now()
	case http.StateActive:
		delete(c.idle, conn)
	case http.StateClosed, http.StateHijacked:
		c.open--
		delete(c.idle, conn)
	}
	if state != http.StateNew || c.open <= c.most {
		return nil
	}
	for other, since := range c.idle {
		if goes == nil || since.Before(c.idle[goes]) {
			goes = other
		}
	}
	delete(c.idle, goes)
	return goes
}
