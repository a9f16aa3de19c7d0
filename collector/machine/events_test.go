package machine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

func event(id, eventType, data string) report.Event {
	return report.Event{ID: id, Source: "test", Type: eventType, Data: []byte(data)}
}

func TestSameEventCountsOnce(t *testing.T) {
	r := newRig(t, testRules)
	e := payout("e1", "w1", "p1", "a", "1")
	if got := r.send(e, e); got != (BatchOutcome{1, 1}) {
		t.Errorf("twice in one batch: %+v", got)
	}
	r.later(90 * time.Minute) // within + lateness of PaidTwice is 2h
	if got := r.send(e); got != (BatchOutcome{0, 1}) {
		t.Errorf("again within the horizon: %+v", got)
	}
	other := e
	other.Source = "elsewhere"
	if got := r.send(other); got != (BatchOutcome{1, 0}) {
		t.Errorf("the same id of another source: %+v", got)
	}
	r.later(121 * time.Minute) // since it came last
	if got := r.send(e); got != (BatchOutcome{1, 0}) {
		t.Errorf("beyond the horizon: %+v", got)
	}
}

func TestLateEventsFindTheirPlace(t *testing.T) {
	r := newRig(t, testRules)
	start := r.now
	send := func(id, payment string, ago time.Duration) {
		e := payout(id, "w1", payment, "a", "1")
		e.Time = r.now.Add(-ago).UnixNano()
		r.send(e)
	}
	send("1", "p1", 0)
	r.later(100 * time.Minute)
	send("2", "p2", 0)
	r.wantClosed("btc", false)      // 100 minutes apart
	send("3", "p3", 50*time.Minute) // late for the rule Much, in time for this one
	r.wantClosed("btc", true)       // 50 from both
	a := r.m.AlertsView()[0]
	if got := time.Unix(0, a.Since).UTC(); !got.Equal(start.Add(50 * time.Minute)) {
		t.Errorf("since %s: the latest window that holds it begins at 50m", got.Sub(start))
	}
	late := r.m.Totals().Late
	send("4", "p4", 61*time.Minute)
	if got := r.m.Totals().Late; got != late+1 {
		t.Errorf("an event later than its lateness: late %d, was %d", got, late)
	}
}

// TestTwoLatePaymentsMeet sends two payments of one request that both come long after
// they were made, once by version 2, by which they were too late to count.
func TestTwoLatePaymentsMeet(t *testing.T) {
	for name, at := range map[string]func(now time.Time) time.Time{
		"after an outage": func(now time.Time) time.Time { return now.Add(-25 * time.Hour) },
		"of 1970":         func(time.Time) time.Time { return time.Unix(1, 0) },
		"of before":       func(time.Time) time.Time { return time.Unix(-1e9, 0) },
	} {
		for behavior, want := range map[uint32]bool{2: false, Behavior: true} {
			r := newRigAt(t, behavior, testRules)
			for i, id := range []string{"p1", "p2"} {
				e := payout(id, "w1", id, "a", "1")
				e.Time = at(r.now).Add(time.Duration(i) * time.Minute).UnixNano()
				r.send(e)
				r.later(5 * time.Minute)
			}
			r.wantClosed("btc", want)
			if got := r.m.Totals().Late; got != 2 {
				t.Errorf("%s, version %d: %d late, want 2", name, behavior, got)
			}
			if !want {
				continue
			}
			r.pay("w1", "p3") // of now: the alert of then stands
			if !slices.Contains(r.standing(), "PaidTwice") {
				t.Errorf("%s: an event of now ends the alert: %v", name, r.standing())
			}
			r.later(16 * time.Minute)
			r.tick()
			if slices.Contains(r.standing(), "PaidTwice") {
				t.Errorf("%s: the alert of a window that is over stands: %v", name, r.standing())
			}
		}
	}
}

func TestEndOfWindow(t *testing.T) {
	for _, c := range []struct {
		apart time.Duration
		want  bool
	}{{time.Hour, true}, {time.Hour + 1, false}} {
		r := newRig(t, testRules)
		r.pay("w1", "p1")
		r.later(c.apart)
		r.pay("w1", "p2")
		r.wantClosed("btc", c.want)
	}
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.later(time.Minute)
	r.pay("w1", "p2")
	due := r.m.Due()
	if want := r.now.Add(59*time.Minute + 1).UnixNano(); due != want {
		t.Fatalf("due %s, want %s", time.Unix(0, due).UTC(), time.Unix(0, want).UTC())
	}
	r.now = time.Unix(0, due-1)
	r.tick()
	if len(r.standing()) != 1 {
		t.Error("the alert ended while it was true")
	}
	r.now = time.Unix(0, due)
	r.tick()
	if len(r.standing()) != 0 || r.m.Due() != 0 {
		t.Errorf("the alert stands when it is no longer true: %v, due %d", r.standing(), r.m.Due())
	}
}

