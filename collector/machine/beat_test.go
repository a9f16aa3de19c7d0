package machine

import (
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// reports sends a block of an agent with events of its own.
func (r *rig) reports(agent string, events ...report.Event) {
	r.t.Helper()
	r.must(r.apply(entry.KindBlocks, r.own(agent, events...)))
}

// own is a block of an agent, the first of a spool.
func (r *rig) own(agent string, events ...report.Event) []byte {
	for i := range events {
		r.next++
		events[i].Source, events[i].ID = "tomeishi/agent/"+agent, fmt.Sprint("own", r.next)
	}
	b := block(report.Head{Agent: agent, Spool: report.SpoolID{byte(r.next), byte(r.next >> 8), 1}, Seq: 1}, events...)
	return b.Append(nil)
}

var aBeat = report.Event{Type: report.BeatType}

func TestWatchdog(t *testing.T) {
	r := newRig(t, testRules)
	r.speaks("host1")
	e := aBeat
	e.ID = "1"
	r.send(e)
	if got := r.named(watchdog); len(got) != 0 {
		t.Fatalf("a beat that no agent sent raised %+v", got)
	}
	first := r.now
	r.reports("host1", aBeat)
	got := r.named(watchdog)
	if len(got) != 1 || Text(got[0].Labels) != "alertname=Watchdog severity=none tomeishi=built-in" || got[0].Value != "1" ||
		got[0].Incident != "" || !got[0].About.Equal(record.New(record.AboutWatchdog)) || got[0].Since != first.UnixNano() {
		t.Fatalf("after a beat: %+v", got)
	}
	id := got[0].ID
	for i := range 20 {
		r.later(30 * time.Second)
		r.tick()
		r.later(30*time.Second - 1)
		r.reports(fmt.Sprint("host", i%3), aBeat)
		if got = r.named(watchdog); len(got) != 1 || got[0].ID != id {
			t.Fatalf("after beat %d: %+v", i, got)
		}
	}
	r.restarted()
	r.later(time.Minute - 1)
	r.json(entry.KindLead, entry.Lead{}) // nobody's beat
	if due := r.m.Due(); due == 0 || due > r.now.UnixNano()+1 || len(r.named(watchdog)) != 1 {
		t.Fatalf("due %d at %d, %+v", due, r.now.UnixNano(), r.named(watchdog))
	}
	r.later(1)
	r.tick()
	if a, ok := r.m.AlertView(id); len(r.named(watchdog)) != 0 || !ok || a.Cause.Kind != record.NoBeat {
		t.Fatalf("a minute after the last beat: %+v", a)
	}
	r.restarted()
	r.later(time.Hour)
	r.reports("host1", aBeat)
	if got = r.named(watchdog); len(got) != 1 || got[0].ID == id {
		t.Errorf("after the next beat: %+v", got)
	}
	// What was delivered again is no beat.
	again := r.own("host1", aBeat)
	r.must(r.apply(entry.KindBlocks, again))
	r.later(30 * time.Second)
	r.must(r.apply(entry.KindBlocks, again))
	r.later(30 * time.Second)
	r.tick()
	if got = r.named(watchdog); len(got) != 0 {
		t.Errorf("an old block keeps it up: %+v", got)
	}
}
