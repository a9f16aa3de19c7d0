package machine

import (
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// sends lets an agent send n live frames, one a second. Its clock is off by
// what clock says of the frame, and each is under way for delay.
func (r *rig) sends(agent string, n int, clock, delay func(i int) time.Duration) {
	r.t.Helper()
	for i := range n {
		r.later(time.Second)
		sent := r.now.Add(clock(i) - delay(i))
		r.must(r.apply(entry.KindSamples, samples(agent, 1, sent, sent)))
	}
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func TestClockOff(t *testing.T) {
	const ms = time.Millisecond
	// A network on which hardly a frame takes less than seconds.
	slow := func(i int) time.Duration {
		if i%30 == 17 {
			return 40 * ms
		}
		return time.Duration(3+i%20) * time.Second
	}
	slews := func(i int) time.Duration { return 2500*ms - time.Duration(i)*20*ms }
	for _, c := range []struct {
		name         string
		clock, delay func(int) time.Duration
		frames       int
		want         string
	}{
		{"right", always(0), always(20 * ms), 90, ""},
		{"ahead", always(3200 * ms), always(20 * ms), 30, "3.2"},
		{"behind", always(-3200 * ms), always(20 * ms), 30, "-3.2"},
		{"not yet judged", always(3200 * ms), always(0), 29, ""},
		{"a little", always(2000 * ms), always(0), 90, ""},
		{"just off", always(2001 * ms), always(0), 30, "2.0"},
		{"a year", always(-365 * 24 * time.Hour), always(0), 30, "-31536000.0"},
		{"slow network", always(0), slow, 300, ""},
		{"ahead on a slow network", always(5 * time.Second), slow, 30, "5.0"},
		{"slews back", slews, always(0), 60, "1.9"},
		{"has slewed back", slews, always(0), 120, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, testRules)
			r.sends("host1", c.frames, c.clock, c.delay)
			got := ""
			if alerts := r.named(clockOff); len(alerts) == 1 {
				got = alerts[0].Value
				if alerts[0].Label("agent") != "host1" || alerts[0].About.Arg("offset") == "" {
					t.Errorf("alert %+v", alerts[0])
				}
			}
			if a := r.agent("host1"); got != c.want || a.ClockOff != (c.want != "") {
				t.Errorf("%q, agent %+v, want %q", got, a, c.want)
			}
		})
	}
}

// What had to wait, and what is too little, says nothing of a clock.
func TestClockNeedsLiveSamples(t *testing.T) {
	r := newRig(t, testRules)
	for range 100 {
		r.later(time.Second)
		r.must(r.apply(entry.KindSamples, samples("old", 1, r.now.Add(-time.Hour), time.Time{})))
	}
	for range 100 {
		r.later(4 * time.Second)
		r.must(r.apply(entry.KindSamples, samples("seldom", 1, r.now, r.now.Add(-time.Minute))))
	}
	if got := r.named(clockOff); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if a := r.agent("old"); a.Judged != 0 {
		t.Errorf("judged: %+v", a)
	}
}

// While the ledger's own time is off, and by what was sent until then, nobody's
// clock is judged.
func TestClockAndLedgerTime(t *testing.T) {
	off := entry.Condition{Name: ledgerTimeOff, Firing: true, About: record.New(record.Legacy, "5 s ahead")}
	right := entry.Condition{Name: ledgerTimeOff}
	fast := always(5 * time.Second)
	r := newRig(t, testRules)
	r.must(r.json(entry.KindCondition, off))
	r.sends("host1", 45, fast, always(0))
	r.must(r.json(entry.KindCondition, right))
	r.sends("host1", 29, always(0), always(0))
	if got := r.named(clockOff); len(got) != 0 {
		t.Fatalf("judged by a ledger whose time was off: %+v", got)
	}
	// A collector that took over has another clock.
	r = newRig(t, testRules)
	r.sends("host1", 29, fast, always(0))
	r.must(r.json(entry.KindLead, entry.Lead{}))
	r.sends("host1", 30, always(0), always(0))
	if got := r.named(clockOff); len(got) != 0 {
		t.Fatalf("judged over a change of leader: %+v", got)
	}
	r.sends("host1", 30, fast, always(0))
	r.must(r.json(entry.KindCondition, off))
	r.sends("host1", 30, always(7*time.Second), always(0))
	if got := r.named(clockOff); len(got) != 1 || got[0].Value != "7.0" {
		t.Errorf("what stands goes on: %+v", got)
	}
}
