// Package config is a collector's configuration: what its file may say, what
// holds without one, and whether that is safe. It promises that every error has
// its place in the file and a remedy, and that all are told at once. It opens
// nothing and keeps nothing.
package config

import (
	"fmt"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/auth/roster"
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
	EvaluationInterval time.Duration `yaml:"evaluation_interval"`
	// Alertmanager names an Alertmanager configuration, relative to this file's
	// folder; without it what there is to tell is told on the screen.
	Alertmanager string    `yaml:"alertmanager"`
	Language     string    `yaml:"language"`  // en or ja
	TimeZone     string    `yaml:"time_zone"` // as in Asia/Tokyo; empty: this host's
	Heartbeat    Heartbeat `yaml:"heartbeat"`
	// Labels are Prometheus's external labels.
	Labels map[string]string `yaml:"labels"`
	Auth   roster.Config     `yaml:"auth"`

	_ strictyaml.Later `yaml:"alertmanagers" not:"would send alerts to Alertmanagers of your own; alertmanager: FILE configures the one inside"`
	_ strictyaml.Later `yaml:"peers" not:"would name the other collectors of a cell"`
}

// Retention bounds what is kept of the past.
type Retention struct {
	Tape   time.Duration `yaml:"tape"`   // 0 keeps it for ever
	Series time.Duration `yaml:"series"` // of samples

	_ strictyaml.Later `yaml:"audit" not:"would bound the audit; what is decided is on the tape"`
	_ strictyaml.Later `yaml:"claims" not:"would bound claims"`
	_ strictyaml.Later `yaml:"bytes" not:"would bound the disk that is taken; the times beside it do"`
}

// Heartbeat is where the collector says that the whole path from an agent to
// people works. The service there tells when the collector falls silent.
type Heartbeat struct {
	URLFile string        `yaml:"url_file"` // holds the URL, which is a secret
	Every   time.Duration `yaml:"every"`
}

// TLS names the collector's certificate, in PEM files.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Default is the configuration without a file.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:9311", Data: "./data", EvaluationInterval: 15 * time.Second,
		Language: "en", Heartbeat: Heartbeat{Every: time.Minute},
		Retention: Retention{Tape: 90 * 24 * time.Hour, Series: 15 * 24 * time.Hour},
	}
}

// Keys are the keys of the file.
func Keys() []string { return strictyaml.KeysOf(Config{}) }

// Zone is the time zone in which people are told.
func (c *Config) Zone() (*time.Location, error) {
	if c.TimeZone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("%.60q is not known on this host: want a name such as Asia/Tokyo or UTC", c.TimeZone)
	}
	return zone, nil
}
