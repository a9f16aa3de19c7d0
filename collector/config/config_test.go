package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

func TestRead(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	for _, c := range []struct{ name, text, problem string }{
		{"whole", "listen: 127.0.0.1:1\ndata: d\nrules: [a/*.yml]\nretention: {tape: 30d}\n", ""},
		{"unknown key", "data: d\nlisten_on: x\n", `c.yml:2:1: a collector's configuration has no key "listen_on"`},
		{"not yet", "data: d\n\npeers: [a]\n", "c.yml:3:1: not in this version: peers would name"},
		{"tab", "data:\n\t- x\n", "c.yml:2:1: YAML is indented with spaces"},
		{"wrong type", "data: d\nrules: {a: b}\n", "c.yml:2:8: rules must be a list"},
		{"duration", "data: d\nretention: {tape: long}\n", "c.yml:2:19: retention.tape: found \"long\": a duration is written like 30s"},
		{"no data", "listen: 127.0.0.1:1\n", "c.yml:1:1: data: is required"},
		{"open to all", "data: d\nlisten: 0.0.0.0:9311\n", "c.yml:2:9: listen: 0.0.0.0:9311 can be reached"},
		{"every interface", "data: d\nlisten: :9311\n", "c.yml:2:9: listen: :9311 can be reached"},
		{"tls without auth", "data: d\nlisten: 10.0.0.1:9311\ntls: {cert_file: c, key_file: k}\n", "c.yml:2:9: listen: 10.0.0.1:9311 can be reached"},
		{"half a certificate", "data: d\ntls: {cert_file: c}\n", "c.yml:2:6: tls: needs cert_file and key_file, both"},
		{"token in clear", "data: d\nauth: {people: [{name: a, token_sha256: secret, may: [view]}]}\n", "c.yml:2:41: auth.people[0].token_sha256: this is not 64 hexadecimal digits: make them with printf %s TOKEN"},
		{"right unknown", "data: d\nauth: {people: [{name: a, token_sha256: " + digest + ", may: [all]}]}\n", `c.yml:2:113: auth.people[0].may[0]: "all" is not one of view`},
		{"name taken", "data: d\nauth: {people: [{name: local, token_sha256: " + digest + ", may: [view]}]}\n", `c.yml:2:24: auth.people[0].name: "local" cannot be a person's name`},
		{"one token, two people", "data: d\nauth: {people: [{name: a, token_sha256: " + digest + "}], agents: [{id: b, token_sha256: " + digest + "}]}\n", "c.yml:2:140: auth.agents[0].token_sha256: this token is somebody else's too"},
		{"wrong time zone", "data: d\ntime_zone: Asia/Tokio\n", `c.yml:2:12: time_zone: "Asia/Tokio" is not known on this host: want a name such as Asia/Tokyo or UTC`},
		{"language", "data: d\nlanguage: fr\n", `c.yml:2:11: language: found "fr", want en or ja`},
		{"address of the screen", "data: d\nexternal_url: tomeishi.example\n", `c.yml:2:15: external_url: found "tomeishi.example", want`},
		{"listen", "data: d\nlisten: 9311\n", `c.yml:2:9: listen: "9311" is not HOST:PORT, as in 127.0.0.1:9311`},
		{"label", "data: d\nlabels: {a: b, a-b: c}\n", `c.yml:2:16: labels.a-b: "a-b" is no label name`},
		{"label of Prometheus", "data: d\nlabels:\n  __a: b\n", `c.yml:3:3: labels.__a: "__a" is no label name`},
		{"interval", "data: d\nevaluation_interval: 10ms\n", "c.yml:2:22: evaluation_interval: 10ms is too short"},
		{"series", "data: d\nretention: {series: 1m}\n", "c.yml:2:21: retention.series: 1m0s is too short"},
		{"heartbeat", "data: d\nheartbeat: {every: 1d}\n", "c.yml:2:20: heartbeat.every: 24h0m0s is not between 10s and 1h"},
		{"heartbeat to nobody", "data: d\nheartbeat: {every: 30s}\n", "c.yml:2:12: heartbeat: needs url_file"},
		{"heartbeat, no file", "data: d\nheartbeat: {url_file: none}\n", "c.yml:2:23: heartbeat.url_file: open DIR/none: no such file or directory: write the URL into it"},
		{"certificate, no file", "data: d\ntls: {cert_file: none, key_file: none}\n", "c.yml:2:18: tls.cert_file: open DIR/none: no such file"},
		{"pattern", "data: d\nrules: ['a[']\n", `c.yml:2:9: rules[0]: "DIR/a[" is no pattern of file names`},
		{"no rules", "data: d\nrules: []\n", `c.yml:2:8: rules: names no file, so nothing would be watched`},
		{"many", "dtaa: d\nlanguage: fr\ntime_zone: X\nretention: {tape: long}\n", "c.yml:1:1: a collector's configuration has no key \"dtaa\", did you mean \"data\"?\n" +
			"dtaa: d\n^\nc.yml:2:11: language: found \"fr\", want en or ja\nlanguage: fr\n          ^\n" +
			"c.yml:3:12: time_zone: \"X\" is not known on this host: want a name such as Asia/Tokyo or UTC\ntime_zone: X\n           ^\n" +
			"c.yml:4:19: retention.tape: found \"long\": a duration is written like 30s, 15m, 24h or 1d12h\nretention: {tape: long}\n                  ^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "c.yml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Read(path, Flags{})
			if c.problem == "" {
				if err != nil || got.Data != filepath.Join(dir, "d") || got.Retention.Tape != 720*time.Hour {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), dir+"/c.yml", "c.yml"), strings.ReplaceAll(c.problem, "DIR", dir)) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}

// TestElsewhere is that files which are not on this host are findings of a check.
func TestElsewhere(t *testing.T) {
	text := "data: d\nrules: [none/*.yml]\nalertmanager: none.yml\nheartbeat: {url_file: none}\n" +
		"auth: {people: [{name: ann, token_sha256: " + strings.Repeat("ab", 32) + "}]}\n"
	got := Check(strictyaml.File{Name: "c.yml", Text: []byte(text)})
	var said []string
	for _, p := range got {
		said = append(said, fmt.Sprintf("%d:%d %v", p.Line, p.Column, p.Finding))
	}
	if diff := cmp.Diff([]string{"2:9 true", "3:15 true", "4:23 true", "5:17 true"}, said); diff != "" {
		t.Errorf("%s\n%v", diff, got)
	}
}

// TestFlags is that what a flag replaces is not held against the file.
func TestFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(path, []byte("listen: 0.0.0.0:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Read(path, Flags{Listen: "127.0.0.1:2", DefaultData: "./data"})
	if err != nil || c.Data != "./data" || c.Listen != "127.0.0.1:2" || c.Socket != "data/collector.sock" {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("data: d\nretention: {tape: 1d12h}\nauth: {people: [{name: a, may: [view]}]}\n"))
	f.Add([]byte("a: &a {data: *a, <<: [*a]}\n"))
	f.Add([]byte("labels: &l {a: b}\nheartbeat: *l\n---\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range Check(strictyaml.File{Name: "c", Text: text}) {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Fatalf("problem without a place: %q", p.String())
			}
		}
	})
}
