package collectors

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
	maxAfter   = 5 * time.Minute // of Retry-After, which a proxy may have set
)

// Backoff is how long to wait between tries: at random up to a bound that
// doubles, so that agents which failed together do not return together. The
// zero value is ready.
type Backoff struct{ tries int }

// Reset begins anew, after a success.
func (b *Backoff) Reset() { b.tries = 0 }

// Wait pauses, at least as long as a collector asks to be left alone. It ends
// with ctx.
func (b *Backoff) Wait(ctx context.Context, rest time.Duration) error {
	return b.WaitAtMost(ctx, rest, rest+lastPause)
}

// WaitAtMost is Wait for what cannot wait longer, whatever a collector asks.
func (b *Backoff) WaitAtMost(ctx context.Context, rest, most time.Duration) error {
	bound := min(firstPause<<min(b.tries, 10), lastPause)
	b.tries++
	t := time.NewTimer(min(rest+rand.N(bound), most))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxAfter)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), maxAfter)
	}
	return 0
}
