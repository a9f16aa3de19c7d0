package intake

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
	"github.com/tomeishi/tomeishi/agent/uplink"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestOldImage restores an agent's data folder from an image again and again, and
// counts what its spool and uplink bring to a machine: every event once.
func TestOldImage(t *testing.T) {
	c := newCell()
	server := httptest.NewServer(newDoor(t, c))
	defer server.Close()
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
			uplink.New(q, collectors.New([]string{server.URL}, "", server.Client()), slog.New(slog.DiscardHandler), metrics.NewSet()).Run(ctx)
		})
		for end := time.Now().Add(20 * time.Second); c.machine.Totals().Accepted < total && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
		sending.Wait()
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		if got := c.machine.Totals().Accepted; got != total {
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
	alerts := c.machine.AlertsView()
	if !slices.ContainsFunc(alerts, func(a machine.Alert) bool { return a.Rule == "AgentCloned" }) {
		t.Errorf("nobody is told that an image was restored: %+v", alerts)
	}
}
