package collector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/collector/auth"
)

// Config is a collector's configuration file.
type Config struct {
	Listen      string    `yaml:"listen"`
	Socket      string    `yaml:"socket"`
	Data        string    `yaml:"data"`
	Rules       []string  `yaml:"rules"` // globs, relative to the file's folder
	ExternalURL string    `yaml:"external_url"`
	Retention   Retention `yaml:"retention"`
	TLS         TLS       `yaml:"tls"`
	// EvaluationInterval is how often groups without interval are evaluated.
	EvaluationInterval Days `yaml:"evaluation_interval"`
	// Alertmanager names an Alertmanager configuration, relative to this file's
	// folder; without it what there is to tell is told on the screen.
	Alertmanager string    `yaml:"alertmanager"`
	Language     string    `yaml:"language"`  // en or ja
	TimeZone     string    `yaml:"time_zone"` // as in Asia/Tokyo; empty: this host's
	Heartbeat    Heartbeat `yaml:"heartbeat"`
	// Labels are Prometheus's external labels.
	Labels map[string]string `yaml:"labels"`
	Auth   auth.Config       `yaml:"auth"`

	later `yaml:",inline"`
}

// Retention bounds what is kept of the past.
type Retention struct {
	Tape   Days `yaml:"tape"`   // 0 keeps it for ever
	Series Days `yaml:"series"` // of samples

	Audit  yaml.Node `yaml:"audit"`
	Claims yaml.Node `yaml:"claims"`
	Bytes  yaml.Node `yaml:"bytes"`
}

// Heartbeat is where the collector says that the whole path from an agent to
// people works. Who listens there tells when it falls silent.
type Heartbeat struct {
	URLFile string `yaml:"url_file"` // holds the URL, which is a secret
	Every   Days   `yaml:"every"`
}

// TLS names the collector's certificate, in PEM files.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// later holds the keys of the design that this version does not have.
type later struct {
	Alertmanagers yaml.Node `yaml:"alertmanagers"`
	Peers         yaml.Node `yaml:"peers"`
}

// Days is a duration written like 90d, 12h or 1h30m.
type Days time.Duration

// UnmarshalYAML reads a duration.
func (d *Days) UnmarshalYAML(n *yaml.Node) error {
	var text string
	if err := n.Decode(&text); err != nil {
		return err
	}
	v, err := parseDays(text)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*d = v
	return nil
}

func parseDays(text string) (Days, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return Days(time.Duration(n) * 24 * time.Hour), nil
		}
	} else if v, err := time.ParseDuration(text); err == nil && v >= 0 {
		return Days(v), nil
	}
	return 0, fmt.Errorf("found %.40q, want a duration such as 90d or 12h", text)
}

// Defaults is the configuration without a file.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:9311", Data: "./data", EvaluationInterval: Days(15 * time.Second),
		Language: "en", Heartbeat: Heartbeat{Every: Days(time.Minute)},
		Retention: Retention{Tape: Days(90 * 24 * time.Hour), Series: Days(15 * 24 * time.Hour)},
	}
}

// LoadConfig reads a configuration file. Unknown keys are errors, with their
// line; paths in it are relative to its folder.
func LoadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	c := Defaults()
	c.Data = ""
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, placeErrors(path, err)
	}
	if err := c.notYet(path); err != nil {
		return Config{}, err
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.Data, &c.Socket, &c.TLS.CertFile, &c.TLS.KeyFile, &c.Alertmanager, &c.Heartbeat.URLFile} {
		*p = within(dir, *p)
	}
	for i := range c.Rules {
		c.Rules[i] = within(dir, c.Rules[i])
	}
	return c, nil
}

func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

var (
	yamlPlace   = regexp.MustCompile(`line (\d+): (.*)`)
	yamlUnknown = regexp.MustCompile(`field (\S+) not found in type \S+`)
)

// placeErrors puts the file and line before each of the parser's complaints.
func placeErrors(path string, err error) error {
	found := yamlPlace.FindAllStringSubmatch(err.Error(), -1)
	if found == nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var lines []string
	for _, f := range found {
		text := yamlUnknown.ReplaceAllString(f[2], "unknown key $1")
		lines = append(lines, fmt.Sprintf("%s:%s: %s", path, f[1], text))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// notYet refuses what only a later version can do.
func (c *Config) notYet(path string) error {
	for _, k := range []struct {
		key  string
		node yaml.Node
	}{
		{"alertmanagers", c.Alertmanagers},
		{"peers", c.Peers},
		{"retention.audit", c.Retention.Audit},
		{"retention.claims", c.Retention.Claims},
		{"retention.bytes", c.Retention.Bytes},
	} {
		if k.node.Line != 0 {
			return fmt.Errorf("%s:%d: not in this version: %s", path, k.node.Line, k.key)
		}
	}
	return nil
}

// check finishes the configuration and refuses what would not be safe.
func (c *Config) check() error {
	if c.Data == "" {
		return errors.New("data: is required: the folder in which the collector keeps its ledger")
	}
	if c.Socket == "" {
		c.Socket = filepath.Join(c.Data, "collector.sock")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("tls: needs cert_file and key_file, both")
	}
	if err := c.Auth.Check(); err != nil {
		return err
	}
	if err := c.checkSeries(); err != nil {
		return err
	}
	if err := c.checkPeople(); err != nil {
		return err
	}
	return c.checkListen()
}

// checkPeople checks how people are spoken to.
func (c *Config) checkPeople() error {
	if c.Language != "en" && c.Language != "ja" {
		return fmt.Errorf("language: found %.40q, want en or ja", c.Language)
	}
	if _, err := c.zone(); err != nil {
		return err
	}
	if u, err := url.Parse(c.ExternalURL); err != nil || c.ExternalURL != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("external_url: found %.100q, want the address under which people reach this collector, as in https://tomeishi.example:9311", c.ExternalURL)
	}
	if every := time.Duration(c.Heartbeat.Every); every < 10*time.Second || every > time.Hour {
		return fmt.Errorf("heartbeat.every: %s is not between 10s and 1h", every)
	}
	if c.Heartbeat.URLFile == "" {
		if c.Heartbeat != Defaults().Heartbeat {
			return errors.New("heartbeat: needs url_file, which holds the URL to call")
		}
		return nil
	}
	if _, err := os.Stat(c.Heartbeat.URLFile); err != nil {
		return fmt.Errorf("heartbeat.url_file: %w: write the URL into it", err)
	}
	return nil
}

// zone is the time zone in which people are told.
func (c *Config) zone() (*time.Location, error) {
	if c.TimeZone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("time_zone: %.60q is not known on this host: want a name such as Asia/Tokyo or UTC", c.TimeZone)
	}
	return zone, nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c *Config) checkSeries() error {
	if every := time.Duration(c.EvaluationInterval); every < time.Second {
		return fmt.Errorf("evaluation_interval: %s is too short: a second at least; a group may have an interval of its own", every)
	}
	if keep := time.Duration(c.Retention.Series); keep < time.Hour {
		return fmt.Errorf("retention.series: %s is too short: an hour at least", keep)
	}
	for name := range c.Labels {
		if !labelName.MatchString(name) || strings.HasPrefix(name, "__") {
			return fmt.Errorf("labels: %.60q is no label name: letters, digits and _, and not __ first", name)
		}
	}
	return nil
}

func (c *Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not host:port: %w", c.Listen, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
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
	if missing == "" {
		return nil
	}
	return fmt.Errorf("listen: %s can be reached from other hosts, where anybody could open a gate. "+
		"Listen on 127.0.0.1, or add to the configuration:%s", c.Listen, missing)
}
