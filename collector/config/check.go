package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// check completes the configuration and notes what is wrong or would not be
// safe, with the remedy.
func (c *Config) check(s *strictyaml.Source) {
	if c.Socket == "" && c.Data != "" {
		c.Socket = filepath.Join(c.Data, "collector.sock")
	}
	c.checkSeries(s)
	c.checkPeople(s)
	c.checkHeartbeat(s)
	c.Auth.Check(func(path, format string, args ...any) { s.Errorf("auth."+path, format, args...) })
	if s.Says("rules") && len(c.Rules) == 0 {
		s.Errorf("rules", "names no file, so nothing would be watched: name your rule files, or leave the key out for the shipped rules")
	}
	for i, glob := range c.Rules {
		if _, err := filepath.Match(glob, ""); err != nil {
			s.Errorf(fmt.Sprintf("rules[%d]", i), "%q is no pattern of file names: %v", glob, err)
		}
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		s.Needf("tls", "needs cert_file and key_file, both")
	}
	c.checkListen(s)
	if c.Data == "" {
		s.Needf("data", "is required: the folder in which the collector keeps its ledger, as in\n  data: /var/lib/tomeishi")
	}
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c *Config) checkSeries(s *strictyaml.Source) {
	if c.EvaluationInterval < time.Second {
		s.Errorf("evaluation_interval", "%s is too short: a second at least; a group may have an interval of its own", c.EvaluationInterval)
	}
	if c.Retention.Series < time.Hour {
		s.Errorf("retention.series", "%s is too short: an hour at least", c.Retention.Series)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if !labelName.MatchString(name) || strings.HasPrefix(name, "__") {
			s.KeyErrorf("labels."+name, "%.60q is no label name: letters, digits and _, not first a digit, and not __ first", name)
		}
	}
}

// checkPeople checks how people are spoken to.
func (c *Config) checkPeople(s *strictyaml.Source) {
	if languages := []string{"en", "ja"}; !slices.Contains(languages, c.Language) {
		s.Errorf("language", "found %.40q, want en or ja", c.Language)
	}
	if _, err := c.Zone(); err != nil {
		s.Errorf("time_zone", "%v", err)
	}
	if u, err := url.Parse(c.ExternalURL); err != nil || c.ExternalURL != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		s.Errorf("external_url", "found %.100q, want the address under which people reach this collector, as in https://tomeishi.example:9311", c.ExternalURL)
	}
}

func (c *Config) checkHeartbeat(s *strictyaml.Source) {
	if every := c.Heartbeat.Every; every < 10*time.Second || every > time.Hour {
		s.Errorf("heartbeat.every", "%s is not between 10s and 1h", every)
	} else if c.Heartbeat.URLFile == "" && c.Heartbeat != Default().Heartbeat {
		s.Needf("heartbeat", "needs url_file, which holds the URL to call")
	}
}

func (c *Config) checkListen(s *strictyaml.Source) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		s.Errorf("listen", "%q is not HOST:PORT, as in 127.0.0.1:9311", c.Listen)
		return
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	var missing string
	if c.TLS.CertFile == "" {
		missing += "\n  tls: {cert_file: /etc/tomeishi/collector.crt, key_file: /etc/tomeishi/collector.key}"
	}
	if len(c.Auth.People) == 0 || len(c.Auth.Agents) == 0 {
		missing += "\n  auth:" +
			"\n    people: [{name: YOU, token_sha256: …, may: [view, operate, approve]}]   # printf %s TOKEN | sha256sum" +
			"\n    agents: [{id: HOST, token_sha256: …}]"
	}
	if missing != "" {
		s.Needf("listen", "%s can be reached from other hosts, where anybody could open a gate. "+
			"Listen on 127.0.0.1, or add to the configuration:%s", c.Listen, missing)
	}
}
