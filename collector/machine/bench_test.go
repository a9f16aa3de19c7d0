package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

func BenchmarkSamples(b *testing.B) {
	r := newRig(b, testRules)
	var series []report.Series
	for i := range 250 {
		series = append(series, report.Series{Name: fmt.Sprint("series_", i)})
	}
	s := report.Samples{Schema: report.NewSchema(series), Frames: []report.Frame{{Values: make([]float64, 250)}}}
	var bodies [100][]byte
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		b.StopTimer()
		if i%100 == 0 {
			r.later(time.Second)
			for j := range bodies {
				s.Agent, s.Sent = fmt.Sprint("host", j), r.now.UnixMilli()
				s.Frames[0].Time = r.now.UnixMilli()
				bodies[j] = s.Append(nil)
			}
		}
		b.StartTimer()
		if err, bad := r.m.Apply(entry.Entry{Index: 9, Time: r.now.UnixNano(), Kind: entry.KindSamples, Body: bodies[i%100]}).(error); bad {
			b.Fatal(err)
		}
	}
}

// storm is the levels of n alerts, in entries of at most 500.
func (r *rig) storm(rule string, from, n int) (bodies [][]byte) {
	_, set, _ := r.m.RulesView()
	for n > 0 {
		l := entry.Levels{Set: set}
		for range min(n, 500) {
			level := r.level(rule, "cpu", fmt.Sprint("cpu", from), "instance", fmt.Sprint("host", from%100), "job", "node")
			level.Annotations = []Label{{Name: "description", Value: "The CPU of this host has had no time left for 5 minutes: work waits."}, {Name: "summary", Value: fmt.Sprint("CPU ", from, " is full")}}
			l.Firing = append(l.Firing, level)
			from, n = from+1, n-1
		}
		bodies = append(bodies, entry.Marshal(l))
	}
	return bodies
}

func BenchmarkLevels(b *testing.B) {
	for _, c := range []struct {
		name, rule string
		standing   int
	}{{"quiet", "Full", 0}, {"quiet mitigating", "Stuck", 0}, {"storm", "Full", 9500}, {"storm mitigating", "Stuck", 9500}} {
		b.Run(c.name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				b.StopTimer()
				r := newRig(b, metricTestRules)
				for _, body := range r.storm(c.rule, 500, c.standing) {
					r.must(r.apply(entry.KindLevels, body))
				}
				body := r.storm(c.rule, 0, 500)[0]
				b.StartTimer()
				out := r.apply(entry.KindLevels, body)
				if out != (LevelsOutcome{Raised: 500}) {
					b.Fatal(out)
				}
			}
		})
	}
}

// BenchmarkStorm applies 10,000 critical metric alerts of 20 entries, and a
// payment between each two, as it comes while the storm goes on.
func BenchmarkStorm(b *testing.B) {
	for _, rule := range []string{"Full", "Stuck"} {
		b.Run(rule, func(b *testing.B) {
			var levels, payments []time.Duration
			for range b.N {
				b.StopTimer()
				r := newRig(b, metricTestRules)
				bodies := r.storm(rule, 0, 10_000)
				b.StartTimer()
				for _, body := range bodies {
					start := time.Now()
					r.must(r.apply(entry.KindLevels, body))
					mid := time.Now()
					r.pay("w1", "p1")
					levels, payments = append(levels, mid.Sub(start)), append(payments, time.Since(mid))
				}
			}
			for what, took := range map[string][]time.Duration{"levels": levels, "payment": payments} {
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50/"+what)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99/"+what)
			}
		})
	}
}

// BenchmarkViews asks while 10,000 metric alerts stand, each of which holds a
// gate: as long as a view takes, no entry is applied.
func BenchmarkViews(b *testing.B) {
	r := newRig(b, metricTestRules)
	for _, body := range r.storm("Stuck", 0, 10_000) {
		r.must(r.apply(entry.KindLevels, body))
	}
	id := r.metricRule("Stuck").ID
	for i := range maxAgents {
		r.speaks(fmt.Sprint("host", i))
	}
	for name, view := range map[string]func(){
		"alerts":   func() { r.m.AlertsView() },
		"standing": func() { r.m.Standing(id) },
		"totals":   func() { r.m.Totals() },
		"gates":    func() { r.m.GatesView() },
		"agents":   func() { r.m.AgentsView() },
		"snapshot": func() { r.m.Snapshot() },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				view()
			}
		})
	}
	ids := r.ids("Stuck")
	b.Run("resolve 500", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			if len(ids) < 500 {
				for _, body := range r.storm("Stuck", 0, 10_000) {
					r.must(r.apply(entry.KindLevels, body))
				}
				ids = r.ids("Stuck")
			}
			_, set, _ := r.m.RulesView()
			body := entry.Marshal(entry.Levels{Set: set, Resolved: ids[:500]})
			ids = ids[500:]
			r.later(time.Millisecond)
			b.StartTimer()
			r.must(r.apply(entry.KindLevels, body))
		}
	})
	b.Run("500 fall silent", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			r.later(time.Hour)
			for i := range maxAgents {
				r.speaks(fmt.Sprint("host", i))
			}
			r.later(time.Hour)
			b.StartTimer()
			r.tick()
		}
	})
}

// BenchmarkEvents applies batches of a thousand quiet payments, each of which
// two rules count.
func BenchmarkEvents(b *testing.B) {
	r := newRig(b, testRules)
	const size = 1000
	n := 0
	body := func() []byte {
		var batch report.Builder
		for range size {
			n++
			e := payout(fmt.Sprint("e", n), fmt.Sprint("w", n), fmt.Sprint("p", n), fmt.Sprint("a", n%5000), "0.0001")
			e.Seen = r.now.UnixNano()
			batch.Add(&e)
		}
		return slices.Clone(batch.Bytes())
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		r.later(time.Second)
		next := body()
		b.StartTimer()
		if out := r.apply(entry.KindBatch, next); out != (BatchOutcome{Accepted: size}) {
			b.Fatal(out)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/event")
}

// BenchmarkReload makes ten thousand rules live beside which one is new, each with a
// gate of its own.
func BenchmarkReload(b *testing.B) {
	var rules, gates, mitigations strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&rules, "  - {alert: Twice%d, event: payout%d.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, mitigate: [stop%d]}\n", i, i%100, i)
		fmt.Fprintf(&gates, "- {name: btc/%d/hot, mode: enforce}\n", i)
		fmt.Fprintf(&mitigations, "- {name: stop%d, action: gate.close, target: btc/%d/hot, mode: enforce}\n", i, i)
	}
	text := "groups:\n- name: g\n  rules:\n" + rules.String() + "gates:\n" + gates.String() + "mitigations:\n" + mitigations.String()
	r := newRig(b, text)
	b.ResetTimer()
	for i := range b.N {
		r.later(time.Second)
		r.load(strings.Replace(text, "within: 24h", fmt.Sprintf("within: %dh", 25+i), 1))
		r.pay("w", "p")
	}
	b.StopTimer()
	if anew := r.gate("btc/0/hot").Anew; len(anew) != 1 {
		b.Errorf("counting anew: %v", anew)
	}
}
