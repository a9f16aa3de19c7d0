package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
)

type spoolFunc func(ctx context.Context, b *report.Builder) error

func (f spoolFunc) Append(ctx context.Context, b *report.Builder) error { return f(ctx, b) }

func api(f spoolFunc) *API {
	return New(Options{
		Agent: "a1", Spool: f, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
		Ready: func() string { return "still waiting" },
	})
}

func request(t *testing.T, a *API, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/events", body)
	r.Host = "localhost"
	r.Header.Set("Content-Type", report.StructuredType)
	w := httptest.NewRecorder()
	a.Server().Handler.ServeHTTP(w, r)
	return w
}

const event = `{"specversion":"1.0","id":"1","source":"a","type":"t"}`

func TestWhatTheSpoolSaysIsTold(t *testing.T) {
	tests := []struct {
		err   error
		code  int
		after string
		word  string
	}{
		{nil, 202, "", "accepted"},
		{spool.ErrFull, 429, "1", "nothing was taken"},
		{errors.Join(spool.ErrUnknown, io.ErrShortWrite), 503, "1", "unknown"},
		{spool.ErrClosed, 503, "", "nothing was taken"},
		{fmt.Errorf("new segment: %w", syscall.EMFILE), 503, "1", "nothing was taken"},
		{spool.ErrGone, 503, "1", "nothing was taken"},
	}
	for _, tt := range tests {
		a := api(func(_ context.Context, b *report.Builder) error {
			if b.Len() != 1 {
				t.Errorf("%d events", b.Len())
			}
			return tt.err
		})
		w := request(t, a, strings.NewReader(event))
		if w.Code != tt.code || w.Header().Get("Retry-After") != tt.after || !strings.Contains(w.Body.String(), tt.word) {
			t.Errorf("%v: %d %s", tt.err, w.Code, w.Body)
		}
	}
}

func TestBadEventsNeverReachTheSpool(t *testing.T) {
	a := api(func(context.Context, *report.Builder) error {
		t.Error("reached the spool")
		return nil
	})
	if w := request(t, a, strings.NewReader(event[:20])); w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBodiesAreBoundedTogether(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	a := api(func(context.Context, *report.Builder) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	a.budget.max = int64(len(event)) + 10
	first := make(chan int)
	go func() { first <- request(t, a, strings.NewReader(event)).Code }()
	<-entered
	if w := request(t, a, strings.NewReader(event)); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("a second one: %d %s", w.Code, w.Body)
	}
	leave <- struct{}{}
	if code := <-first; code != 202 {
		t.Errorf("the first one: %d", code)
	}
	if n := a.budget.used.Load(); n != 0 {
		t.Errorf("%d bytes were not given back", n)
	}
}

func TestNotReady(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/-/ready", nil)
	api(nil).route(w, r)
	if w.Code != 503 || !strings.Contains(w.Body.String(), "still waiting") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestHalfARequestIsEnded: a client that stops sending does not stay forever.
func TestHalfARequestIsEnded(t *testing.T) {
	s := api(nil).Server()
	s.ReadHeaderTimeout, s.ReadTimeout = 1, 1 // nanosecond
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "POST /v1/events HTTP/1.1\r\nHost: "); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	if err := errors.Join(c.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
