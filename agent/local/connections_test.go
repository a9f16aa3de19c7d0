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

	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/agent/report"
)

// served is an API that listens, with at most so many connections.
func served(t *testing.T, most int) string {
	t.Helper()
	a := api(func(context.Context, *report.Builder) error { return nil })
	a.conns = httpguard.NewConnections(most, func() int { return most }, slog.New(slog.DiscardHandler))
	server := a.Server()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(a.Limit(l)) }() // the cleanup waits
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
	reading(t, n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > n*48<<10 {
		t.Errorf("%d stalled bodies take %d KiB", n, grown>>10)
	}
}

// reading waits until so many requests are being read: each waits in the same place.
func reading(t *testing.T, n int) {
	t.Helper()
	stacks := make([]byte, 16<<20)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if strings.Count(text, "(*metered).Read(") >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the requests are not being read")
		}
	}
}
