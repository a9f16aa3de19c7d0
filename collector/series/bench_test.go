package series

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// BenchmarkFeed has 100 agents with 250 series each send a frame: what one
// frame costs, and what the view holds afterwards.
func BenchmarkFeed(b *testing.B) {
	const agents, series = 100, 250
	j := new(journal)
	r := open(b, b.TempDir(), j, 0)
	if err := r.feeder.begin(b.Context()); err != nil {
		b.Fatal(err)
	}
	var hosts []*host
	for i := range agents {
		hosts = append(hosts, newHost(fmt.Sprintf("web%03d", i), gauges("node_cpu_seconds_total", series)...))
	}
	values := make([]float64, series)
	second := 0
	round := func() {
		at := now().Add(time.Duration(second) * time.Second)
		for i := range values {
			values[i] += float64(i%7) / 10
		}
		for i, h := range hosts {
			r.Offer(entry.Entry{Index: uint64(second*agents + i + 1), Time: at.UnixNano(), Kind: entry.KindSamples, Body: h.body(frame(at, values...))})
		}
		second++
	}
	feed := func() {
		if err := r.feeder.consume(b.Context(), r.queue.take()); err != nil {
			b.Fatal(err)
		}
	}
	round()
	feed() // makes the series
	b.ReportAllocs()
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		round()
		before := cpuTime()
		b.StartTimer()
		feed()
		b.StopTimer()
		spent += cpuTime() - before
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/agents, "µs/frame")
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N)/agents, "cpu-µs/frame")
	if got := r.met.appended.Get(); got != uint64(second*agents*series) {
		b.Fatalf("%d samples stored, want %d", got, second*agents*series)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MB")
}

// BenchmarkCatchUp fills an empty view from the tape.
func BenchmarkCatchUp(b *testing.B) {
	const agents, series, seconds = 10, 250, 300
	j := new(journal)
	at := now().Add(-seconds * time.Second)
	values := make([]float64, series)
	for s := range seconds {
		when := at.Add(time.Duration(s) * time.Second)
		for i := range agents {
			values[i] = float64(s)
			h := newHost(fmt.Sprintf("web%03d", i), gauges("g", series)...)
			j.add(entry.KindSamples, when, h.body(report.Frame{Time: when.UnixMilli(), Values: values}))
		}
	}
	for b.Loop() {
		b.StopTimer()
		r := open(b, b.TempDir(), j, 0)
		b.StartTimer()
		if err := r.feeder.begin(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		r.close()
		b.StartTimer()
	}
	b.ReportMetric(float64(agents*series*seconds)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkIdle says what an empty view holds.
func BenchmarkIdle(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := open(b, b.TempDir(), new(journal), 0).run().settle()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		r.ask("1", now())
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "heap-MB")
}
