package agent

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tomeishi/tomeishi/agent/httpguard"
)

// Config is what an agent's configuration file says.
type Config struct {
	Listen     string // TCP address of the local API, on loopback
	Socket     string // Unix socket of the local API; default DATA/agent.sock
	Data       string // directory of what waits for a collector and the kept gates
	ID         string // the agent's name; default the host's
	Collectors []string
	Labels     map[string]string
	SpoolMax   int64  // bytes of events that may wait for a collector
	SamplesMax int64  // bytes of samples that may; the oldest are dropped
	TokenFile  string // bearer token for the collectors
	CAFile     string // authorities to trust for https collectors
}

// DefaultConfig is what holds without a file.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:9310", SpoolMax: 1 << 30, SamplesMax: 256 << 20}
}

const (
	minSpool   = 16 << 20 // a few of the largest requests
	minSamples = 1 << 20  // some minutes
)

// Check fills in what depends on other keys and says what is wrong, with the
// remedy.
func (c *Config) Check() error {
	if c.Data == "" {
		return errors.New("data: say where the agent keeps its state, for example\n  data: /var/lib/tomeishi/agent")
	}
	if c.Socket == "" {
		c.Socket = filepath.Join(c.Data, "agent.sock")
	}
	if c.ID == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("id: the host has no name (%w): say one", err)
		}
		c.ID = host
	}
	if len(c.ID) > 255 || strings.ContainsFunc(c.ID, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return fmt.Errorf("id: %.60q: at most 255 bytes of text without control characters", c.ID)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %q is not HOST:PORT: %w", c.Listen, err)
	}
	if !httpguard.Loopback(c.Listen) {
		return fmt.Errorf("listen: %s is reachable from outside this host, and the agent's API knows no users. Keep it on loopback:\n  listen: 127.0.0.1:9310\nApplications on other hosts run their own agent, or send to the collector", c.Listen)
	}
	if c.SpoolMax < minSpool {
		return fmt.Errorf("spool.max: %d bytes; at least 16MiB", c.SpoolMax)
	}
	if c.SamplesMax < minSamples {
		return fmt.Errorf("spool.samples: %d bytes; at least 1MiB", c.SamplesMax)
	}
	for _, u := range c.Collectors {
		if err := checkCollector(u); err != nil {
			return fmt.Errorf("collectors: %q: %w", u, err)
		}
	}
	return nil
}

func checkCollector(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("a collector is http://HOST:PORT or https://HOST:PORT")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("only the scheme, host and port: paths are added by the agent")
	case u.User != nil:
		return errors.New("no user in the address: put a token into a file and name it in token_file")
	case u.Scheme == "http" && !httpguard.Loopback(u.Host):
		return fmt.Errorf("events and tokens do not leave this host in clear text. Use\n  collectors: [https://%s]\nand, for an authority of your own, tls: {ca_file: FILE}", u.Host)
	}
	return nil
}

// token reads the bearer token.
func (c *Config) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("token_file %s: holds no token: one line of printable characters", c.TokenFile)
	}
	return token, nil
}
