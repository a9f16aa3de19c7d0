package notify

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	amnotify "github.com/prometheus/alertmanager/notify"
)

const (
	pauseFirst = time.Second
	pauseMost  = 30 * time.Second
	// pauseAsked is the longest that a receiver can ask to wait: what it is told
	// of may not wait longer.
	pauseAsked = 5 * time.Minute
)

// A pause keeps an integration from being told while its receiver has asked to
// wait. All groups share it, as they share the receiver's limit. Where the
// receiver does not say how long, it doubles from one second to half a minute.
type pause struct {
	mu    sync.Mutex // guards what follows; not held while somebody waits
	until time.Time
	last  time.Duration
}

// asked is for a receiver that says how long to wait.
func (p *pause) asked(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}

// begin is for a receiver that wants to be told less often.
func (p *pause) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) {
		return // it has said how long, or another group was told
	}
	p.last = min(max(2*p.last, pauseFirst), pauseMost)
	p.until = now.Add(p.last)
}

func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until, p.last = time.Time{}, 0
}

// wait waits for the end of the pause.
func (p *pause) wait(ctx context.Context) error {
	p.mu.Lock()
	left := time.Until(p.until)
	p.mu.Unlock()
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the receiver asked to be told less often: %w", ctx.Err())
	}
}

// heed makes an integration heed Retry-After, which Alertmanager reads for Slack
// and Webex only, and without a bound: its client is found by name. Where it has another
// name, or the integration has no HTTP client, the pause is as if the receiver
// had not said how long.
func heed(i *amnotify.Integration, p *pause) {
	n := reflect.ValueOf(i).Elem().FieldByName("notifier")
	if n.Kind() != reflect.Interface || n.Elem().Kind() != reflect.Pointer || n.Elem().Elem().Kind() != reflect.Struct {
		return
	}
	c := n.Elem().Elem().FieldByName("client")
	if !c.IsValid() || c.Type() != reflect.TypeFor[*http.Client]() || c.IsNil() {
		return
	}
	client := (*http.Client)(c.UnsafePointer())
	client.Transport = &heeding{next: client.Transport, pause: p}
}

type heeding struct {
	next  http.RoundTripper
	pause *pause
}

// RoundTrip implements http.RoundTripper.
func (h *heeding) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(r)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
		if until, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			h.pause.asked(until)
		}
	}
	return resp, err
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(s string, now time.Time) (time.Time, bool) {
	var until time.Time
	if seconds, err := strconv.ParseUint(s, 10, 31); err == nil {
		until = now.Add(time.Duration(seconds) * time.Second)
	} else if until, err = http.ParseTime(s); err != nil {
		return time.Time{}, false
	}
	if most := now.Add(pauseAsked); until.After(most) {
		until = most
	}
	return until, until.After(now)
}
