package httpguard

import (
	"container/list"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// Connections bounds how many connections a server has, over all its listeners: a
// program needs descriptors for its files too. The one that was idle longest makes
// room for a new one, so that whoever only holds connections keeps nobody out; while
// all are busy, a new one is closed.
type Connections struct {
	most     int
	mostIdle func() int
	log      *slog.Logger

	mu   sync.Mutex                 // guards what follows
	open map[net.Conn]*list.Element // nil while a request is read or answered
	idle list.List                  // of net.Conn, the longest idle first
}

// NewConnections bounds connections to most, of which mostIdle may be idle.
func NewConnections(most int, mostIdle func() int, log *slog.Logger) *Connections {
	return &Connections{most: max(most, 1), mostIdle: mostIdle, log: log, open: map[net.Conn]*list.Element{}}
}

// Descriptors is how many files and connections the process may have open, at most
// as many as given.
func Descriptors(most uint64) uint64 {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return most
	}
	return min(files.Cur, most)
}

// Limit accepts connections of l for which there is room. The server must tell State
// of them.
func (c *Connections) Limit(l net.Listener) net.Listener { return limited{l, c} }

type limited struct {
	net.Listener
	conns *Connections
}

// Accept waits for the next connection for which there is room.
func (l limited) Accept() (net.Conn, error) {
	c := l.conns
	for {
		conn, err := l.Listener.Accept()
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
func (c *Connections) makeRoom() bool {
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

// State follows a connection as the server tells of it.
func (c *Connections) State(conn net.Conn, state http.ConnState) {
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

func (c *Connections) forget(conn net.Conn) {
	if at := c.open[conn]; at != nil {
		c.idle.Remove(at)
	}
	delete(c.open, conn)
}
