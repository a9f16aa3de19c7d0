package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/collector/auth"
)

const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = time.Minute
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second
)

// listen opens both doors: TCP behind the Host list and cross-origin
// protection, and a Unix socket for whoever may open the data folder.
func (c *Collector) listen(ctx context.Context) error {
	if err := c.bind(ctx); err != nil {
		return err
	}
	if err := c.openPeople(); err != nil {
		return err
	}
	if err := c.openDoor(); err != nil {
		return err
	}
	mux := c.handler()
	hosts := []string{c.o.Config.Listen}
	if u, err := url.Parse(c.external()); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	}
	c.server = c.newServer(httpguard.Guard(c.door.Identify(mux), hosts))
	c.socket = c.newServer(c.door.OnSocket(mux))
	return nil
}

// bind takes the addresses; whoever connects waits until Run serves.
func (c *Collector) bind(ctx context.Context) error {
	var lc net.ListenConfig
	var err error
	if c.tcp, err = lc.Listen(ctx, "tcp", c.o.Config.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w", c.o.Config.Listen, err)
	}
	c.onClose("listener", closed(c.tcp))
	if c.o.Config.TLS.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.o.Config.TLS.CertFile, c.o.Config.TLS.KeyFile)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		c.tcp = tls.NewListener(c.tcp, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	path, err := filepath.Abs(c.o.Config.Socket)
	if err != nil {
		return err
	}
	if err := removeSocket(path); err != nil {
		return err
	}
	if c.unix, err = lc.Listen(ctx, "unix", path); err != nil {
		return fmt.Errorf("listen on the socket %s: %w", path, err)
	}
	c.onClose("socket", closed(c.unix))
	if err := os.Chmod(path, 0o660); err != nil {
		return fmt.Errorf("protect the socket: %w", err)
	}
	return nil
}

// removeSocket removes what a crash left over: the lock on the data folder is
// ours. Anything but a socket is somebody's.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for an old socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("socket: %s is there and is not a socket: name another path, or move it away", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the old socket: %w", err)
	}
	return nil
}

func (c *Collector) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: c.count(h), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ConnContext: auth.WithConn, ConnState: c.connState,
		BaseContext: func(net.Listener) context.Context { return c.doors.life },
	}
}

// doors is what is needed to stop the servers.
type doors struct {
	life     context.Context // of all requests
	cut      context.CancelFunc
	handlers sync.RWMutex // held to read by each handler that runs; for good once none may begin
	running  atomic.Int64 // how many do
	fresh    sync.Map     // net.Conn: connections without a request so far
}

// connState keeps connections without a request, for which Shutdown would wait.
func (c *Collector) connState(conn net.Conn, s http.ConnState) {
	if s != http.StateNew {
		c.doors.fresh.Delete(conn)
		return
	}
	c.doors.fresh.Store(conn, nil)
	select {
	case <-c.stopping:
		c.closeFresh()
	default:
	}
}

func (c *Collector) closeFresh() {
	c.doors.fresh.Range(func(conn, _ any) bool {
		if err := conn.(net.Conn).Close(); err != nil {
			c.log.Debug("close a connection without a request", "error", err)
		}
		return true
	})
}

// count lets a request in until the collector has stopped.
func (c *Collector) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.doors.handlers.TryRLock() {
			w.Header().Set("Connection", "close")
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		defer c.doors.handlers.RUnlock()
		c.doors.running.Add(1)
		defer c.doors.running.Add(-1)
		next.ServeHTTP(w, r)
	})
}

// closed closes a listener that the server may have closed already.
func closed(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

func (c *Collector) serve(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// stopServers lets requests finish, within a bound, and returns when no handler
// runs any more: what they use may be closed.
func (c *Collector) stopServers() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range []*http.Server{c.server, c.socket} {
		wg.Go(func() {
			if err := s.Shutdown(ctx); err != nil {
				c.log.Debug("requests were cut short", "error", errors.Join(err, s.Close()))
			}
		})
	}
	c.closeFresh()
	wg.Wait()
	c.doors.cut()
	c.doors.handlers.Lock() // for good
}

// Addr is the TCP address that the collector listens on.
func (c *Collector) Addr() string { return c.tcp.Addr().String() }

// URL is where to reach the collector from this host.
func (c *Collector) URL() string {
	if c.o.Config.TLS.CertFile != "" {
		return "https://" + c.Addr()
	}
	return "http://" + c.Addr()
}

// Socket is the path of the Unix socket.
func (c *Collector) Socket() string { return c.o.Config.Socket }