func TestClockAhead(t *testing.T) {
	r := newRig(t, testRules)
	e := payout("1", "w1", "p1", "a", "1")
	e.Seen = r.now.Add(6 * time.Hour).UnixNano()
	r.send(e)
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
	if got := r.m.Totals().Ahead; got != 1 {
		t.Errorf("ahead %d, want 1", got)
	}
}

func TestRuleErrorsAreShown(t *testing.T) {
	r := newRig(t, testRules)
	r.send(payout("1", "w1", "p1", "a", "lots"))
	views, _, _ := r.m.RulesView()
	i := slices.IndexFunc(views, func(v RuleView) bool { return v.Name == "Much" })
	if v := views[i]; v.RuleStats.Errors != 1 || !strings.Contains(v.LastError.Arg("field"), "amount") {
		t.Errorf("stats %+v", v.RuleStats)
	}
	if got := r.standing(); !slices.Equal(got, []string{"RuleErrors"}) {
		t.Errorf("alerts %v", got)
	}
	r.send(event("2", "payout.sent", `{"payment":"p"}`))
	views, _, _ = r.m.RulesView()
	if v := views[0]; v.Missing != 1 {
		t.Errorf("an event without the key: %+v", v.RuleStats)
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, `groups:
- name: g
  rules:
  - {alert: Any, event: x, by: [data.k], within: 1m, when: count() >= 1, limit: 3, labels: {severity: warning}}
`)
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		r.send(event(k, "x", `{"k":"`+k+`"}`))
	}
	alerts := r.m.AlertsView()
	if len(alerts) != 4 || alerts[3].More != 2 || alerts[3].Label("over_limit") != "3" {
		t.Errorf("alerts %+v", alerts)
	}
}

func block(h report.Head, events ...report.Event) report.Block {
	var b report.Builder
	for i := range events {
		if events[i].Seen == 0 {
			events[i].Seen = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
		}
		b.Add(&events[i])
	}
	return report.Block{Head: h, Batch: b.Batch()}
}

func (r *rig) blocks(blocks ...report.Block) BlocksOutcome {
	r.t.Helper()
	var body []byte
	for _, b := range blocks {
		body = b.Append(body)
	}
	out := r.apply(entry.KindBlocks, body)
	r.must(out)
	return out.(BlocksOutcome)
}

func TestBlocks(t *testing.T) {
	r := newRig(t, testRules)
	head := report.Head{Agent: "host1", Spool: report.SpoolID{1}, Seq: 1}
	b1 := block(head, payout("1", "w1", "p1", "a", "1"))
	head.Seq, head.Prev = 2, b1.Batch.Digest()
	b2 := block(head, payout("2", "w1", "p2", "a", "1"))
	twin := block(head, payout("9", "w9", "p9", "a", "1"))

	if got := r.blocks(b1); got.Through != 1 || got.Accepted != 1 {
		t.Fatalf("first: %+v", got)
	}
	if got := r.blocks(b1, b2); got.Through != 2 || got.Accepted != 1 || got.Clone {
		t.Fatalf("again, and the next: %+v", got)
	}
	r.wantClosed("btc", true)
	if got := r.blocks(twin); !got.Clone || got.Through != 2 || got.Accepted != 0 {
		t.Fatalf("the same sequence with other contents: %+v", got)
	}
	head.Seq, head.Prev = 3, twin.Batch.Digest()
	if got := r.blocks(block(head, event("10", "x", "{}"))); !got.Clone {
		t.Fatalf("the next of another predecessor: %+v", got)
	}
	head.Seq = 6
	if got := r.blocks(block(head, event("11", "x", "{}"))); got.Clone || got.Through != 6 {
		t.Fatalf("after a gap: %+v", got)
	}
	s := r.m.SpoolsView()[0]
	if len(s.Blind) != 1 || s.Blind[0].From != 3 || s.Blind[0].To != 5 || s.Clones != 2 {
		t.Errorf("spool %+v", s)
	}
	for _, want := range []string{"AgentCloned", "AgentBlind"} {
		if !slices.Contains(r.standing(), want) {
			t.Errorf("no alert %s in %v", want, r.standing())
		}
	}
}

func TestReloadKeepsWindows(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.later(time.Minute)
	r.load(strings.Replace(testRules, "severity: critical", "severity: page", 1))
	r.pay("w1", "p2")
	r.wantClosed("btc", true)
	views, _, _ := r.m.RulesView()
	if got := r.now.Sub(views[0].Began); got != time.Minute {
		t.Errorf("an unchanged rule counts since %s ago", got)
	}
	r.load(strings.Replace(testRules, "within: 1h", "within: 2h", 1))
	if got := r.standing(); len(got) != 0 {
		t.Errorf("alerts of a rule that means something else now: %v", got)
	}
	views, _, _ = r.m.RulesView()
	if !views[0].Began.Equal(r.now) || views[0].Keys != 0 {
		t.Errorf("a changed rule counts since %s with %d keys", views[0].Began, views[0].Keys)
	}
	r.wantClosed("btc", true)
}
