package machine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

func TestConditions(t *testing.T) {
	r := newRig(t, testRules)
	low := entry.Condition{Name: diskLow, Labels: []Label{{Name: "path", Value: "/data"}, {Name: "collector", Value: "a"}}, Firing: true, About: record.New(record.Legacy, "{{ 3 GB }} left")}
	r.must(r.json(entry.KindCondition, low))
	want := []ConditionView{{diskLow, []Label{{Name: "collector", Value: "a"}, {Name: "path", Value: "/data"}}, low.About}}
	if d := cmp.Diff(want, r.m.Conditions()); d != "" {
		t.Error(d)
	}
	a := r.named(diskLow)[0]
	if a.Label("severity") != "warning" || !a.Rendered() || !a.About.Equal(low.About) {
		t.Errorf("alert %+v", a)
	}
	// The same again, with its labels in another order, changes nothing.
	r.later(time.Minute)
	slices.Reverse(low.Labels)
	r.must(r.json(entry.KindCondition, low))
	if got := r.named(diskLow); len(got) != 1 || got[0].ID != a.ID || got[0].Updated != a.Updated {
		t.Errorf("%+v, was %+v", got, a)
	}
	low.About = record.New(record.Legacy, "1 GB left")
	r.must(r.json(entry.KindCondition, low))
	if got := r.named(diskLow)[0]; got.ID != a.ID || !got.About.Equal(low.About) || got.Updated == a.Updated {
		t.Errorf("%+v", got)
	}
	other := entry.Condition{Name: diskLow, Labels: []Label{{Name: "collector", Value: "b"}}, Firing: true}
	r.must(r.json(entry.KindCondition, other))
	r.later(48 * time.Hour)
	r.must(r.json(entry.KindLead, entry.Lead{}))
	if got := r.m.Conditions(); len(got) != 2 {
		t.Errorf("a condition ended by itself: %+v", got)
	}
	low.Firing = false
	r.must(r.json(entry.KindCondition, low))
	r.must(r.json(entry.KindCondition, low))
	if got := r.m.Conditions(); len(got) != 1 || got[0].Labels[0].Value != "b" {
		t.Errorf("%+v", got)
	}
}

func TestConditionsThatAreNot(t *testing.T) {
	r := newRig(t, testRules)
	for _, c := range []entry.Condition{
		{Name: "AgentSilent", Firing: true},
		{Name: "", Firing: true},
		{Name: diskLow, Labels: []Label{{Name: "severity", Value: "critical"}}, Firing: true},
		{Name: diskLow, Labels: []Label{{Name: "alertname", Value: "Other"}}, Firing: true},
	} {
		var refusal *Refusal
		if err, _ := r.json(entry.KindCondition, c).(error); !errors.As(err, &refusal) || refusal.Reason != Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, bad := r.apply(entry.KindCondition, []byte("{")).(error); !bad {
		t.Error("half a condition was taken")
	}
	for i := range maxConditions {
		r.must(r.json(entry.KindCondition, entry.Condition{Name: reloadFailed, Labels: []Label{{Name: "n", Value: strings.Repeat("x", i)}}, Firing: true}))
	}
	if _, bad := r.json(entry.KindCondition, entry.Condition{Name: reloadFailed, Labels: []Label{{Name: "m", Value: ""}}, Firing: true}).(*Refusal); !bad {
		t.Error("conditions are not bounded")
	}
}

// The edge and the machine may tell of the same rule.
func TestConditionOfARuleWithErrors(t *testing.T) {
	r := newRig(t, testRules)
	r.send(payout("1", "w1", "p1", "a", "lots")) // an error of the rule Much
	c := entry.Condition{Name: ruleErrors, Labels: []Label{{Name: "rule", Value: "Much"}, {Name: "error", Value: "event"}}, Firing: true, About: record.New(record.Legacy, "all of it")}
	c.Labels = BoundLabels(c.Labels)
	r.must(r.json(entry.KindCondition, c))
	r.later(2 * time.Hour)
	r.send(payout("2", "w1", "p1", "a", "lots"))
	r.later(2 * time.Hour)
	r.tick()
	if got := r.m.Conditions(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	c.Firing = false
	r.must(r.json(entry.KindCondition, c))
	if got := r.m.Conditions(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestConditionOfAMetricThatDoesNotCome is critical, and no other blindness is the
// edge's to say.
func TestConditionOfAMetricThatDoesNotCome(t *testing.T) {
	r := newRig(t, testRules)
	gone := entry.Condition{
		Name: ruleBlind, Firing: true, About: record.New(record.AboutBlindMetric, "HotWalletLow", "wallet_sats", "wallet_sat"),
		Labels: []Label{{Name: "group", Value: "a"}, {Name: "metric", Value: "wallet_sats"}, {Name: "rule", Value: "HotWalletLow"}},
	}
	r.must(r.json(entry.KindCondition, gone))
	if a := r.named(ruleBlind); len(a) != 1 || a[0].Label("severity") != "critical" || a[0].Label("metric") != "wallet_sats" {
		t.Fatalf("%+v", a)
	}
	r.later(25 * time.Hour)
	r.tick()
	if len(r.named(ruleBlind)) != 1 {
		t.Error("it ended by itself")
	}
	gone.Firing = false
	r.must(r.json(entry.KindCondition, gone))
	if len(r.m.Conditions()) != 0 {
		t.Errorf("%+v", r.m.Conditions())
	}
	gone.Labels, gone.Firing = gone.Labels[:1], true
	if _, refused := r.json(entry.KindCondition, gone).(*Refusal); !refused {
		t.Error("the edge said that a rule cannot read its events")
	}
}
