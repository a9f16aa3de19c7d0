// Package config is an agent's configuration: what its file may say, what holds
// without one, and whether that is safe. It promises that every error has its
// place in the file and a remedy, and that all are told at once. It starts
// nothing and keeps nothing.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// Config is what an agent's configuration file says.
type Config struct {
	Listen     string            `yaml:"listen"` // TCP address of the local API, on loopback
	Socket     string            `yaml:"socket"` // Unix socket of the local API; default DATA/agent.sock
	Data       string            `yaml:"data"`   // directory of what waits for a collector and the kept gates
	ID         string            `yaml:"id"`     // the agent's name; default the host's
	Collectors []string          `yaml:"collectors"`
	Labels     map[string]string `yaml:"labels"`
	Spool      Spool             `yaml:"spool"`
	TokenFile  string            `yaml:"token_file"` // bearer token for the collectors
	TLS        TLS               `yaml:"tls"`

	_ strictyaml.Later `yaml:"ports" not:"would say which ports' connections are measured"`
	_ strictyaml.Later `yaml:"probes" not:"would ask services whether they answer"`
	_ strictyaml.Later `yaml:"guard" not:"would stand in front of a payment service"`
}

// Spool bounds what may wait for a collector.
type Spool struct {
	Max     strictyaml.Size `yaml:"max"`     // of events
	Samples strictyaml.Size `yaml:"samples"` // of samples; the oldest are dropped
}

// TLS is whom the agent trusts.
type TLS struct {
	CAFile string `yaml:"ca_file"` // authorities to trust for https collectors

	_ strictyaml.Later `yaml:"cert_file" not:"would be the certificate of the agent's own listener, which stays on loopback"`
	_ strictyaml.Later `yaml:"key_file" not:"would be the key of the agent's own listener, which stays on loopback"`
}

// Default is what holds without a file.
func Default() Config {
	return Config{Listen: "127.0.0.1:9310", Spool: Spool{Max: 1 << 30, Samples: 256 << 20}}
}

// Token reads the bearer token; empty if none is configured.
func (c *Config) Token() (string, error) {
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

// complete fills in what depends on other keys or on the host.
func (c *Config) complete() error {
	if c.Socket == "" && c.Data != "" {
		c.Socket = filepath.Join(c.Data, "agent.sock")
	}
	if c.ID != "" {
		return nil
	}
	host, err := os.Hostname()
	if err == nil && host == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return fmt.Errorf("the host has no name (%w): say one, as in id: wallet-1", err)
	}
	c.ID = host
	return nil
}
