// Package image restores an agent from an old image, with a whole collector.
package image

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
	"github.com/tomeishi/tomeishi/agent/uplink"
	"github.com/tomeishi/tomeishi/collector"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/config"
)

// cell is a collector that serves until the test ends.
type cell struct {
	t   *testing.T
	url string
}

func newCell(t *testing.T) cell {
	c := config.Default()
	c.Listen, c.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	col, err := collector.New(t.Context(), collector.Options{Config: c, Log: slog.New(slog.DiscardHandler), Up: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	over := make(chan error, 1)
	go func() { over <- col.Run(ctx) }() // the cleanup waits for it
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return cell{t, "http://" + col.Addr()}
}

// status is what the collector says; it is empty until it is ready.
func (c cell) status() (s api.Status) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/v1/status", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// TestOldImage restores an agent's data folder from an image again and again, and
// counts what its spool and uplink bring: every event once.
func TestOldImage(t *testing.T) {
	c := newCell(t)
	dir := t.TempDir()
	folder, image := filepath.Join(dir, "spool"), filepath.Join(dir, "image")
	total := uint64(0)
	run := func(what string, events int) {
		t.Helper()
		q, err := spool.Open(folder, spool.Options{Agent: "a", Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
		if err != nil {
			t.Fatal(err)
		}
		for i := range events {
			var b report.Builder
			b.Add(&report.Event{ID: fmt.Sprint(what, i), Source: "s", Type: "payout.sent", Seen: time.Now().UnixNano(), Data: []byte(`{}`)})
			if err := q.Append(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		total += uint64(events)
		ctx, cancel := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sending.Go(func() {
			uplink.New(q, collectors.New([]string{c.url}, "", http.DefaultClient), slog.New(slog.DiscardHandler), metrics.NewSet()).Run(ctx)
		})
		for end := time.Now().Add(20 * time.Second); c.status().Events < total && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
		sending.Wait()
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		if got := c.status().Events; got != total {
			t.Fatalf("%s: %d events were counted, want %d", what, got, total)
		}
	}
	run("before", 10)
	if err := os.CopyFS(image, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	for i, more := range []int{700, 3, 40} { // more blocks than digests are kept, and fewer
		run(fmt.Sprint("after", i), more)
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(folder, os.DirFS(image)); err != nil {
			t.Fatal(err)
		}
		run(fmt.Sprint("evidence", i), 20)
	}
	for _, a := range c.status().BuiltIn {
		if a.Name == "AgentCloned" {
			return
		}
	}
	t.Errorf("nobody is told that an image was restored: %+v", c.status().BuiltIn)
}
