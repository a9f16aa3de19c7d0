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
	"unicode"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// Config is what an agent's configuration file says.
type Config struct {
	Listen     string            `yaml:"listen"` // TCP address of the local API, on loopback
	Socket     string            `yaml:"socket"` // Unix socket of the local API; default DATA/agent.sock
	Data       string            `yaml:"data"`   // directory of what waits for a collector and the kept gates
	ID         string            `yaml:"id"`     // the agent's name; default the one kept in data, else the host's
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

// idFile is where an agent keeps its id, in its data folder.
const idFile = "id"

// KeepID keeps the id with the data, so that a host which gets another name stays
// the same agent.
func (c *Config) KeepID() error {
	if keptID(c.Data) == c.ID {
		return nil
	}
	if err := durable.Replace(filepath.Join(c.Data, idFile), []byte(c.ID+"\n")); err != nil {
		return fmt.Errorf("keep the id: %w", err)
	}
	return nil
}

// keptID is empty if none is kept, or it cannot be read.
func keptID(data string) string {
	raw, err := os.ReadFile(filepath.Join(data, idFile))
	if id := strings.TrimSuffix(string(raw), "\n"); err == nil && checkID(id) == nil {
		return id
	}
	return ""
}

func checkID(id string) error {
	if id == "" || len(id) > 255 || !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
		return fmt.Errorf("%.60q: at most 255 bytes of text without control characters", id)
	}
	return nil
}

// complete fills in what depends on other keys or on the host.
func (c *Config) complete() error {
	if c.Socket == "" && c.Data != "" {
		c.Socket = filepath.Join(c.Data, "agent.sock")
	}
	if c.ID == "" && c.Data != "" {
		c.ID = keptID(c.Data)
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
