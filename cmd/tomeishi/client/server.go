package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tomeishi/tomeishi/agent/socketfile"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const (
	defaultServer = "http://127.0.0.1:9311"
	// DefaultTimeout is how long an answer is waited for.
	DefaultTimeout = 15 * time.Second
	// LocalSocket is where the collector of this folder is found.
	LocalSocket = "data/collector.sock"
)

// Server says which collector a command speaks to, and as whom.
type Server struct {
	At, tokenFile, caFile string
	Timeout               time.Duration
}

// Flags adds what says which collector is meant.
func (s *Server) Flags(f *pflag.FlagSet) {
	f.StringVar(&s.At, "server", "", "the collector, `URL|SOCKET` (default: $TOMEISHI_SERVER, else ./data/collector.sock if it exists, else "+defaultServer+")")
	f.StringVar(&s.tokenFile, "token-file", "", "`FILE` that holds your token (default: $TOMEISHI_TOKEN_FILE)")
	f.StringVar(&s.caFile, "ca-file", "", "`FILE` of certificates, in PEM, that the collector's must be signed by")
	f.DurationVar(&s.Timeout, "timeout", DefaultTimeout, "how long to wait for an answer")
}

// Dial makes the client; nothing is sent yet.
func (s *Server) Dial() (*Client, error) {
	at, given := s.choose()
	base, socket, err := parseServer(at)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, At: at, given: given, Timeout: s.Timeout}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSHandshakeTimeout: s.Timeout,
		DialContext:         (&net.Dialer{Timeout: s.Timeout}).DialContext,
	}
	if socket != "" {
		transport = SocketTransport(socket)
	}
	if transport.TLSClientConfig, err = s.trust(); err != nil {
		return nil, err
	}
	if c.token, err = s.token(base, socket != ""); err != nil {
		return nil, err
	}
	// A redirect is not followed: it could carry the token, or a decision, to
	// somewhere that nobody named.
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return c, nil
}

// SocketTransport speaks HTTP through a Unix socket, whatever the URL's host.
func SocketTransport(path string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return socketfile.Dial(ctx, path)
	}}
}

// choose is the collector to speak to, and whether a flag named it.
func (s *Server) choose() (at string, given bool) {
	if s.At != "" {
		return s.At, true
	}
	if env := os.Getenv("TOMEISHI_SERVER"); env != "" {
		return env, false
	}
	if info, err := os.Stat(LocalSocket); err == nil && info.Mode()&os.ModeSocket != 0 {
		return LocalSocket, false
	}
	return defaultServer, false
}

// parseServer reads a URL, a host:port or the path of a socket.
func parseServer(at string) (base, socket string, err error) {
	if path, ok := strings.CutPrefix(at, "unix:"); ok {
		return "http://localhost", strings.TrimPrefix(path, "//"), nil
	}
	if strings.HasPrefix(at, "http://") || strings.HasPrefix(at, "https://") {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", "", term.Usagef("--server %s is not a URL such as %s", term.Quote(at), defaultServer)
		}
		return strings.TrimRight(u.String(), "/"), "", nil
	}
	if _, port, err := net.SplitHostPort(at); err == nil && port != "" && !strings.ContainsRune(at, filepath.Separator) {
		return "http://" + at, "", nil
	}
	if strings.Contains(at, "://") {
		return "", "", term.Usagef("--server %s: speak http:// or https:// to a collector, or name its socket", term.Quote(at))
	}
	return "http://localhost", at, nil
}

func (s *Server) trust() (*tls.Config, error) {
	if s.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.caFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-file %s: no certificate in PEM in it", s.caFile)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// token reads the asker's token, which never travels in the clear to another
// host.
func (s *Server) token(base string, socket bool) (string, error) {
	path := s.tokenFile
	if path == "" {
		path = os.Getenv("TOMEISHI_TOKEN_FILE")
	}
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read your token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("read your token: %s does not hold one token and nothing else", path)
	}
	if !socket && strings.HasPrefix(base, "http://") && !loopback(base) {
		return "", errors.New("your token would travel in the clear: use https:// for a collector on another host")
	}
	return token, nil
}

func loopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
