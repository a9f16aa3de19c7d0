package collector

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is a server of its own: reads a body on POST, holds a request to /hold
// until release is closed.
type served struct {
	addr    string
	release chan struct{}
	holding chan struct{}
	servers *servers
}

func serveAlone(t *testing.T, most int) *served {
	t.Helper()
	s := &served{release: make(chan struct{}), holding: make(chan struct{}, 100), servers: newServers(slog.New(slog.DiscardHandler))}
	s.servers.bodies.most, s.servers.bodies.stalls = 1<<20, time.Second
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			s.holding <- struct{}{}
			<-s.release
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, len(b))
	})
	s.servers.answer(h, h)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.servers.serve(s.servers.tcp, l, most, func() int { return minIdle }); !errors.Is(err, http.ErrServerClosed) && err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { s.servers.stop(); serving.Wait() })
	return s
}

func (s *served) dial(t *testing.T) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the server may have
	return c
}

func (s *served) post(ctx context.Context, path string, body io.Reader) (int, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+path, body)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header, err
}

// Bodies that stall hold no more than their budget; small ones still come
// through, large ones are told to come again, and all is free once the stalled
// were cut.
func TestBodiesInFlight(t *testing.T) {
	s := serveAlone(t, 1000)
	part := strings.Repeat("x", 1<<17)
	for range 8 {
		c := s.dial(t)
		if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(part)+1, part); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); s.servers.bodies.held.Load() < 6<<17; {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes came", s.servers.bodies.held.Load())
		}
	}
	for path, want := range map[string]int{"/v1/blocks": http.StatusTooManyRequests, "/api/v1/write": http.StatusServiceUnavailable} {
		code, header, err := s.post(t.Context(), path, strings.NewReader(strings.Repeat("x", 768<<10)))
		if err == nil && (code != want || header.Get("Retry-After") == "") {
			t.Errorf("%s: %d %v, want %d", path, code, header, want)
		}
	}
	if code, _, err := s.post(t.Context(), "/v1/events", strings.NewReader("small")); err != nil || code != http.StatusOK {
		t.Errorf("a small body: %d %v", code, err)
	}
	for deadline := time.Now().Add(5 * time.Second); s.servers.bodies.held.Load() != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held by senders that stall", s.servers.bodies.held.Load())
		}
	}
	if code, _, err := s.post(t.Context(), "/v1/blocks", strings.NewReader(part+part)); err != nil || code != http.StatusOK {
		t.Errorf("a large body, when there is room: %d %v", code, err)
	}
}

// The connection that was idle longest makes room for a new one; those that are
// busy stay, and while all are busy nobody else comes in.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	const most = 4
	s := serveAlone(t, most)
	for range 10 * most {
		s.dial(t)
	}
	ask := func(c net.Conn, path string) {
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
	}
	var busy []net.Conn
	for range most {
		c := s.dial(t)
		ask(c, "/hold")
		<-s.holding
		busy = append(busy, c)
	}
	over := s.dial(t)
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many was answered")
	}
	close(s.release)
	for _, c := range busy {
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("a busy connection was closed: %v", err)
		} else if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	again := s.dial(t)
	ask(again, "/")
	if resp, err := http.ReadResponse(bufio.NewReader(again), nil); err != nil {
		t.Errorf("nobody made room: %v", err)
	} else if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}
