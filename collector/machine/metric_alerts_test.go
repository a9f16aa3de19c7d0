package machine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

func TestMetricAlert(t *testing.T) {
	r := newRig(t, metricTestRules)
	l := r.level("Slow", "instance", "host1", "b", "2", "a", "1")
	slices.Reverse(l.Labels)
	l.Active, l.Value = r.now.Add(-5*time.Minute).UnixNano(), "1.5"
	l.Annotations = []Label{{Name: "summary", Value: "{{ not a template }}"}}
	raised := r.now
	if got := r.firing(l); got != (LevelsOutcome{Raised: 1}) {
		t.Fatalf("%+v", got)
	}
	want := Alert{
		ID: "a1", Rule: "Slow", Group: "hosts", RuleID: r.metricRule("Slow").ID, Metric: true,
		Labels:      []Label{{Name: "a", Value: "1"}, {Name: "alertname", Value: "Slow"}, {Name: "b", Value: "2"}, {Name: "instance", Value: "host1"}, {Name: "severity", Value: "warning"}},
		Annotations: l.Annotations, Value: "1.5",
		Since: l.Active, Raised: raised.UnixNano(), Updated: raised.UnixNano(),
	}
	got := r.m.AlertsView()[0]
	want.Key = got.Key
	if d := cmp.Diff(want, got); d != "" || !got.Rendered() {
		t.Error(d)
	}
	if d := cmp.Diff([]Standing{{ID: "a1", Labels: want.Labels}}, r.m.Standing(want.RuleID)); d != "" {
		t.Error(d)
	}
	// The same again renews what is said, and nothing else.
	r.later(time.Minute)
	l.Value, l.Annotations, l.Active = "2.5", nil, r.now.UnixNano()
	if got := r.firing(l); got != (LevelsOutcome{}) {
		t.Errorf("%+v", got)
	}
	want.Value, want.Annotations, want.Updated = "2.5", []Label{}, r.now.UnixNano()
	if d := cmp.Diff(want, r.m.AlertsView()[0]); d != "" {
		t.Error(d)
	}
	if v := r.metricRule("Slow"); v.Standing != 1 || v.LastFired != r.now.UnixNano() {
		t.Errorf("rule %+v", v)
	}
	if got := r.resolve("a1", "a1", "a9"); got != (LevelsOutcome{Ended: 1}) || len(r.standing()) != 0 || len(r.ids("Slow")) != 0 {
		t.Errorf("%+v, standing %v", got, r.standing())
	}
	if r.m.Due() != 0 {
		t.Error("a metric alert asks for a tick")
	}
}

func TestLevelsThatAreNot(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.send(payout("1", "w1", "p1", "a", "20")) // the event alert a1
	l := r.level("Slow")
	future := l
	future.Active, future.Labels = r.now.Add(time.Hour).UnixNano(), append(slices.Clone(l.Labels), Label{Name: "a", Value: "future"})
	if got := r.firing(future); got.Raised != 1 || r.named("Slow")[0].Since != r.now.UnixNano() {
		t.Errorf("%+v, alert %+v", got, r.named("Slow"))
	}
	unknown := []entry.Level{l, l, l, l}
	for i, id := range []string{"", "xx", strings.Repeat("0", 32), l.Rule + l.Rule} {
		unknown[i].Rule = id
	}
	if got := r.levels(entry.Levels{Firing: unknown, Resolved: []string{"a1", "", "h1"}}); got != (LevelsOutcome{Unknown: 4}) {
		t.Errorf("%+v", got)
	}
	if got := r.standing(); !slices.Equal(got, []string{"Much", "Slow"}) {
		t.Errorf("standing %v: levels end only what is theirs", got)
	}
	var refusal *Refusal
	if err, _ := r.json(entry.KindLevels, entry.Levels{Set: "another", Firing: []entry.Level{l}}).(error); !errors.As(err, &refusal) || refusal.Reason != Conflict {
		t.Errorf("another set: %v", err)
	}
	if err, _ := r.apply(entry.KindLevels, []byte("{")).(error); err == nil {
		t.Error("half of it was taken")
	}
	// What fires is not over, whatever else the entry says.
	if got := r.levels(entry.Levels{Firing: []entry.Level{future}, Resolved: r.ids("Slow")}); got != (LevelsOutcome{}) {
		t.Errorf("%+v", got)
	}
}

