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

const lastingRules = `groups:
- name: test
  rules:
  - alert: Busy
    event: job.begun
    by: [data.worker]
    within: 1m
    when: count() >= 2
    for: 2m
    limit: 2
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.worker }}'}
    mitigate: [stop]
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`

func begins(worker string) report.Event {
	return report.Event{Type: "job.begun", Data: fmt.Appendf(nil, `{"worker":%q}`, worker)}
}

// begin sends the events to the collector itself.
func (r *rig) begin(workers ...string) {
	r.t.Helper()
	for _, w := range workers {
		e := begins(w)
		r.next++
		e.ID, e.Source = fmt.Sprint("j", r.next), "test"
		r.send(e)
	}
}

// busy are the workers of which an alert stands, with a question mark where it is not
// proven, then in brackets those that are pending.
func (r *rig) busy() (out []string) {
	for _, a := range r.m.AlertsView() {
		if a.Rule == "Busy" {
			name := a.Label("worker")
			if a.Keys = nil; a.More > 0 {
				name = fmt.Sprint("+", a.More)
			}
			if a.unproven() {
				name += "?"
			}
			out = append(out, name)
		}
	}
	for _, a := range r.m.FormingView() {
		out = append(out, "("+a.Label("worker")+")")
	}
	slices.Sort(out)
	return out
}

func (r *rig) wantBusy(what string, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if got := r.busy(); !slices.Equal(got, want) {
		r.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// passes lets time pass, with the ticks that are wanted.
func (r *rig) passes(d time.Duration) {
	r.t.Helper()
	end := r.now.Add(d)
	for {
		due := r.m.Due()
		if due == 0 || due > end.UnixNano() {
			break
		}
		if at := time.Unix(0, due).UTC(); at.After(r.now) {
			r.now = at
		}
		r.tick()
	}
	r.now = end
}

// keepsBusy lets a worker begin a job every 20 s for so long.
func (r *rig) keepsBusy(d time.Duration, workers ...string) {
	r.t.Helper()
	for range d / (20 * time.Second) {
		r.begin(workers...)
		r.passes(20 * time.Second)
	}
}

// TestFor: an alert is raised once its rule was true for so long without a break.
func TestFor(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *rig)
	}{
		{"true for as long", func(r *rig) {
			r.begin("w")
			r.wantBusy("not true yet")
			r.begin("w")
			since := r.now
			r.wantBusy("true", "(w)")
			r.wantClosed("btc", false)
			if v := r.m.FormingView()[0]; v.Since != since.UnixNano() || Text(v.Labels) != "alertname=Busy severity=critical worker=w" || len(v.Annotations) != 1 || v.Value != "2" {
				r.t.Errorf("shown as %+v", v)
			}
			r.keepsBusy(2*minute-20*time.Second, "w")
			r.wantBusy("still too short", "(w)")
			r.restarts()
			r.keepsBusy(20*time.Second, "w")
			r.wantBusy("in time", "w")
			r.wantClosed("btc", true)
			if a := r.named("Busy")[0]; a.Raised != since.Add(2*minute).UnixNano() || len(a.Evidence) == 0 || a.Total < 2 {
				r.t.Errorf("raised %s after it was true: %+v", time.Duration(a.Raised-since.UnixNano()), a)
			}
			r.passes(2 * minute)
			r.wantBusy("over")
		}},
		{"too short", func(r *rig) {
			r.begin("w", "w")
			r.passes(61 * time.Second)
			r.wantBusy("its window is over")
			r.begin("w", "w")
			r.passes(50 * time.Second)
			r.begin("w")
			r.passes(30 * time.Second)
			r.wantBusy("since then untrue again")
		}},
		{"limit", func(r *rig) {
			r.keepsBusy(2*minute+40*time.Second, "u", "v", "w", "x")
			if got := r.busy(); len(got) != 3 || got[0] != "+2" {
				r.t.Errorf("%v, want two and how many more", got)
			}
			r.restarts()
		}},
		{"another time", func(r *rig) {
			r.begin("w", "w")
			r.passes(30 * time.Second)
			r.load(strings.Replace(lastingRules, "for: 2m", "for: 40s", 1))
			r.wantBusy("what was counted goes on", "(w)")
			r.passes(9 * time.Second)
			r.wantBusy("still too short", "(w)")
			r.passes(time.Second)
			r.wantBusy("in time", "w")
			r.load(strings.Replace(lastingRules, "alert: Busy", "alert: Other", 1))
			r.wantBusy("another rule")
		}},
		{"no time any more", func(r *rig) {
			r.begin("w", "w")
			r.load(strings.Replace(lastingRules, "    for: 2m\n", "", 1))
			r.wantBusy("at once", "w")
		}},
		{"the rule is gone", func(r *rig) {
			r.begin("w", "w")
			r.load(strings.Replace(lastingRules, "alert: Busy", "alert: Other", 1))
			r.wantBusy("and what formed")
			r.restarts()
		}},
		{"a silent agent", func(r *rig) {
			h := r.host("h")
			for range 6 {
				h.accepts(begins("w"))
				r.lives(20*time.Second, h)
			}
			r.wantBusy("almost", "(w)")
			h.accepts(begins("w"), begins("w"))
			h.says()
			h.delivers()
			r.passes(20*time.Second + 29*time.Second)
			r.wantBusy("nobody is heard", "(w)")
			r.passes(2 * time.Second)
			r.wantBusy("is not sure", "w?")
			r.wantClosed("btc", false)
			r.restarts()
			h.accepts(begins("w"), begins("w"))
			r.lives(2*time.Second, h)
			r.wantBusy("is sure", "w")
			r.wantClosed("btc", true)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.do(newRig(t, lastingRules)) })
	}
}

