package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

const orderRules = `groups:
- name: g
  rules:
  - alert: PayoutNotRecorded
    event: payout.sent
    by: [data.request]
    unless: {event: payout.recorded, within: 60s}
    mitigate: [stop]
  - alert: ResentWhileUnknown
    sequence:
    - {event: payout.attempt}
    - {not: payout.result, where: 'data.outcome in ["ok", "failed"]'}
    - {event: payout.attempt}
    by: [data.request]
    within: 1h
    mitigate: [hold]
gates:
- {name: btc, mode: enforce}
- {name: eth, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
- {name: hold, action: gate.hold, target: eth, match: {request: '{{ $labels.request }}'}, mode: enforce}
`

func onRequest(kind, request string, more ...string) report.Event {
	return report.Event{Type: kind, Data: fmt.Appendf(nil, `{"request":%q%s}`, request, strings.Join(more, ""))}
}

// wantUnrecorded are the payouts of which it is told that nobody recorded them, with a
// question mark where that is not proven.
func (r *rig) wantUnrecorded(what string, want ...string) {
	r.t.Helper()
	var got []string
	for _, a := range r.m.AlertsView() {
		if a.Rule == "PayoutNotRecorded" && a.Ended == 0 {
			mark := ""
			if a.unproven() {
				mark = "?"
			}
			got = append(got, a.Label("request")+mark)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Fatalf("%s: not recorded are %v, want %v", what, got, want)
	}
}

// TestNotRecorded: a payout that nobody records is told, and closes its gate, once those
// were heard who would have recorded it.
func TestNotRecorded(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *rig, wallet, books *host)
	}{
		{"proven", func(r *rig, wallet, books *host) {
			wallet.accepts(onRequest("payout.sent", "w1"), onRequest("payout.sent", "w2"))
			r.lives(10*time.Second, wallet, books)
			books.accepts(onRequest("payout.recorded", "w1"))
			r.lives(48*time.Second, wallet, books)
			r.wantUnrecorded("before")
			r.lives(5*time.Second, wallet, books)
			r.wantUnrecorded("after", "w2")
			r.wantClosed("btc", true)
			r.restarted()
			books.accepts(onRequest("payout.recorded", "w2"))
			r.lives(2*time.Second, wallet, books)
			r.wantUnrecorded("it is now")
			r.wantClosed("btc", true)
		}},
		{"the books are silent", func(r *rig, wallet, books *host) {
			r.lives(10*time.Second, wallet, books)
			wallet.accepts(onRequest("payout.sent", "w1"), onRequest("payout.sent", "w2"))
			r.lives(89*time.Second, wallet)
			r.wantUnrecorded("waits")
			r.lives(3*time.Second, wallet)
			r.wantUnrecorded("not sure", "w1?", "w2?")
			r.wantClosed("btc", false)
			r.restarted()
			late := onRequest("payout.recorded", "w1")
			late.Time = r.now.Add(-80 * time.Second).UnixNano()
			books.accepts(late)
			books.delivers()
			r.wantUnrecorded("one was", "w2?")
			for _, a := range r.m.Gone {
				if a.Label("request") == "w1" && a.Cause.Kind != record.Withdrawn {
					t.Errorf("it ended because %+v", a.Cause)
				}
			}
			r.lives(2*time.Second, wallet, books)
			r.wantUnrecorded("the other was not", "w2")
			r.wantClosed("btc", true)
		}},
		{"the books cannot be read", func(r *rig, wallet, books *host) {
			unread := func(n int, field string) {
				for i := range n {
					books.accepts(report.Event{Type: "payout.recorded", Data: fmt.Appendf(nil, `{%q:"b%d"}`, field, i)})
					r.lives(time.Second, wallet, books)
				}
			}
			wallet.accepts(onRequest("payout.sent", "w0"))
			r.lives(40*time.Second, wallet, books)
			unread(2, "req")
			wallet.accepts(onRequest("payout.sent", "w1"))
			unread(sightRun-2, "req")
			r.lives(25*time.Second, wallet, books)
			r.wantUnrecorded("too soon")
			r.lives(25*time.Second, wallet, books)
			r.wantUnrecorded("one is over, and not sure", "w0?")
			r.lives(45*time.Second, wallet, books)
			r.wantUnrecorded("not sure", "w0?", "w1?")
			r.restarted()
			unread(sightRun, "request")
			if len(r.named(ruleBlind)) != 0 {
				t.Error("it reads, and is blind")
			}
			wallet.accepts(onRequest("payout.sent", "w2"))
			r.lives(100*time.Second, wallet, books)
			r.wantUnrecorded("what came unread may have been theirs", "w0?", "w1?", "w2?")
			r.wantClosed("btc", false)
			r.lives(2*time.Hour, wallet, books)
			wallet.accepts(onRequest("payout.sent", "w3"))
			r.lives(62*time.Second, wallet, books)
			if got := r.m.AlertsView(); !slices.ContainsFunc(got, func(a Alert) bool { return a.Label("request") == "w3" && !a.unproven() }) {
				t.Error("nothing is proven any more")
			}
		}},
		{"an hour later", func(r *rig, wallet, books *host) {
			wallet.accepts(onRequest("payout.sent", "w1"))
			r.lives(time.Hour+2*time.Minute, wallet, books)
			r.wantUnrecorded("it was told")
			r.wantClosed("btc", true)
		}},
		{"around an edit", func(r *rig, wallet, books *host) {
			wallet.accepts(onRequest("payout.sent", "w1"), onRequest("payout.sent", "w3"))
			wallet.accepts(onRequest("payout.sent", "w4"))
			r.lives(10*time.Second, wallet, books)
			books.accepts(onRequest("payout.recorded", "w3"))
			r.lives(20*time.Second, wallet, books)
			books.accepts(onRequest("payout.recorded", "w4"))
			wallet.accepts(onRequest("payout.sent", "w2"))
			r.lives(10*time.Second, wallet, books)
			r.load(strings.Replace(orderRules, "within: 60s", "within: 20s", 1))
			r.recount(false)
			r.wantUnrecorded("true before", "w1") // w4 is over, and was before
			r.wantClosed("btc", false)            // nobody is stopped by an edit
			r.lives(15*time.Second, wallet, books)
			r.wantUnrecorded("what was under way", "w1", "w2")
			r.wantClosed("btc", true)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, orderRules)
			wallet, books := r.host("wallet"), r.host("books")
			wallet.accepts(onRequest("payout.sent", "first"))
			books.accepts(onRequest("payout.recorded", "first"))
			r.lives(10*time.Second, wallet, books)
			c.do(r, wallet, books)
		})
	}
}

// TestResentWhileUnknown: a second attempt holds its request, unless the first one is
// known to have failed; also if that is heard late.
func TestResentWhileUnknown(t *testing.T) {
	r := newRig(t, orderRules)
	h := r.host("wallet")
	attempt := func(request string) report.Event { return onRequest("payout.attempt", request) }
	h.accepts(attempt("w1"), attempt("w2"), onRequest("payout.result", "w2", `,"outcome":"failed"`), onRequest("payout.result", "w1", `,"outcome":"unknown"`))
	r.lives(time.Minute, h)
	r.wantHolds("eth")
	h.accepts(attempt("w2"), attempt("w1"))
	r.lives(time.Second, h)
	r.wantHolds("eth", "request=w1")
	late := onRequest("payout.result", "w1", `,"outcome":"failed"`)
	late.Time = r.now.Add(-30 * time.Second).UnixNano()
	h.accepts(late)
	r.lives(time.Second, h)
	if a := r.m.Gone; len(a) == 0 || a[len(a)-1].Rule != "ResentWhileUnknown" || a[len(a)-1].Cause.Kind != record.Withdrawn {
		t.Errorf("ended: %+v", a)
	}
	r.wantHolds("eth", "request=w1") // only people resume
}
