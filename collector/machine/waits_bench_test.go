package machine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// BenchmarkWaits applies blocks of 100 hosts, each with how far it is, a payout and the
// record of another host's last one, while rules wait for records.
func BenchmarkWaits(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(n, " rules"), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("groups:\n- name: g\n  rules:\n")
			for i := range n {
				fmt.Fprintf(&text, "  - {alert: R%d, event: payout.sent, where: 'data.asset == \"A%d\"', by: [data.request], unless: {event: payout.recorded, where: 'data.asset == \"A%d\"', within: 60s}}\n", i, i, i)
			}
			r := newRig(b, text.String())
			hosts := make([]*host, 100)
			for i := range hosts {
				hosts[i] = r.host(fmt.Sprint("h", i))
			}
			says := func(kind string, k int) report.Event {
				return report.Event{Type: kind, Data: fmt.Appendf(nil, `{"request":"r%d","asset":"A%d"}`, k, k%n)}
			}
			k := 0
			b.ResetTimer()
			for b.Loop() {
				h := hosts[k%len(hosts)]
				b.StopTimer()
				r.tape = nil
				r.later(10 * time.Millisecond)
				h.says()
				h.accepts(says("payout.sent", k), says("payout.recorded", max(0, k-1)))
				b.StartTimer()
				h.delivers()
				k++
			}
			if len(r.m.AlertsView()) > 1 {
				b.Errorf("%d alerts stand", len(r.m.AlertsView()))
			}
		})
	}
}
