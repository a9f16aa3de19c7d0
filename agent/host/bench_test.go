package host

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAllocations: the one allocation of a tick is the frame's, which is the
// caller's to keep.
func TestAllocations(t *testing.T) {
	for name, o := range map[string]Options{"this host": {}, "all signals": {}} {
		if name == "all signals" {
			dir, _ := plant(t, full)
			o = planted(dir)
		}
		m := start(t, o)
		m.ticks(3)
		m.settle()
		if n := testing.AllocsPerRun(100, func() { m.Tick(m.now) }); n > 1 {
			t.Errorf("%s: %v allocations a tick", name, n)
		}
	}
}

// BenchmarkTick measures this host: a tick alone, and a second with all that
// is done off the tick. CPU is that of the whole process.
func BenchmarkTick(b *testing.B) {
	for name, step := range map[string]time.Duration{"tick": 0, "second": time.Second} {
		b.Run(name, func(b *testing.B) {
			m := start(b, Options{})
			m.ticks(3)
			m.settle()
			b.ReportAllocs()
			from := processor(b)
			for b.Loop() {
				m.now = m.now.Add(step)
				m.Tick(m.now)
			}
			b.ReportMetric(float64((processor(b)-from).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(len(m.table.values)), "series")
		})
	}
}

func processor(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
