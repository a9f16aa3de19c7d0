package machine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const joinRules = `groups:
- name: g
  rules:
  - alert: Refunded
    join:
      charged: {event: charge.captured, by: [data.charge]}
      refunded: {event: refund.sent, by: [data.charge]}
      change: {event: change.made, by: []}
    within: 1h
    settle: 1s
    lateness: 5m
    when: count(refunded) > count(charged) && count(change) > 0
`

// TestJoinRecount sends refunds when their charge, and what belongs to every charge,
// have been forgotten for long: both come back. It is restarted in between.
func TestJoinRecount(t *testing.T) {
	r := newRig(t, joinRules)
	n := 0
	send := func(event, charge string, at time.Time) {
		t.Helper()
		n++
		r.send(report.Event{ID: fmt.Sprint(n), Source: "shop", Type: event, Time: at.UnixNano(), Data: fmt.Appendf(nil, `{"charge":%q}`, charge)})
	}
	refunded := func() bool {
		r.later(10 * time.Second)
		r.tick()
		return slices.Contains(r.standing(), "Refunded")
	}
	at := r.now
	send("change.made", "", at)
	send("charge.captured", "c", at)
	for i := range 200 {
		r.later(30 * time.Minute)
		send("charge.captured", fmt.Sprint("x", i), r.now)
		send("change.made", "", r.now)
	}
	send("refund.sent", "c", at.Add(20*time.Minute))
	r.restarted()
	r.recount(false)
	if refunded() {
		t.Error("a refund of what was charged is told")
	}
	send("refund.sent", "c", at.Add(21*time.Minute))
	if !refunded() {
		t.Error("a second refund is not told")
	}
	r.restarted()
}
