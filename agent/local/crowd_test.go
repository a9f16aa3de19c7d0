package local

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// served is an API that listens, with at most so many connections.
func served(t *testing.T, most int) string {
	t.Helper()
	server := api(func(context.Context, *report.Builder) error { return nil }).Server()
	c := newCrowd(slog.New(slog.DiscardHandler))
	c.most = most
	server.ConnState = c.state
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }() // the cleanup waits
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestIdleConnections: whoever only holds connections keeps nobody out.
func TestIdleConnections(t *testing.T) {
	addr := served(t, 8)
	var held []net.Conn
	for range 50 {
		held = append(held, dial(t, addr, ""))
	}
	for range 3 {
		resp, err := http.Get("http://" + addr + "/-/healthy") //nolint:noctx // the test ends it
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != 200 {
			t.Errorf("%d, %v", resp.StatusCode, err)
		}
	}
	closed := 0
	for _, conn := range held {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset") {
			closed++
		}
	}
	if closed < 42 {
		t.Errorf("%d of 50 were closed", closed)
	}
}

// TestAnnouncedBodies: what was announced and does not come takes little.
func TestAnnouncedBodies(t *testing.T) {
	const n = 200
	addr := served(t, 2*n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		dial(t, addr, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 8000000\r\n\r\n")
	}
	time.Sleep(100 * time.Millisecond) // until all are being read
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > n*48<<10 {
		t.Errorf("%d stalled bodies take %d KiB", n, grown>>10)
	}
}
