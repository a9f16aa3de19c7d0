package config

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

const maxFile = 1 << 20

// Flags win over what the file says; empty ones say nothing. DefaultData is the
// folder if neither says one.
type Flags struct{ Data, Listen, DefaultData string }

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
	if c.Data == "" {
		c.Data = over.DefaultData
	}
	c.check(s)
	for _, m := range c.missing() {
		if m.stops {
			s.Errorf(m.key, "%v", m.err)
		}
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
	for i, p := range c.Auth.People {
		if len(p.May) == 0 {
			s.Findingf(fmt.Sprintf("auth.people[%d]", i), "may do nothing, not even look: give them may: [view]")
		}
	}
	return s.Problems()
}

// Tape is how long a configuration file keeps the tape; 0 is for ever. What is wrong
// with the file is not said here.
func Tape(f strictyaml.File) time.Duration {
	c, _ := read(f)
	return c.Retention.Tape
}

// Check completes a configuration that was made without a file, and says what
// is wrong with it.
func (c *Config) Check() error {
	s := strictyaml.NoFile()
	c.check(s)
	return s.Problems().Err()
}

// Load reads a configuration file's text, a byte further than it may be long.
func Load(path string) (strictyaml.File, error) { return strictyaml.Load(path, maxFile) }

func read(f strictyaml.File) (Config, *strictyaml.Source) {
	c := Default()
	c.Data = "" // a file says it
	s := strictyaml.Decode(f, "a collector's configuration", maxFile, &c)
	dir := filepath.Dir(f.Name)
	for _, p := range []*string{&c.Data, &c.Socket, &c.TLS.CertFile, &c.TLS.KeyFile, &c.Alertmanager, &c.Heartbeat.URLFile} {
		*p = within(dir, *p)
	}
	for i := range c.Rules {
		c.Rules[i] = within(dir, c.Rules[i])
	}
	return c, s
}

func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// A missingFile is a file that the configuration names and that cannot be read.
type missingFile struct {
	key   string
	err   error
	stops bool // the collector does not start without it
}

func (c *Config) missing() (out []missingFile) {
	for _, f := range []struct {
		key, path, remedy string
		stops             bool
	}{
		{"tls.cert_file", c.TLS.CertFile, "", true},
		{"tls.key_file", c.TLS.KeyFile, "", true},
		{"heartbeat.url_file", c.Heartbeat.URLFile, ": write the URL into it", true},
		{"alertmanager", c.Alertmanager, "", false},
	} {
		if f.path == "" {
			continue
		}
		if err := readable(f.path); err != nil {
			out = append(out, missingFile{f.key, fmt.Errorf("%w%s", err, f.remedy), f.stops})
		}
	}
	for i, glob := range c.Rules {
		if found, err := filepath.Glob(glob); err == nil && len(found) == 0 {
			out = append(out, missingFile{fmt.Sprintf("rules[%d]", i), fmt.Errorf("no file matches %q", glob), false})
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
