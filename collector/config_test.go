package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoadConfig(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	for _, c := range []struct{ name, text, problem string }{
		{"whole", "listen: 127.0.0.1:1\ndata: d\nrules: [a/*.yml]\nretention: {tape: 30d}\n", ""},
		{"unknown key", "data: d\nlisten_on: x\n", "c.yml:2: unknown key listen_on"},
		{"not yet", "data: d\n\npeers: [a]\n", "c.yml:3: not in this version: peers"},
		{"tab", "data:\n\t- x\n", "c.yml:2:"},
		{"wrong type", "data: d\nrules: {a: b}\n", "c.yml:2:"},
		{"duration", "data: d\nretention: {tape: long}\n", "c.yml:2: found \"long\""},
		{"no data", "listen: 127.0.0.1:1\n", "data: is required"},
		{"open to all", "data: d\nlisten: 0.0.0.0:9311\n", "token_sha256"},
		{"every interface", "data: d\nlisten: :9311\n", "cert_file"},
		{"tls without auth", "data: d\nlisten: 10.0.0.1:9311\ntls: {cert_file: c, key_file: k}\n", "auth:"},
		{"half a certificate", "data: d\ntls: {cert_file: c}\n", "both"},
		{"token in clear", "data: d\nauth: {people: [{name: a, token_sha256: secret, may: [view]}]}\n", "64 hexadecimal"},
		{"right unknown", "data: d\nauth: {people: [{name: a, token_sha256: " + digest + ", may: [all]}]}\n", "not one of view"},
		{"name taken", "data: d\nauth: {people: [{name: local, token_sha256: " + digest + ", may: [view]}]}\n", "cannot be a person's name"},
		{"one token, two people", "data: d\nauth: {people: [{name: a, token_sha256: " + digest + "}], agents: [{id: b, token_sha256: " + digest + "}]}\n", "somebody else's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadConfig(path)
			if err == nil {
				err = got.check()
			}
			if c.problem == "" {
				if err != nil || got.Data != filepath.Join(filepath.Dir(path), "d") || time.Duration(got.Retention.Tape) != 720*time.Hour {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