// TestFormingBound: what has no room is told.
func TestFormingBound(t *testing.T) {
	r := newRig(t, lastingRules)
	var b []report.Event
	for i := range maxForming + 1 {
		for j := range 2 {
			e := begins(fmt.Sprint("w", i))
			e.ID, e.Source = fmt.Sprint(i, "-", j), "test"
			b = append(b, e)
		}
	}
	r.send(b...)
	if n := len(r.m.FormingView()); n != maxForming {
		t.Errorf("%d form", n)
	}
	if got := r.named(ruleErrors); len(got) != 1 || got[0].Label("error") != "pending" {
		t.Errorf("told: %+v", got)
	}
	r.passes(2 * minute)
}

// TestKeepFiring: an alert stands on for so long after an event has made it untrue, and is
// the same if it is true again.
func TestKeepFiring(t *testing.T) {
	r := quietRig(t)
	r.load(strings.Replace(quietRules, "after: 1m", "after: 1m\n    keep_firing_for: 2m", 1))
	r.works("w")
	r.passes(minute)
	r.wantQuiet("quiet", "w")
	first := r.named("WorkerQuiet")[0].ID
	r.works("w")
	r.wantQuiet("kept", "w")
	r.passes(minute)
	r.wantQuiet("quiet again", "w")
	r.works("w")
	r.passes(50 * time.Second)
	r.works("w")
	r.passes(50 * time.Second)
	r.works("w")
	r.passes(19 * time.Second)
	if a := r.named("WorkerQuiet"); len(a) != 1 || a[0].ID != first {
		t.Fatalf("after 1m59s: %+v", a)
	}
	r.passes(time.Second)
	r.wantQuiet("over")
	if a, _ := r.m.AlertView(first); a.Cause.Kind != record.NoLongerTrue {
		t.Errorf("ended because %+v", a.Cause)
	}
}

// TestForAndRecount has an event come so late that what it counts with is read back: where
// it shows that the rule was untrue in between, that begins anew, and else goes on.
func TestForAndRecount(t *testing.T) {
	for _, c := range []struct {
		name   string
		speed  int
		breaks bool
	}{{"untrue in between", 8, true}, {"true all along", 2, false}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, `groups:
- name: test
  rules:
  - {alert: Busy, event: job.begun, by: [data.worker], within: 1m, lateness: 0s, when: sum(data.speed) <= 10, for: 10m}
`)
			begin := func(speed int, at time.Time) {
				r.next++
				r.send(report.Event{Type: "job.begun", ID: fmt.Sprint("j", r.next), Source: "test", Time: at.UnixNano(), Data: fmt.Appendf(nil, `{"worker":"w","speed":%d}`, speed)})
			}
			busy := func(d time.Duration) {
				for range d / (20 * time.Second) {
					begin(1, r.now)
					r.passes(20 * time.Second)
				}
			}
			busy(8 * time.Minute)
			begin(c.speed, r.now.Add(-5*time.Minute))
			r.recount(false)
			busy(3 * time.Minute)
			if c.breaks {
				r.wantBusy("it begins anew", "(w)")
				busy(8 * time.Minute)
			}
			r.wantBusy("long enough", "w")
		})
	}
}
