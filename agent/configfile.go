package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxConfig = 1 << 20

// ReadConfig reads a configuration file over the defaults. Paths in it are
// relative to its folder. An error names the file, the line and the key.
func ReadConfig(path string) (Config, error) {
	c := DefaultConfig()
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return c, err
	}
	if len(raw) > maxConfig {
		return c, fmt.Errorf("%s: longer than %d bytes", path, maxConfig)
	}
	if err := c.parse(path, raw); err != nil {
		return c, err
	}
	for _, p := range []*string{&c.Data, &c.Socket, &c.TokenFile, &c.CAFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func (c *Config) parse(path string, raw []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil // an empty file is the defaults
	}
	if err != nil {
		m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
		return fmt.Errorf("%s:%s: %s", path, m[1], m[2])
	}
	if d.Decode(&more) == nil {
		return fmt.Errorf("%s:%d: one document is expected, a second begins here", path, more.Line)
	}
	if err := c.fields().read(doc.Content[0]); err != nil {
		return fmt.Errorf("%s:%w", path, err)
	}
	return nil
}

// fields say what each key does with its value.
type fields map[string]func(*yaml.Node) error

func (c *Config) fields() fields {
	return fields{
		"listen": text(&c.Listen), "socket": text(&c.Socket), "data": text(&c.Data),
		"id": text(&c.ID), "token_file": text(&c.TokenFile),
		"collectors": texts(&c.Collectors), "labels": labels(&c.Labels),
		"spool": fields{"max": size(&c.SpoolMax), "samples": size(&c.SamplesMax)}.read,
		"tls": fields{
			"ca_file": text(&c.CAFile), "cert_file": notYet("TLS on the agent's own listener"), "key_file": notYet("TLS on the agent's own listener"),
		}.read,
		"ports": notYet("ports"), "probes": notYet("probes"), "guard": notYet("the guard"),
	}
}

func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d:%d: %w", n.Line, n.Column, fmt.Errorf(format, args...))
}

func (f fields) read(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "keys with values are expected, as in \"data: /var/lib/tomeishi/agent\"")
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		set := f[key.Value]
		switch {
		case set == nil:
			return at(key, "unknown key %q", key.Value)
		case seen[key.Value]:
			return at(key, "key %q stands twice", key.Value)
		}
		seen[key.Value] = true
		if err := set(value); err != nil {
			return err
		}
	}
	return nil
}

func notYet(what string) func(*yaml.Node) error {
	return func(n *yaml.Node) error { return at(n, "%s: not in this version", what) }
}

func text(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			return at(n, "a text is expected")
		}
		*to = n.Value
		return nil
	}
}

func texts(to *[]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return at(n, "a list is expected, as in [https://collector:9311]")
		}
		*to = nil
		for _, item := range n.Content {
			var s string
			if err := text(&s)(item); err != nil {
				return err
			}
			*to = append(*to, s)
		}
		return nil
	}
}

var units = map[string]int64{
	"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

func size(to *int64) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		digits := strings.TrimRight(n.Value, "KMGTiB ")
		unit, ok := units[strings.TrimSpace(n.Value[len(digits):])]
		v, err := strconv.ParseInt(digits, 10, 64)
		if n.Kind != yaml.ScalarNode || !ok || err != nil || v < 0 || v > (1<<62)/unit {
			return at(n, "a size is expected, as in 512MiB or 1GiB")
		}
		*to = v * unit
		return nil
	}
}
