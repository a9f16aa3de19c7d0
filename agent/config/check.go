package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

const (
	minSpool   = 16 << 20 // a few of the largest requests
	minSamples = 1 << 20  // some minutes
)

// check completes the configuration and notes what is wrong, with the remedy.
func (c *Config) check(s *strictyaml.Source) {
	if err := c.complete(); err != nil {
		s.Errorf("id", "%v", err)
	} else if err := checkID(c.ID); err != nil {
		s.Errorf("id", "%v", err)
	}
	c.checkListen(s)
	if c.Spool.Max < minSpool {
		s.Errorf("spool.max", "%d bytes; at least 16MiB", c.Spool.Max)
	}
	if c.Spool.Samples < minSamples {
		s.Errorf("spool.samples", "%d bytes; at least 1MiB", c.Spool.Samples)
	}
	for i, u := range c.Collectors {
		if err := checkCollector(u); err != nil {
			s.Errorf(fmt.Sprintf("collectors[%d]", i), "%q: %v", u, err)
		}
	}
	c.checkLabels(s)
	if c.Data == "" {
		s.Needf("data", "say where the agent keeps its state, for example\n  data: /var/lib/tomeishi/agent")
	}
}

func (c *Config) checkListen(s *strictyaml.Source) {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		s.Errorf("listen", "%q is not HOST:PORT, as in 127.0.0.1:9310", c.Listen)
	} else if !httpguard.Loopback(c.Listen) {
		s.Errorf("listen", "%s is reachable from outside this host, and the agent's API knows no users. Keep it on loopback:\n  listen: 127.0.0.1:9310\nApplications on other hosts run their own agent, or send to the collector", c.Listen)
	}
}

func checkCollector(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("a collector is http://HOST:PORT or https://HOST:PORT")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("only the scheme, host and port: paths are added by the agent")
	case u.User != nil:
		return errors.New("the address must not name a user: put a token into a file and name it in token_file")
	case u.Scheme == "http" && !httpguard.Loopback(u.Host):
		return fmt.Errorf("events and tokens do not leave this host in clear text. Use\n  collectors: [https://%s]\nand, for an authority of your own, tls: {ca_file: FILE}", u.Host)
	}
	return nil
}
