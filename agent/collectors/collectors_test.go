package collectors

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	var leaked bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	client, err := Client("")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New([]string{srv.URL}, "secret", client).Do(t.Context(), time.Minute, "POST", "/v1/blocks", "", []byte("x"))
	if err != nil || a.Status != http.StatusTemporaryRedirect || leaked {
		t.Errorf("%d, %v, leaked %v", a.Status, err, leaked)
	}
}

func TestDoEndsInTime(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer srv.Close()
	defer close(hang)
	p := New([]string{srv.URL, "http://next"}, "", srv.Client())
	if _, err := p.Do(t.Context(), time.Millisecond, "GET", "/", "", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	p.Turn(Answer{})
	if p.Current() != "http://next" {
		t.Errorf("the next request goes to %s", p.Current())
	}
}

// TestTurn: whoever asks to be left alone is, while another may be asked.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New([]string{"http://a", "http://b", "http://c"}, "", nil)
		turn := func(a Answer, want string, rest time.Duration) {
			t.Helper()
			p.Turn(a)
			if p.Current() != want || p.Rest() != rest {
				t.Errorf("the next goes to %s in %v, want %s in %v", p.Current(), p.Rest(), want, rest)
			}
		}
		after := func(seconds string) Answer {
			return Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {seconds}}}
		}
		turn(after("20"), "http://b", 0)
		turn(Answer{}, "http://c", 0)
		turn(Answer{}, "http://b", 0)
		turn(after("60"), "http://c", 0)
		turn(after("10"), "http://c", 10*time.Second)
		turn(after("30"), "http://a", 20*time.Second)
		time.Sleep(20 * time.Second)
		turn(Answer{Status: http.StatusServiceUnavailable, Body: []byte(`{"leader": "c"}`)}, "http://c", 10*time.Second)
		time.Sleep(10 * time.Second)
		turn(after("5"), "http://a", 0)
	})
}

func TestCAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	if _, err := Client(path); err == nil {
		t.Error("no error for a missing file")
	}
	if err := os.WriteFile(path, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Client(path); err == nil {
		t.Error("no error for a file without certificates")
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Backoff
		for i := range 20 {
			begin := time.Now()
			if err := b.Wait(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(begin); d > min(firstPause<<i, lastPause) {
				t.Errorf("try %d waited %v", i, d)
			}
		}
		now := time.Now().Truncate(time.Second)
		for value, want := range map[string]time.Duration{
			"7": 7 * time.Second, "-1": 0, "x": 0, "99999999": maxAfter,
			now.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute,
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
				t.Errorf("Retry-After %q: %v", value, got)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Wait(ctx, 100*time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
