package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIdentity(t *testing.T) {
	const base = "alert: A, event: e, within: 1h, when: count() > 1"
	id := func(keys string) [16]byte {
		t.Helper()
		set, problems := Parse([]File{{Name: "f", Text: []byte("groups: [{name: g, rules: [{" + keys + "}]}]")}})
		if set == nil {
			t.Fatal(problems.Err())
		}
		return set.Rules[0].ID
	}
	want := id(base)
	for _, same := range []string{"labels: {a: b}", "annotations: {a: b}", "limit: 3", "keep_firing_for: 1h", "lateness: 1h", "by: []"} {
		if id(base+", "+same) != want {
			t.Errorf("%s changes the identity", same)
		}
	}
	seen := map[[16]byte]string{want: "base"}
	for _, other := range []string{
		base + ", by: [data.a]", base + ", by: {b: data.a}", base + ", by: {b: {field: data.a, optional: true}}", base + ", where: data.a == 1", base + ", lateness: 2h",
		"alert: B, event: e, within: 1h, when: count() > 1", "alert: A, event: f, within: 1h, when: count() > 1",
		"alert: A, event: e, within: 2h, when: count() > 1, lateness: 1h", "alert: A, event: e, within: 1h, when: count() > 2",
	} {
		if old, ok := seen[id(other)]; ok {
			t.Errorf("%s has the identity of %s", other, old)
		}
		seen[id(other)] = other
	}
	if id(base+", by: {b: {field: data.a, optional: false}}") != id(base+", by: {b: data.a}") {
		t.Error("a field that is not optional, said so, is another one")
	}
	// What a window must have in common is no part of what was written, and
	// could be taken for a key.
	const sum = "alert: A, event: e, within: 1h, when: sum(data.amount) > 1"
	if id(sum) == id(sum+", by: {same: data.asset}") {
		t.Error("a column and a key have the same identity")
	}
}

func TestRuleAsWritten(t *testing.T) {
	set, problems := Parse([]File{{Name: "f.yml", Text: []byte(`
groups:
- name: g
  interval: 30s
  labels: {team: pay, severity: info}
  rules:
  - alert: A
    event: payout.sent
    where: data.asset == "BTC"
    by: [data.request, {to: data.to.address}]
    within: 1d12h
    lateness: 5m
    when: sum(data.amount) > 1 && distinct(data.payment, data.txid) > 1
    labels: {severity: critical}
    annotations: {summary: s}
    mitigate: [m, {use: n, mode: approve}]
    limit: 7
    keep_firing_for: 10m
gates: [{name: a/b, mode: enforce, if_unreachable: keep, lease: 1m, open: {approvals: 2, alone: {after: 2m30s}}}, {name: c, asks: [request, request]}]
mitigations:
- {name: m, action: gate.close, target: a/b, mode: enforce}
- {name: n, action: gate.close, target: c, mode: enforce}
`)}})
	if len(problems) != 1 || !problems[0].Finding {
		t.Fatal(problems)
	}
	r := set.Rules[0]
	var by []string
	for _, k := range r.By {
		by = append(by, k.Label+" "+k.Field.String())
	}
	source := r.Body.Sources()[0]
	got := fmt.Sprint(r.File, r.Group, r.Name, source.Event, by, r.Body.Horizon(), r.Labels, r.Annotations, r.Limit, r.KeepFiring, source.Where)
	want := "f.ymlgApayout.sent[request data.request to data.to.address] " + fmt.Sprint(36*time.Hour+5*time.Minute) +
		" [{team pay} {severity critical}] [{summary s}] 7 10m0s data.asset == \"BTC\""
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r.Mitigate[0].Mitigation != set.Mitigations[0] || r.Mitigate[0].Mode != 0 || r.Mitigate[1].Mode != Approve {
		t.Errorf("mitigate is %+v", r.Mitigate)
	}
	gates := []Gate{*set.Gates[0], *set.Gates[1]}
	if diff := cmp.Diff([]Gate{
		{"a/b", Enforce, Keep, time.Minute, Opening{2, 150 * time.Second}, false, nil},
		{"c", Shadow, Close, 30 * time.Second, Opening{Approvals: 1}, false, []string{"request"}},
	}, gates); diff != "" {
		t.Error(diff)
	}
}

func TestEffective(t *testing.T) {
	for _, c := range []struct {
		modes []Mode
		want  Mode
	}{
		{nil, Shadow},
		{[]Mode{0, 0}, Shadow},
		{[]Mode{0, Enforce, Enforce}, Enforce},
		{[]Mode{Approve, Enforce, Enforce}, Approve},
		{[]Mode{Enforce, Approve, Shadow}, Shadow},
	} {
		if got := Effective(c.modes...); got != c.want {
			t.Errorf("Effective(%v) = %s, want %s", c.modes, got, c.want)
		}
	}
	var m Mode
	for _, want := range []Mode{0, Shadow, Approve, Enforce} {
		text, _ := want.MarshalText()
		if err := m.UnmarshalText(text); err != nil || m != want {
			t.Errorf("%q reads as %s, %v", text, m, err)
		}
	}
}
