package collector

import (
	"container/list"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// connections bounds the connections of one listener below the process's
// descriptors: the ledger needs some. The one that was idle longest makes room
// for a new one; while all are busy, a new one is closed.
type connections struct {
	net.Listener
	most     int
	mostIdle func() int
	log      *slog.Logger

	mu   sync.Mutex                 // guards what follows
	open map[net.Conn]*list.Element // nil while a request is read or answered
	idle list.List                  // of net.Conn, the longest idle first
}

const (
	maxConnections = 16_384
	// minIdle connections may be idle, and three of each agent: an idle one costs
	// 20 kB.
	minIdle = 2048
	// spareFiles are kept for the ledger, the tape, the series and what the
	// collector itself calls.
	spareFiles = 512
)

// roomForConnections is how many connections there may be. The runtime has
// raised the soft limit to the hard one.
func roomForConnections() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return maxConnections
	}
	return int(min(files.Cur-min(files.Cur/2, spareFiles), maxConnections))
}

func limitConnections(l net.Listener, most int, mostIdle func() int, log *slog.Logger) *connections {
	return &connections{Listener: l, most: max(most, 1), mostIdle: mostIdle, log: log, open: map[net.Conn]*list.Element{}}
}

// Accept waits for the next connection for which there is room.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c.makeRoom() {
			return conn, nil
		}
		c.log.Warn("a connection was refused: all that there may be are busy", "most", c.most, "from", conn.RemoteAddr())
		if err := conn.Close(); err != nil {
			c.log.Debug("close a connection", "error", err)
		}
	}
}

// makeRoom closes the connection that was idle longest, if there are too many.
func (c *connections) makeRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) < c.most && c.idle.Len() < c.mostIdle() {
		return true
	}
	first := c.idle.Front()
	if first == nil {
		return false
	}
	conn, _ := first.Value.(net.Conn)
	c.forget(conn)
	if err := conn.Close(); err != nil {
		c.log.Debug("close an idle connection", "error", err)
	}
	return true
}

// state follows a connection as the server tells of it.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateIdle:
		if _, known := c.open[conn]; known || state == http.StateNew {
			c.open[conn] = c.idle.PushBack(conn)
		}
	case http.StateActive:
		if at := c.open[conn]; at != nil {
			c.idle.Remove(at)
			c.open[conn] = nil
		}
	case http.StateClosed, http.StateHijacked:
		c.forget(conn)
	}
}

func (c *connections) forget(conn net.Conn) {
	if at := c.open[conn]; at != nil {
		c.idle.Remove(at)
	}
	delete(c.open, conn)
}
