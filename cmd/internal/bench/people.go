package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	tellTrials = 300
	crowd      = 10_000
)

// receiver takes webhooks.
type receiver struct {
	url    string
	server *http.Server
	got    chan notification
}

type notification struct {
	at     time.Time
	alerts int // that fire
	bytes  int
}

func newReceiver(ctx context.Context) (*receiver, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + l.Addr().String(), got: make(chan notification, crowd)}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { // nobody waits: it ends when the server is closed
		if err := r.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			exit(err)
		}
	}()
	return r, nil
}

// ServeHTTP notes one notification.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(req.Body)
	at := time.Now()
	var body struct {
		Alerts []struct{ Status string }
	}
	if err != nil || json.Unmarshal(text, &body) != nil {
		return
	}
	n := notification{at: at, bytes: len(text)}
	for _, a := range body.Alerts {
		if a.Status == "firing" {
			n.alerts++
		}
	}
	r.got <- n
}

// telling starts a collector that tells the receiver by these routes.
func (b *bench) telling(ctx context.Context, rules, route string, r *receiver) (*server, error) {
	file := filepath.Join(b.dir, fmt.Sprintf("alertmanager-%d.yml", b.n))
	text := fmt.Sprintf("route: %s\nreceivers: [{name: r, webhook_configs: [{url: '%s'}]}]\n", route, r.url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return b.collectorWith(ctx, rules, "alertmanager: "+file+"\n")
}

// tell measures from an event's posting until a person's receiver has the page.
func (b *bench) tell(ctx context.Context) (rows []row, err error) {
	r, err := newReceiver(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.server.Close()) }()
	c, err := b.telling(ctx, strings.Replace(paidTwice, "    mitigate: [stop]\n", "", 1), "{receiver: r, group_by: ['...'], group_wait: 0s}", r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	direct := &server{url: r.url, client: &http.Client{}}
	sample := fmt.Sprintf(`{"alerts":[{"status":"firing","labels":{"page":%q}}]}`, strings.Repeat("x", 1500))
	var ours, theirs []time.Duration
	for n := range tellTrials {
		request := fmt.Sprint("t-", n)
		if err := c.post(ctx, oneEvent, event(request, request+"-a")); err != nil {
			return nil, err
		}
		second := event(request, request+"-b")
		start := time.Now()
		if err := c.post(ctx, oneEvent, second); err != nil {
			return nil, err
		}
		took, err := r.since(start)
		if err != nil {
			return nil, err
		}
		ours = append(ours, took)
		start = time.Now()
		if _, _, err := direct.do(ctx, http.MethodPost, "/", "application/json", sample); err != nil {
			return nil, err
		}
		if took, err = r.since(start); err != nil {
			return nil, err
		}
		theirs = append(theirs, took)
	}
	return latencyRow("event posted → alert in the ledger → webhook receiver has it, `group_wait: 0s`", "p50 ≤ 15 ms", ours, theirs), nil
}

func (r *receiver) since(start time.Time) (time.Duration, error) {
	select {
	case n := <-r.got:
		return n.at.Sub(start), nil
	case <-time.After(30 * time.Second):
		return 0, errors.New("the receiver was told nothing")
	}
}

// crowd raises ten thousand alerts of one rule and counts what a receiver is
// told.
func (b *bench) crowd(ctx context.Context) (rows []row, err error) {
	r, err := newReceiver(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.server.Close()) }()
	rules := strings.NewReplacer("    mitigate: [stop]\n", "", "critical", "warning").Replace(paidTwice)
	_, rule, _ := strings.Cut(rules, "  rules:\n")
	rule, rest, _ := strings.Cut(rule, "gates:")
	rules = strings.Replace(rules, "gates:"+rest, strings.NewReplacer("PaidTwice", "Warm", "payout.sent", "payout.warm").Replace(rule)+"gates:"+rest, 1)
	// The routes are those that a collector has without a file.
	c, err := b.telling(ctx, rules, "{receiver: r, group_by: [alertname], group_wait: 5s, group_interval: 30s}", r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	if err := c.payTwice(ctx, "payout.warm", "warm", 10); err != nil { // of another rule, so of another group
		return nil, err
	}
	if _, err := r.since(time.Now()); err != nil {
		return nil, err
	}
	return b.crowdOf(ctx, c, r)
}

func (b *bench) crowdOf(ctx context.Context, c *server, r *receiver) ([]row, error) {
	before, err := c.rss()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := c.payTwice(ctx, "payout.sent", "crowd", crowd); err != nil {
		return nil, err
	}
	posted := time.Since(start)
	told, times, size, most := 0, 0, 0, before
	var last time.Duration
	for told < crowd && time.Since(start) < time.Minute {
		select {
		case n := <-r.got:
			told, times, size, last = max(told, n.alerts), times+1, n.bytes, n.at.Sub(start)
		case <-time.After(50 * time.Millisecond):
		}
		now, err := c.rss()
		if err != nil {
			return nil, err
		}
		most = max(most, now)
	}
	return []row{{
		fmt.Sprintf("%d alerts of one rule in %.1f s, default grouping", crowd, posted.Seconds()),
		"one grouped notification a receiver, ≤ 10 s, memory + ≤ 100 MB",
		fmt.Sprintf("%d notification(s), %d alerts in the last (%.1f MB), %.1f s; memory + %.0f MB at most", times, told, float64(size)/1e6, last.Seconds(), float64(most-before)/1e6), "", "",
	}}, nil
}

// payTwice posts two payments for each of so many requests.
func (s *server) payTwice(ctx context.Context, kind, tag string, requests int) error {
	for from := 0; from < requests; from += 500 {
		var body strings.Builder
		for i := from; i < min(from+500, requests); i++ {
			request := fmt.Sprintf("%s-%d", tag, i)
			body.WriteString(event(request, request+"-a") + "\n" + event(request, request+"-b") + "\n")
		}
		if err := s.post(ctx, ndjson, strings.ReplaceAll(body.String(), "payout.sent", kind)); err != nil {
			return err
		}
	}
	return nil
}