func TestMetricRuleCloses(t *testing.T) {
	r := newRig(t, metricTestRules)
	stuck := r.level("Stuck", "instance", "host1")
	r.firing(stuck)
	v := r.wantClosed("btc", true)
	if h := v.Holds[0]; h.By != "Stuck" || h.Cause != ByRule || h.Alert != "a1" {
		t.Errorf("hold %+v", h)
	}
	open := func() {
		r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}))
		r.wantClosed("btc", false)
	}
	open()
	// The alert as it stands does not close again; a new firing does.
	stuck.Value = "2"
	r.firing(stuck)
	r.wantClosed("btc", false)
	r.load(metricTestRules + "\n") // nor does a reload change that
	r.firing(stuck)
	r.wantClosed("btc", false)
	r.resolve(r.ids("Stuck")...)
	r.wantClosed("btc", false)
	r.firing(stuck)
	r.wantClosed("btc", true)
	r.resolve(r.ids("Stuck")...)
	r.wantClosed("btc", true) // only people resume
	open()
	// What it may not close by itself it plans.
	r.firing(r.level("Tried"))
	if v := r.wantClosed("eth", false); !v.WouldBe {
		t.Errorf("shadow: %+v", v)
	}
	r.resolve(r.ids("Tried")...)
	if v := r.gate("eth"); v.WouldBe {
		t.Errorf("shadow, when it is over: %+v", v)
	}
	r.firing(r.level("Asks"))
	r.wantClosed("btc/hot", false)
	all := r.m.EffectsView()
	r.decided(r.decide(entry.Decision{Do: entry.DoApprove, Effect: all[len(all)-1].ID}))
	r.wantClosed("btc/hot", true)
}

// A metric rule that was tried in shadow closes once the gate enforces, when its
// alert is next said to fire.
func TestMetricShadowToEnforce(t *testing.T) {
	shadow := strings.Replace(metricTestRules, "- {name: btc, mode: enforce}", "- {name: btc, mode: shadow}", 1)
	r := newRig(t, shadow)
	stuck := r.level("Stuck")
	r.firing(stuck)
	if v := r.wantClosed("btc", false); !v.WouldBe {
		t.Fatalf("%+v", v)
	}
	r.later(time.Minute)
	r.load(metricTestRules)
	r.wantClosed("btc", false)
	id := r.metricRule("Stuck").ID
	if !r.m.Standing(id)[0].Renew {
		t.Error("nothing asks to say again that it fires")
	}
	r.firing(stuck)
	if r.m.Standing(id)[0].Renew {
		t.Error("it was said again, and is asked for still")
	}
	if v := r.wantClosed("btc", true); v.WouldBe {
		t.Errorf("the planned effect was not superseded: %+v", r.m.EffectsView())
	}
}

// A thousand critical alerts of one rule are one incident, and those of two
// rules are two unless they share a gate, whose GateClosed is with them.
func TestMetricIncidents(t *testing.T) {
	r := newRig(t, metricTestRules)
	for i := range 1000 {
		r.firing(r.level("Full", "disk", fmt.Sprint(i)))
	}
	r.firing(r.level("Stuck", "n", "1"), r.level("Stuck", "n", "2"))
	r.pay("w1", "p1")
	r.pay("w1", "p2") // closes the same gate
	in := r.m.IncidentsView()
	if len(in) != 2 || len(in[1].Alerts) != 1000 || len(in[0].Alerts) != 4 || len(in[0].Holds) != 1 {
		t.Fatalf("%d incidents: %+v", len(in), in)
	}
	// One that has ended is over: the next firing begins another.
	r.resolve(r.ids("Full")...)
	r.decided(r.decide(entry.Decision{Do: entry.DoVerdict, Incident: in[1].ID, Verdict: VerdictReal}))
	r.firing(r.level("Full", "disk", "again"))
	if in := r.m.IncidentsView(); len(in) != 3 || in[2].Ended == 0 || len(in[0].Alerts) != 1 {
		t.Errorf("%+v", in)
	}
}

func TestRemovedMetricRule(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.firing(r.level("Slow", "a", "1"), r.level("Full", "a", "1"))
	full := r.ids("Full")
	changed := strings.Replace(metricTestRules, "load > 1", "load > 2", 1)
	r.load(changed)
	if got := r.ids("Full"); !slices.Equal(got, full) {
		t.Errorf("an unchanged rule has alerts %v, had %v", got, full)
	}
	if got := r.standing(); !slices.Equal(got, []string{"Full"}) {
		t.Errorf("standing %v", got)
	}
	if v := r.metricRule("Slow"); v.LastFired != 0 || r.metricRule("Full").LastFired == 0 {
		t.Errorf("%+v", v)
	}
	r.load(testRules)
	in := r.m.IncidentsView()[0]
	if a, _ := r.m.AlertView(full[0]); a.Cause.Kind != record.RuleRemoved || in.Standing != 0 {
		t.Errorf("alert %+v, incident %+v", a, in)
	}
}

