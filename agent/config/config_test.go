package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agent.yml")
	text := `
listen: 127.0.0.1:1234
data: /d
socket: /s
id: h1
collectors: [https://c1:9311, "http://localhost:9311"]
labels: {site: tokyo}
spool: {max: 256MiB, samples: 64MiB}
token_file: t
tls: {ca_file: ca}
`
	for name, text := range map[string]string{"agent.yml": text, "t": "token", "ca": "pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(path, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "127.0.0.1:1234", Data: "/d", Socket: "/s", ID: "h1",
		Collectors: []string{"https://c1:9311", "http://localhost:9311"},
		Labels:     map[string]string{"site": "tokyo"}, Spool: Spool{Max: 256 << 20, Samples: 64 << 20},
		TokenFile: dir + "/t", TLS: TLS{CAFile: dir + "/ca"},
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
		{"unknown key", "data: /d\nlistn: x\n", `f.yml:2:1: an agent's configuration has no key "listn", did you mean "listen"?`},
		{"unknown key below", "tls:\n  ca: x\n", `f.yml:2:3: tls has no key "ca"`},
		{"twice", "data: /d\ndata: /e\n", `f.yml:2:1: the key "data" stands twice, first on line 1`},
		{"tab", "data: /d\ntls:\n\tca_file: x\n", "f.yml:3:1: YAML is indented with spaces, and this is a tab"},
		{"no mapping", "- a\n", "f.yml:1:1: an agent's configuration must be a mapping (key: value)"},
		{"null", "data:\n", "f.yml:1:1: data has no value"},
		{"list", "collectors: http://x\n", "f.yml:1:13: collectors must be a list"},
		{"size", "spool: {max: 1 parsec}\n", `f.yml:1:14: spool.max: found "1 parsec": a size is written like 512MiB`},
		{"label", "labels: {a-b: c}\n", `f.yml:1:10: labels.a-b: "a-b" is no label name`},
		{"label instance", "labels:\n  instance: x\n", `f.yml:2:3: labels.instance: cannot be set: it is the agent's id, which the key id sets`},
		{"label of Prometheus", "labels: {__name__: x}\n", `f.yml:1:10: labels.__name__: cannot be set: names that begin with __`},
		{"label of a signal", "labels: {device: x}\n", `f.yml:1:10: labels.device: cannot be set: it is a label of this host's signals`},
		{"long label", "labels: {" + strings.Repeat("x", 129) + ": x}\n", `f.yml:1:10: "xxxxx`},
		{"long value", "labels: {a: " + strings.Repeat("x", 1025) + "}\n", "f.yml:1:13: labels.a: the value of a label"},
		{"control character", `labels: {a: "x\u0085y"}`, "f.yml:1:13: labels.a: the value of a label"},
		{"many labels", "labels:\n" + many(33), "f.yml:2:3: labels: 33 labels, at most 32"},
		{"label twice", "labels:\n  a: b\n  a: c\n", `f.yml:3:3: the key "a" stands twice, first on line 2`},
		{"samples", "spool: {samples: much}\n", `f.yml:1:18: spool.samples: found "much": a size`},
		{"two documents", "data: /d\n---\ndata: /e\n", "f.yml:2:1: an agent's configuration is one YAML document, and here a second one begins"},
		{"guard", "guard: {}\n", "f.yml:1:1: not in this version: guard would stand"},
		{"ports", "ports: []\n", "f.yml:1:1: not in this version: ports would say"},
		{"probes", "probes: []\n", "f.yml:1:1: not in this version: probes would ask"},
		{"listener TLS", "tls: {cert_file: x}\n", "f.yml:1:7: not in this version"},
		{"empty", "data: ''\n", "f.yml:1:7: data is empty: write a value, or leave the key out"},
		{"no data", "listen: 127.0.0.1:1\n", "f.yml:1:1: data: say where the agent keeps its state"},
		{"outside loopback", "data: /d\nlisten: 0.0.0.0:9310\n", "f.yml:2:9: listen: 0.0.0.0:9310 is reachable from outside"},
		{"no port", "data: /d\nlisten: localhost\n", `f.yml:2:9: listen: "localhost" is not HOST:PORT`},
		{"clear text", "data: /d\ncollectors:\n- https://c1\n- http://c2:1\n", `f.yml:4:3: collectors[1]: "http://c2:1": events and tokens do not leave`},
		{"control characters", "data: /d\nid: \"a\\tb\"\n", "f.yml:2:5: id: "},
		{"small spool", "data: /d\nspool: {max: 1MiB}\n", "f.yml:2:14: spool.max: 1048576 bytes; at least 16MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := Check(strictyaml.File{Name: "f.yml", Text: []byte(tt.text)})
			err := problems.Err()
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
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
	good := func() Config { c := Default(); c.Data = "/d"; return c }
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
		{"small spool", func(c *Config) { c.Spool.Max = 1 << 20 }, "16MiB"},
		{"no room for samples", func(c *Config) { c.Spool.Samples = 0 }, "spool.samples: 0 bytes; at least 1MiB"},
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

// TestEveryError is that all are told, in their order, and that what is missing
// is not told when what is there may be why.
func TestEveryError(t *testing.T) {
	text := "dtaa: /d\nlisten: 0.0.0.0:9310\nspool: {max: much}\ncollectors: [http://c1:9311, c2]\nlabels: {instance: x}\n"
	got := Check(strictyaml.File{Name: "f.yml", Text: []byte(text)})
	var places []string
	for _, p := range got {
		places = append(places, fmt.Sprintf("%d:%d", p.Line, p.Column))
	}
	want := []string{"1:1", "2:9", "3:14", "4:14", "4:30", "5:10"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("%s\n%v", diff, got.Err())
	}
}

// TestMissingFiles is that a file which the configuration names must be there to
// start, and that its absence is a finding elsewhere.
func TestMissingFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yml")
	text := []byte("data: /d\ntoken_file: none\n")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, Flags{}); err == nil || !strings.HasPrefix(err.Error(), path+":2:13: token_file: open ") {
		t.Error(err)
	}
	if got := Check(strictyaml.File{Name: path, Text: text}); len(got) != 1 || !got[0].Finding {
		t.Error(got)
	}
}

