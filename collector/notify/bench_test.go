package notify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
)

// BenchmarkToReceiver: from an alert in the feed until a webhook receiver has
// it, with group_wait 0s; beside it, in the same minute, a plain POST of the
// same body to the same receiver.
func BenchmarkToReceiver(b *testing.B) {
	hook := hookReceiver(b)
	b.Run("notify", func(b *testing.B) {
		l := newLab(b, hookConfig(hook.URL, strings.Replace(atOnce, "[alertname]", "[request]", 1)), quiet)
		before := len(hook.all())
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			id := strconv.Itoa(i)
			a := alert("a"+id, "PaidTwice", "critical", "request", "r"+id)
			start := time.Now()
			l.feed.tell(a)
			took = append(took, hook.next(before+i+1).At.Sub(start))
		}
		quantiles(b, took)
	})
	b.Run("reference", func(b *testing.B) {
		body, err := json.Marshal(hook.all()[0].M)
		if err != nil {
			b.Fatal(err)
		}
		before := len(hook.all())
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			start := time.Now()
			resp, err := http.Post(hook.URL, "application/json", bytes.NewReader(body)) //nolint:noctx // the plainest there is
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
			took = append(took, hook.next(before+i+1).At.Sub(start))
		}
		quantiles(b, took)
	})
}

func quantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStorm: ten thousand alerts within a second, in a hundred entries of
// a hundred, with the grouping of an ordinary configuration. How many
// notifications each receiver gets, how long after the last alert, and how much
// memory that takes here: the receivers are another process.
func BenchmarkStorm(b *testing.B) {
	const alerts, entries = 10_000, 100
	for b.Loop() {
		others := startCounters(b)
		l := newLab(b, fmt.Sprintf(`
route:
  receiver: everybody
  group_by: [alertname]
  group_wait: 5s
  group_interval: 5m
receivers:
- name: everybody
  slack_configs: [{api_url: "%[1]s/slack", channel: "#alerts"}]
  pagerduty_configs: [{routing_key: %[2]s, url: "%[1]s/pager"}]
  webhook_configs: [{url: "%[1]s/hook"}]
`, others.url, routingKey), quiet)
		// What is loaded for the first notification is not the storm's.
		l.feed.tell(alert("first", "First", "critical"))
		others.awaitWhole(b, 1)
		l.book.awaitTold(b, 3)
		others.forget()
		all := make([]machine.Alert, alerts)
		for i := range all {
			id := strconv.Itoa(i)
			all[i] = alert("a"+id, "PaidTwice", "critical", "request", "r"+id, "host", "h"+strconv.Itoa(i%100))
			l.feed.prepare(all[i])
		}
		before, peak := heap(), peakRSS(b)
		start := time.Now()
		tick := time.NewTicker(time.Second / entries)
		for part := range slices.Chunk(all, alerts/entries) {
			l.feed.tell(part...)
			<-tick.C
		}
		tick.Stop()
		b.ReportMetric(time.Since(start).Seconds(), "told-in-s")
		others.awaitWhole(b, alerts)
		l.book.awaitTold(b, 6)
		b.ReportMetric(float64(heap()-before)/1e6, "heap-MB")
		b.ReportMetric(float64(peakRSS(b)-peak)/1e6, "peak-MB")
		b.ReportMetric(others.last.Sub(start).Seconds(), "arrived-after-s")
		for kind, n := range others.messages {
			b.ReportMetric(float64(n), kind+"-messages")
			b.ReportMetric(float64(others.bytes[kind])/1e6, kind+"-MB")
		}
		l.stop()
	}
	b.ReportMetric(0, "ns/op")
}

// quiet keeps no log: it would count as memory.
func quiet(o *notify.Options) { o.Log = slog.New(slog.DiscardHandler) }

// prepare makes room for an alert, so that the feed of these tests takes no
// memory while memory is measured.
func (f *feed) prepare(a machine.Alert) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = append(f.order, a.ID)
	f.alerts[a.ID], f.fresh[a.ID] = a, true
	clear(f.fresh)
}

// heap is what lives on the heap after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peakRSS is the most memory that this process has ever had, in bytes.
func peakRSS(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("memory is measured on Linux:", err)
	}
	for line := range strings.Lines(string(status)) {
		var kB int64
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); n == 1 && err == nil {
			return kB << 10
		}
	}
	b.Fatalf("no VmHWM in %s", status)
	return 0
}
