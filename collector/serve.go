package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/agent/socketfile"
	"github.com/tomeishi/tomeishi/collector/auth"
)

const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = time.Minute
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second
)

// listenTCP takes the address; whoever connects waits until Run serves.
func listenTCP(ctx context.Context, addr string, cert *certificate) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if cert == nil {
		return l, nil
	}
	return tls.NewListener(l, &tls.Config{GetCertificate: cert.get, MinVersion: tls.VersionTLS12}), nil
}

// listenUnix takes the socket, for whoever may open the data folder.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := removeSocket(path); err != nil {
		return nil, err
	}
	return socketfile.Listen(ctx, path, 0o660)
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

// servers answer requests, until they are stopped.
type servers struct {
	log      *slog.Logger
	tcp      *http.Server
	unix     *http.Server
	stopping chan struct{}   // closed first, so that watches end
	life     context.Context // of all requests
	cut      context.CancelFunc
	handlers sync.RWMutex // held to read by each handler that runs; for good once none may begin
	running  atomic.Int64 // how many do
	fresh    sync.Map     // net.Conn: connections without a request so far
	bodies   bodies
}

func newServers(log *slog.Logger) *servers {
	s := &servers{log: log, stopping: make(chan struct{}), bodies: bodies{most: maxBodies, stalls: bodyStalls}}
	s.life, s.cut = context.WithCancel(context.Background())
	return s
}

// answer says what is answered: over TCP, behind the Host list and cross-origin
// protection, and on the socket.
func (s *servers) answer(tcp, unix http.Handler) {
	s.tcp, s.unix = s.server(tcp), s.server(unix)
}

func (s *servers) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: s.count(s.bodies.guard(h)), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ConnContext: auth.WithConn,
		BaseContext: func(net.Listener) context.Context { return s.life },
	}
}

// connState keeps connections without a request, for which Shutdown would wait.
func (s *servers) connState(conn net.Conn, state http.ConnState) {
	if state != http.StateNew {
		s.fresh.Delete(conn)
		return
	}
	s.fresh.Store(conn, nil)
	select {
	case <-s.stopping:
		s.closeFresh()
	default:
	}
}

func (s *servers) closeFresh() {
	s.fresh.Range(func(conn, _ any) bool {
		if err := conn.(net.Conn).Close(); err != nil {
			s.log.Debug("close a connection without a request", "error", err)
		}
		return true
	})
}

// count lets a request in until the collector has stopped.
func (s *servers) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.handlers.TryRLock() {
			w.Header().Set("Connection", "close")
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		defer s.handlers.RUnlock()
		s.running.Add(1)
		defer s.running.Add(-1)
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

// serve answers the connections of l, as many of them as there may be.
func (s *servers) serve(server *http.Server, l net.Listener, most int, mostIdle func() int) error {
	conns := httpguard.NewConnections(most, mostIdle, s.log)
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		conns.State(conn, state)
		s.connState(conn, state)
	}
	return serve(server, conns.Limit(l))
}

// Bounds of connections.
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
	files := httpguard.Descriptors(maxConnections + spareFiles)
	return int(files - min(files/2, spareFiles))
}

func serve(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// stop lets requests finish, within a bound, and returns when no handler runs
// any more: what they use may be closed.
func (s *servers) stop() {
	close(s.stopping)
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, server := range []*http.Server{s.tcp, s.unix} {
		wg.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				s.log.Debug("requests were cut short", "error", errors.Join(err, server.Close()))
			}
		})
	}
	s.closeFresh()
	wg.Wait()
	s.cut()
	s.handlers.Lock() // for good
}
