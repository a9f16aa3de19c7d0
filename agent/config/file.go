package config

import (
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

const maxFile = 1 << 20

// Flags win over what the file says; empty ones say nothing.
type Flags struct{ Data, Listen string }

// Read reads a configuration file over the defaults, and flags over it. Paths in
// it are relative to its folder. The error is all that is wrong, each with its
// place.
func Read(path string, over Flags) (Config, error) {
	f, err := Load(path)
	if err != nil {
		return Config{}, err
	}
	c, s := read(f)
	if over.Data != "" {
		c.Data = over.Data
		s.Forget("data")
	}
	if over.Listen != "" {
		c.Listen = over.Listen
		s.Forget("listen")
	}
	c.check(s)
	for _, m := range c.missing() {
		s.Errorf(m.key, "%v", m.err)
	}
	return c, s.Problems().Err()
}

// Check is what is wrong with a configuration file. That a file which it names
// is not on this host is a finding: it may be on another.
func Check(f strictyaml.File) strictyaml.Problems {
	c, s := read(f)
	c.check(s)
	for _, m := range c.missing() {
		s.Findingf(m.key, "%v", m.err)
	}
	return s.Problems()
}

// Check completes a configuration that was made without a file, and says what
// is wrong with it.
func (c *Config) Check() error {
	s := strictyaml.NoFile()
	c.check(s)
	return s.Problems().Err()
}

// Keys are the keys of the file.
func Keys() []string { return strictyaml.KeysOf(Config{}) }

// Load reads a configuration file's text, a byte further than it may be long.
func Load(path string) (strictyaml.File, error) { return strictyaml.Load(path, maxFile) }

func read(f strictyaml.File) (Config, *strictyaml.Source) {
	c := Default()
	s := strictyaml.Decode(f, "an agent's configuration", maxFile, &c)
	for _, p := range []*string{&c.Data, &c.Socket, &c.TokenFile, &c.TLS.CAFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(f.Name), *p)
		}
	}
	return c, s
}

// A missingFile is a file that the configuration names and that cannot be read.
type missingFile struct {
	key string
	err error
}

func (c *Config) missing() (out []missingFile) {
	for _, f := range []struct{ key, path string }{{"token_file", c.TokenFile}, {"tls.ca_file", c.TLS.CAFile}} {
		if f.path == "" {
			continue
		}
		if err := readable(f.path); err != nil {
			out = append(out, missingFile{f.key, err})
		}
	}
	return out
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}
