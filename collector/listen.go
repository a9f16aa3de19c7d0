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
	"time"

	"github.com/tomeishi/tomeishi/agent/httpguard"
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
	mux := c.handler()
	hosts := []string{c.o.Config.Listen}
	if u, err := url.Parse(c.o.Config.ExternalURL); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	}
	c.server = c.newServer(httpguard.Guard(c.identify(mux, false), hosts))
	c.socket = c.newServer(c.identify(mux, true))
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
	// Left over from a crash: the lock on the data folder is ours.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old socket: %w", err)
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

func (c *Collector) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ConnContext: withConn,
	}
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

// stopServers lets requests finish, within a bound; watches are cut.
func (c *Collector) stopServers() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for _, s := range []*http.Server{c.server, c.socket} {
		if err := s.Shutdown(ctx); err != nil {
			c.log.Debug("requests were cut short", "error", errors.Join(err, s.Close()))
		}
	}
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