// TestFlags is that what a flag replaces is not held against the file.
func TestFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yml")
	if err := os.WriteFile(path, []byte("listen: 0.0.0.0:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Read(path, Flags{Data: "/d", Listen: "127.0.0.1:2"})
	if err != nil || c.Data != "/d" || c.Listen != "127.0.0.1:2" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Read(path, Flags{Data: "/d", Listen: "0.0.0.0:2"}); err == nil || !strings.HasPrefix(err.Error(), path+":1:1: listen: 0.0.0.0:2 is reachable") {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("data: /d\nspool: {max: 1GiB}\nlabels: {a: b}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range Check(strictyaml.File{Name: "f", Text: text}) {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Fatalf("problem without a place: %q", p.String())
			}
		}
	})
}

// TestIDIsKept: a host that gets another name stays the agent that it was.
func TestIDIsKept(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	id := func(configured string) string {
		t.Helper()
		c := Default()
		c.Data, c.ID = dir, configured
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if err := c.KeepID(); err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	for _, c := range []struct{ configured, want string }{{"", host}, {"its first name", "its first name"}, {"", "its first name"}} {
		if got := id(c.configured); got != c.want {
			t.Errorf("configured %q: it is %q, want %q", c.configured, got, c.want)
		}
	}
	for _, damaged := range []string{"", "a\x00b\n", "\xff\n", strings.Repeat("x", 300)} {
		if err := os.WriteFile(filepath.Join(dir, idFile), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := id(""); got != host {
			t.Errorf("%q is kept: it is %q", damaged, got)
		}
	}
}
