package client

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseServer(t *testing.T) {
	for at, want := range map[string][2]string{
		"http://127.0.0.1:9311":       {"http://127.0.0.1:9311", ""},
		"https://collector.example/":  {"https://collector.example", ""},
		"https://proxy.example/tome/": {"https://proxy.example/tome", ""},
		"collector:9311":              {"http://collector:9311", ""},
		"[::1]:9311":                  {"http://[::1]:9311", ""},
		"./data/collector.sock":       {"http://localhost", "./data/collector.sock"},
		"/run/a:1/c.sock":             {"http://localhost", "/run/a:1/c.sock"},
		"unix:///run/c.sock":          {"http://localhost", "/run/c.sock"},
	} {
		base, socket, err := parseServer(at)
		if diff := cmp.Diff([2]string{base, socket}, want); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", at, err, diff)
		}
	}
}
