package machine

import (
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Labels are told apart whatever bytes are in them.
func TestLabelsWithZeroBytes(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.firing(
		r.level("Slow", "cpu", "1\x00disk\x00a"),
		r.level("Slow", "cpu", "1", "disk", "a"),
		r.level("Slow", "cpu", "1\x00disk", "disk", "a"),
		r.level("Slow", "cpu", "1", "disk", "a\x00"),
	)
	if n := len(r.ids("Slow")); n != 4 {
		t.Errorf("%d alerts stand, want 4", n)
	}
	for _, value := range []string{"a\x00integration\x00b", "a"} {
		c := entry.Condition{Name: notifyFailing, Firing: true, Labels: []Label{{Name: "receiver", Value: value}}}
		if value == "a" {
			c.Labels = append(c.Labels, Label{Name: "integration", Value: "b"})
		}
		r.must(r.json(entry.KindCondition, c))
	}
	if n := len(r.named(notifyFailing)); n != 2 {
		t.Errorf("%d conditions stand, want 2", n)
	}
	r.restarted()
}

// A record that a clock made which has been set back since gives way.
func TestRecordOfAClockThatWasAhead(t *testing.T) {
	for version, want := range map[uint32]string{2: "ahead", Behavior: "after"} {
		r := newRigAt(t, version, testRules)
		put := func(body string, at time.Time) {
			r.must(r.json(entry.KindNotifyState, entry.NotifyState{Kept: []entry.NotifyRecord{{
				Of: entry.KeptSilence, Key: "s1", Updated: at.UnixNano(), Expires: r.now.Add(48 * time.Hour).UnixNano(), Body: []byte(body),
			}}}))
		}
		put("ahead", r.now.Add(24*time.Hour))
		put("after", r.now)
		put("before", r.now.Add(-time.Minute))
		if got := string(r.m.Kept[entry.KeptSilence+"/s1"].Body); got != want {
			t.Errorf("version %d keeps %q, want %q", version, got, want)
		}
	}
}

// One host whose clock is off keeps alerts that name no instance for an hour, not
// for ever.
func TestAWrongClockKeepsAlertsForAnHour(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.sends("host1", 60, always(2*time.Hour), always(0))
	if len(r.named(clockOff)) != 1 {
		t.Fatalf("standing %v", r.standing())
	}
	r.firing(r.level("Slow", "job", "db"))
	ids := r.ids("Slow")
	if out := r.resolve(ids...); out.Unheard != 1 {
		t.Errorf("ended while the series lack a host: %+v", out)
	}
	r.sends("host1", 3600, always(2*time.Hour), always(0))
	if out := r.resolve(ids...); out.Ended != 1 {
		t.Errorf("kept after an hour: %+v", out)
	}
}
