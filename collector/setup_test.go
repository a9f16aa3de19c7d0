package collector

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/collector/config"
)

// TestNewReleases fails each step of New and sees that all that was made before
// is released: no descriptor is open, and New works once the cause is gone.
func TestNewReleases(t *testing.T) {
	write := func(t *testing.T, path, text string) func() {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return func() { os.Remove(path) }
	}
	within := func(name string) func(*testing.T, *config.Config) func() {
		return func(t *testing.T, c *config.Config) func() {
			t.Helper()
			return write(t, filepath.Join(c.Data, name), "in the way")
		}
	}
	tests := []struct {
		step  string
		spoil func(t *testing.T, c *config.Config) (mend func())
		want  string
	}{
		{"configuration", func(_ *testing.T, c *config.Config) func() {
			c.TLS.CertFile = "alone"
			return func() { c.TLS.CertFile = "" }
		}, "cert_file and key_file"},
		{"data folder", func(t *testing.T, c *config.Config) func() { t.Helper(); return write(t, c.Data, "") }, "data folder"},
		{"lock", func(t *testing.T, c *config.Config) func() {
			t.Helper()
			lock, err := durable.Lock(c.Data)
			if err != nil {
				t.Fatal(err)
			}
			return func() { lock.Close() }
		}, "in use by pid"},
		{"tape", within("tape"), "tape"},
		{"series", within("series"), "series"},
		{"ledger", within("ledger"), "ledger"},
		{"certificate", func(_ *testing.T, c *config.Config) func() {
			c.TLS = config.TLS{CertFile: "/nowhere.crt", KeyFile: "/nowhere.key"}
			return func() { c.TLS = config.TLS{} }
		}, "tls: "},
		{"listener", func(t *testing.T, c *config.Config) func() {
			t.Helper()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.Listen = l.Addr().String()
			return func() { l.Close() }
		}, "listen on"},
		{"socket", func(t *testing.T, c *config.Config) func() { t.Helper(); return write(t, c.Socket, "") }, "is not a socket"},
		{"door", func(t *testing.T, c *config.Config) func() {
			t.Helper()
			c.Auth = authOf("aiko")
			return within("session.key")(t, c)
		}, "session.key holds"},
		{"rules", func(_ *testing.T, c *config.Config) func() {
			c.Rules = []string{"/nowhere/*.yml"}
			return func() { c.Rules = nil }
		}, "no file matches"},
	}
	for _, tt := range tests {
		t.Run(tt.step, func(t *testing.T) {
			c := testConfig(t)
			mend := tt.spoil(t, &c)
			before := descriptors(t)
			_, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if after := descriptors(t); len(after) > len(before) {
				t.Errorf("open after the failure: %q, before: %q", after, before)
			}
			mend()
			again, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatalf("when the cause is gone: %v", err)
			}
			if err := again.closers.Close(); err != nil {
				t.Error(err)
			}
			if after := descriptors(t); len(after) > len(before) {
				t.Errorf("open after Close: %q, before: %q", after, before)
			}
		})
	}
}

// TestNewCanceled fails what waits for the ledger.
func TestNewCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := descriptors(t)
	if _, err := New(ctx, Options{Config: testConfig(t), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after := descriptors(t); len(after) > len(before) {
		t.Errorf("open: %q, before: %q", after, before)
	}
}

// descriptors are the files and sockets that this process has open.
func descriptors(t *testing.T) (open []string) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range list {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // the one that read the folder
		}
		if !strings.HasPrefix(to, "anon_inode:") { // the runtime's own
			open = append(open, to)
		}
	}
	return open
}
