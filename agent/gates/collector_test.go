package gates

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

// collector answers GET /v1/gates as the contract says.
type collector struct {
	mu      sync.Mutex
	changed chan struct{}
	cell    string
	epoch   uint64
	gates   map[string]Gate
	down    bool
	acked   uint64
	asked   int
	sent    time.Time // when the last answered request came in
	// instead answers in place of the collector; nil, or a nil answer without an
	// error, leaves it to the collector.
	instead func(r *http.Request) (*http.Response, error)
}

func newCollector() *collector {
	c := &collector{changed: make(chan struct{}), cell: "cell1", gates: map[string]Gate{}}
	c.set(gate("w/btc"))
	return c
}

func gate(name string, change ...func(*Gate)) Gate {
	g := Gate{Gate: report.Gate{Name: name, State: "open", Mode: "enforce", Holds: []report.Hold{}, Fresh: true, Lease: report.Duration(30 * time.Second), IfUnreachable: "close"}}
	for _, c := range change {
		c(&g)
	}
	return g
}

func closed(g *Gate) {
	g.State = "closed"
	g.Holds = []report.Hold{{Reason: "paid twice"}}
}

func (c *collector) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// set changes one gate and raises the epochs.
func (c *collector) set(g Gate) {
	c.do(func() {
		c.epoch++
		g.Epoch = c.gates[g.Name].Epoch + 1
		g.Cell = c.cell
		c.gates[g.Name] = g
	})
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if r.URL.Path != "/v1/gates" || q.Get("agent") != "a1" || r.Header.Get("Authorization") != "Bearer secret" {
		return nil, fmt.Errorf("wrong request %s", r.URL)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.instead != nil {
		instead := c.instead
		c.mu.Unlock()
		resp, err := instead(r)
		c.mu.Lock()
		if resp != nil || err != nil {
			return resp, err
		}
	}
	c.asked++
	arrived := time.Now()
	if w := q.Get("watch"); w != "" {
		seen, err := strconv.ParseUint(w, 10, 64)
		if err != nil {
			return nil, err
		}
		wait, err := time.ParseDuration(q.Get("wait"))
		if err != nil {
			return nil, err
		}
		c.acked = seen
		over := time.After(wait)
		for waiting := true; waiting && c.epoch <= seen; {
			changed := c.changed
			c.mu.Unlock()
			select {
			case <-changed:
			case <-over:
				waiting = false
			case <-r.Context().Done():
				c.mu.Lock()
				return nil, r.Context().Err()
			}
			c.mu.Lock()
		}
	}
	if c.down {
		return nil, errors.New("connection refused")
	}
	c.sent = arrived
	l := report.GateList{Cell: c.cell, Epoch: c.epoch, Gates: []report.Gate{}}
	for _, g := range c.gates {
		l.Gates = append(l.Gates, g.Gate)
	}
	body, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

func start(t *testing.T, dir string, c *collector, urls ...string) (*Copy, func()) {
	t.Helper()
	if len(urls) == 0 {
		urls = []string{"http://c1"}
	}
	copied, err := New(dir, Options{
		Agent: "a1", Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
		Peers: collectors.New(urls, "secret", &http.Client{Transport: c}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { copied.Run(ctx) })
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return copied, stop
}
