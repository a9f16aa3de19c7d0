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

// TestCalm is the other half of TestUnnoticed: in a week of a healthy deployment,
// with all that goes on in one, nobody is paged and nothing is said to be wrong.
func TestCalm(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := deploy(t, seed)
			d.live(time.Minute)
			for end := d.now.Add(7 * 24 * time.Hour); d.now.Before(end); {
				name := d.ordinary()
				d.live(time.Duration(d.rnd.IntN(11)) * time.Hour)
				if s := d.standing(); !slices.Equal(s, []string{watchdog}) || d.gate("btc").Closed {
					t.Fatalf("after %s: %v stand, gate %+v", name, s, d.gate("btc"))
				}
			}
		})
	}
}

// ordinary does one thing that happens in a healthy deployment, and names it.
func (d *deployment) ordinary() string {
	recent := d.sent[max(0, len(d.sent)-200):]
	switch d.rnd.IntN(11) {
	case 0:
		d.waiting = append(d.waiting, slices.Clone(recent)...)
		return "a topic that was replayed"
	case 1:
		for _, e := range recent {
			if e.Type == "payout.sent" {
				e.Data = []byte(strings.Replace(string(e.Data), `"amount":"1"`, `"amount":"1.00"`, 1))
				d.waiting = append(d.waiting, e)
			}
		}
		return "redeliveries that another library wrote"
	case 2:
		for _, e := range recent {
			if e.Type == "payout.sent" {
				e.Source = "payer-new"
				d.waiting = append(d.waiting, e)
			}
		}
		return "two workers that report the same payments, during a migration"
	case 3:
		d.spool, d.seq, d.prev = report.SpoolID{byte(d.rnd.Uint32()), byte(d.rnd.Uint32()), 8}, 0, [32]byte{}
		return "an agent with a new disk"
	case 4:
		d.restarted()
		return "a collector that restarts"
	case 5:
		d.offline = true
		d.live(time.Duration(d.rnd.IntN(29)) * time.Second)
		d.offline = false
		return "a reboot of the host"
	case 6:
		d.load(d.rules + "# edited\n")
		return "rules that are deployed again"
	case 7:
		d.load(strings.Replace(d.rules, "gates:", "  - {alert: Other, event: refund.sent, by: [data.charge], within: 1h, when: count() > 3}\ngates:", 1))
		return "another rule"
	case 8:
		d.waiting = append(d.waiting, report.Event{Source: "shop", ID: fmt.Sprint("r", d.now.UnixNano()), Type: "refund.sent", Seen: d.now.UnixNano(), Data: []byte(`{"charge":"c1","amount":"0.5"}`)},
			report.Event{Source: "shop", ID: fmt.Sprint("s", d.now.UnixNano()), Type: "refund.sent", Seen: d.now.UnixNano(), Data: []byte(`{"charge":"c1","amount":"0.5"}`)})
		return "partial refunds"
	case 9:
		for i := range 500 {
			d.paid++
			d.pays(fmt.Sprint("w", d.paid), fmt.Sprint("tx", d.now.Unix(), ":", i))
		}
		return "a batch payout"
	}
	d.json(entry.KindLead, entry.Lead{})
	return "nothing"
}
