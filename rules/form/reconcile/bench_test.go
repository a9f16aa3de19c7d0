package reconcile

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// BenchmarkPairs is the steady state of a day: each payment is recorded ten seconds
// later, and what was matched long enough ago makes room.
func BenchmarkPairs(b *testing.B) {
	r := &rule{
		sources: make([]match.Source, 2), asked: [2]bool{false, true}, settle: defaultSettle,
		within: defaultWithin, grace: mostGrace, lateness: time.Hour, spare: time.Hour,
	}
	s := r.State()
	hit := match.Hit{Key: []byte("\x00\x00\x00\x03BTC\x00\x00\x00\x2abc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh")}
	e := form.Event{Behavior: form.LateCounts, Hit: &hit}
	var say form.Say
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const gap = int64(time.Hour) / 500_000
	now, n := int64(1e18), 0
	add := func(side, i int) {
		hit.Source = side
		binary.BigEndian.PutUint64(hit.Key[7:], uint64(i))
		e.Time, e.Ref, e.Key = now, window.MakeRef(uint64(n/100), n%100), window.Key{uint64(i) * 0x9e3779b97f4a7c15, uint64(i)*0xbf58476d1ce4e5b9 ^ 7}
		say.Reset()
		s.Add(now, &e, &say)
		n++
	}
	const lag = int(10 * int64(time.Second) / gap)
	step := func() {
		add(second, n/2)
		add(first, max(0, n/2-lag))
		now += gap
		c := form.Clock{Now: now, Heard: []int64{now, now}}
		if due := s.Due(c); due != 0 && due <= now {
			for say.Reset(); s.Expire(c, &say); say.Reset() {
			}
		}
	}
	for range 1_000_000 {
		step()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(s.Keys()), "B/key")
	b.ReportMetric(float64(s.Bytes())/float64(s.Keys()), "said-B/key")
	b.ReportMetric(float64(s.Keys()), "keys")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/2/float64(b.N), "ns/event")
}