func TestUnheard(t *testing.T) {
	// host1 has not been heard for 6 s, host2 is, when the alerts are resolved;
	// a host that speaks again has spoken for 10 s then.
	for _, c := range []struct {
		name    string
		labels  []string
		speaks  bool // does host1 speak just before?
		unheard bool
	}{
		{"of a silent agent", []string{"instance", "host1"}, false, true},
		{"of an agent that is heard", []string{"instance", "host2"}, false, false},
		{"of an agent that is heard again", []string{"instance", "host1"}, true, false},
		{"of nobody in particular", nil, false, true},
		{"of nobody in particular, and all are heard", nil, true, false},
		{"written by others", []string{"instance", "host1:9100"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, metricTestRules)
			r.speaksOn(10, "host1", "host2")
			r.speaksOn(6, "host2")
			if c.speaks {
				r.speaksOn(10, "host1", "host2")
			}
			l := r.level("Full", c.labels...)
			r.firing(l)
			id := r.ids("Full")[0]
			want := LevelsOutcome{Ended: 1}
			if c.unheard {
				want = LevelsOutcome{Unheard: 1}
			}
			if got := r.resolve(id); got != want {
				t.Fatalf("%+v, want %+v", got, want)
			}
			if !c.unheard {
				if a, _ := r.m.AlertView(id); a.Cause.Kind != record.NoLongerTrue {
					t.Errorf("%+v", a)
				}
				return
			}
			since := r.now.UnixNano()
			r.later(time.Second)
			r.resolve(id)
			if a, _ := r.m.AlertView(id); a.Unheard != since || a.Ended != 0 || !r.m.Standing(a.RuleID)[0].Unheard {
				t.Errorf("unheard again: %+v", a)
			}
			r.firing(l)
			if a, _ := r.m.AlertView(id); a.Unheard != 0 {
				t.Errorf("fires again: %+v", a)
			}
			r.resolve(id)
			r.must(r.apply(entry.KindSamples, samples("host1", 1, r.now, time.Time{}))) // from the time of the silence
			r.speaksOn(9, "host1", "host2")
			if got := r.resolve(id); got.Unheard != 1 {
				t.Errorf("heard again just now: %+v", got)
			}
			r.speaksOn(1, "host1", "host2")
			if got := r.resolve(id); got.Ended != 1 {
				t.Errorf("heard again: %+v", got)
			}
		})
	}
}

// What a storm of one rule leaves is bounded, and what is over is let go of
// while the rest of it stands.
func TestMetricStorm(t *testing.T) {
	r := newRig(t, metricTestRules)
	for _, body := range r.storm("Full", 0, 4000) {
		r.must(r.apply(entry.KindLevels, body))
	}
	ids := r.ids("Full")
	for len(ids) > 1000 {
		r.resolve(ids[:100]...)
		ids = ids[100:]
	}
	r.restarted()
	in := r.m.IncidentsView()[0]
	if in.Standing != 1000 || len(in.Alerts) > 1000+maxMembers*11/10 || len(in.Alerts)+in.Released != 4000 || len(r.m.Alerts) > len(in.Alerts)+1000 {
		t.Errorf("%d standing, %d members, %d released, %d alerts kept", in.Standing, len(in.Alerts), in.Released, len(r.m.Alerts))
	}
	if n := len(in.Log); n > maxSteps*11/10 {
		t.Errorf("%d lines", n)
	}
}

func TestMetricAlertsAreBounded(t *testing.T) {
	r := newRig(t, metricTestRules)
	for _, body := range r.storm("Slow", 0, MaxStanding) {
		r.must(r.apply(entry.KindLevels, body))
	}
	got := r.firing(r.level("Slow", "one", "more"), r.level("Full", "one", "more"))
	if got != (LevelsOutcome{Raised: 1, Over: 1}) || len(r.named(ruleErrors)) != 1 {
		t.Errorf("%+v", got)
	}
	huge := r.level("Full", "x", strings.Repeat("é", maxLabel), "bad", "\xff")
	for i := range 2 * maxLabels {
		huge.Labels = append(huge.Labels, Label{Name: fmt.Sprint("l", i), Value: strings.Repeat("y", 300)})
		huge.Annotations = append(huge.Annotations, Label{Name: fmt.Sprint("a", i), Value: strings.Repeat("z", 5000)})
	}
	r.firing(huge)
	a := r.named("Full")[1]
	if n := len(entry.Marshal(a)); n > 3*maxTexts {
		t.Errorf("an alert of %d bytes", n)
	}
	if d := cmp.Diff(a.Labels, BoundLabels(huge.Labels)); d != "" {
		t.Errorf("the alert's labels are not what BoundLabels says: %s", d)
	}
	if d := cmp.Diff(a.Labels, BoundLabels(a.Labels)); d != "" {
		t.Errorf("BoundLabels changes what it made: %s", d)
	}
	if r.firing(huge); len(r.named("Full")) != 2 {
		t.Error("what was cut is another alert")
	}
}
