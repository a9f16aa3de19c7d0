package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.yml")
	text := `
listen: 127.0.0.1:1234
data: /d
socket: /s
id: h1
collectors: [https://c1:9311, "http://localhost:9311"]
labels: {site: tokyo}
spool: {max: 256MiB, samples: 64MiB}
token_file: /t
tls: {ca_file: /ca}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "127.0.0.1:1234", Data: "/d", Socket: "/s", ID: "h1",
		Collectors: []string{"https://c1:9311", "http://localhost:9311"},
		Labels:     map[string]string{"site": "tokyo"}, SpoolMax: 256 << 20, SamplesMax: 64 << 20,
		TokenFile: "/t", CAFile: "/ca",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
}

func TestBadConfig(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "data: /d\nlistn: x\n", `f.yml:2:1: unknown key "listn"`},
		{"unknown key below", "tls:\n  ca: x\n", `f.yml:2:3: unknown key "ca"`},
		{"twice", "data: /d\ndata: /e\n", `f.yml:2:1: key "data" stands twice`},
		{"tab", "data: /d\ntls:\n\tca_file: x\n", "f.yml:3: found character that cannot start any token"},
		{"no mapping", "- a\n", "f.yml:1:1: keys with values"},
		{"null", "data:\n", "f.yml:1:6: a text"},
		{"list", "collectors: http://x\n", "f.yml:1:13: a list"},
		{"size", "spool: {max: 1 parsec}\n", "f.yml:1:14: a size"},
		{"label", "labels: {a-b: c}\n", `f.yml:1:10: "a-b" is no label name`},
		{"label instance", "labels:\n  instance: x\n", `f.yml:2:3: "instance" cannot be set: it is the agent's id, which the key id sets`},
		{"label of Prometheus", "labels: {__name__: x}\n", `f.yml:1:10: "__name__" cannot be set: names that begin with __`},
		{"label of a signal", "labels: {device: x}\n", `f.yml:1:10: "device" cannot be set: it is a label of this host's signals`},
		{"long label", "labels: {" + strings.Repeat("x", 129) + ": x}\n", "is no label name"},
		{"long value", "labels: {a: " + strings.Repeat("x", 1025) + "}\n", "f.yml:1:13: the value of a label"},
		{"control character", `labels: {a: "x\u0085y"}`, "f.yml:1:13: the value of a label"},
		{"many labels", "labels:\n" + many(33), "f.yml:2:3: 33 labels, at most 32"},
		{"label twice", "labels:\n  a: b\n  a: c\n", `f.yml:3:3: key "a" stands twice`},
		{"samples", "spool: {samples: much}\n", "f.yml:1:18: a size"},
		{"two documents", "data: /d\n---\ndata: /e\n", "f.yml:2: one document"},
		{"guard", "guard: {}\n", "f.yml:1:8: the guard: not in this version"},
		{"ports", "ports: []\n", "f.yml:1:8: ports: not in this version"},
		{"probes", "probes: []\n", "f.yml:1:9: probes: not in this version"},
		{"listener TLS", "tls: {cert_file: x}\n", "not in this version"},
		{"alias", "data: &a /d\nsocket: *a\n", "f.yml:2:9: a text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := DefaultConfig()
			err := c.parse("f.yml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), "f.yml:") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func many(labels int) (text string) {
	for i := range labels {
		text += fmt.Sprintf("  l%d: x\n", i)
	}
	return text
}

func TestCheckGivesRemedies(t *testing.T) {
	good := func() Config { c := DefaultConfig(); c.Data = "/d"; return c }
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no data", func(c *Config) { c.Data = "" }, "data: /var/lib/tomeishi/agent"},
		{"outside loopback", func(c *Config) { c.Listen = "0.0.0.0:9310" }, "listen: 127.0.0.1:9310"},
		{"every interface", func(c *Config) { c.Listen = ":9310" }, "listen: 127.0.0.1:9310"},
		{"no port", func(c *Config) { c.Listen = "127.0.0.1" }, "HOST:PORT"},
		{"clear text", func(c *Config) { c.Collectors = []string{"http://c1:9311"} }, "[https://c1:9311]"},
		{"path", func(c *Config) { c.Collectors = []string{"https://c1/v1/blocks"} }, "only the scheme, host and port"},
		{"password", func(c *Config) { c.Collectors = []string{"https://u:p@c1"} }, "token_file"},
		{"no URL", func(c *Config) { c.Collectors = []string{"c1:9311"} }, "https://HOST:PORT"},
		{"control character", func(c *Config) { c.ID = "a\nb" }, "id:"},
		{"small spool", func(c *Config) { c.SpoolMax = 1 << 20 }, "16MiB"},
		{"no room for samples", func(c *Config) { c.SamplesMax = 0 }, "spool.samples: 0 bytes; at least 1MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good()
			tt.change(&c)
			if err := c.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	c := good()
	if err := c.Check(); err != nil || c.ID == "" || c.Socket != "/d/agent.sock" {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("data: /d\nspool: {max: 1GiB}\nlabels: {a: b}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		c := DefaultConfig()
		if c.parse("f", raw) == nil {
			_ = c.Check()
		}
	})
}
