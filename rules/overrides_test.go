package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const shipped = `groups:
- name: hosts
  rules:
  - alert: HostDiskFull
    expr: disk > 0.9
    for: 5m
    labels: {severity: warning, team: a}
    annotations: {summary: full}
  - {alert: HostSwapping, expr: swap > 0}
- name: payouts
  rules:
  - alert: Twice
    event: payout.sent
    where: data.asset == "BTC"
    by: [data.request]
    within: 24h
    when: count() >= 2
    mitigate: [stop]
  - {alert: Often, event: payout.sent, within: 1h, when: count() >= 3}
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
gates: [{name: btc, mode: enforce}]
`

// overriding is the shipped set with these overrides, which are read first.
func overriding(t *testing.T, text string) *Set {
	t.Helper()
	set, problems := Parse([]File{{Name: "own.yml", Text: []byte(text)}, {Name: "shipped.yml", Text: []byte(shipped)}})
	if set == nil {
		t.Fatal(problems.Err())
	}
	return set
}

// TestOverrides is that a rule with overrides is in every way the rule that says so
// itself.
func TestOverrides(t *testing.T) {
	set := overriding(t, `overrides:
- {alert: HostDiskFull, set: {for: 10m, expr: disk > 0.95, labels: {severity: critical, owner: me}, annotations: {runbook_url: x}}}
- {alert: HostSwapping, disable: true}
- {alert: Twice, group: payouts, set: {within: 12h, where: data.asset == "ETH", when: count() >= 3, limit: 7, keep_firing_for: 1m}}
`)
	direct := parsed(t, `groups:
- name: payouts
  rules:
  - {alert: Twice, event: payout.sent, where: data.asset == "ETH", by: [data.request], within: 12h, when: count() >= 3}
`)
	disk, twice := set.Metrics[0], set.Rules[0]
	if len(set.Metrics) != 1 || len(set.Rules) != 2 {
		t.Fatalf("%d and %d rules", len(set.Metrics), len(set.Rules))
	}
	if disk.For != 10*time.Minute || disk.Expr != "disk > 0.95" {
		t.Errorf("%+v", disk)
	}
	if diff := cmp.Diff([]Pair{{"owner", "me"}, {"severity", "critical"}, {"team", "a"}}, disk.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Pair{{"runbook_url", "x"}, {"summary", "full"}}, disk.Annotations); diff != "" {
		t.Error(diff)
	}
	if twice.ID != direct.Rules[0].ID || twice.Limit != 7 || twice.KeepFiring != time.Minute || len(twice.Mitigate) != 1 {
		t.Errorf("%+v", twice)
	}
	want := []Override{
		{"own.yml", "hosts", "HostDiskFull", "for", "5m", "10m"},
		{"own.yml", "hosts", "HostDiskFull", "expr", "disk > 0.9", "disk > 0.95"},
		{"own.yml", "hosts", "HostDiskFull", "labels.severity", "warning", "critical"},
		{"own.yml", "hosts", "HostDiskFull", "labels.owner", "", "me"},
		{"own.yml", "hosts", "HostDiskFull", "annotations.runbook_url", "", "x"},
		{"own.yml", "hosts", "HostSwapping", "disable", "", "true"},
		{"own.yml", "payouts", "Twice", "within", "24h", "12h"},
		{"own.yml", "payouts", "Twice", "where", `data.asset == "BTC"`, `data.asset == "ETH"`},
		{"own.yml", "payouts", "Twice", "when", "count() >= 2", "count() >= 3"},
		{"own.yml", "payouts", "Twice", "limit", "", "7"},
		{"own.yml", "payouts", "Twice", "keep_firing_for", "", "1m"},
	}
	if diff := cmp.Diff(want, set.Overrides); diff != "" {
		t.Error(diff)
	}
}

// TestDisabledGuard is that a closing rule which is disabled is told as one that is
// gone.
func TestDisabledGuard(t *testing.T) {
	before := overriding(t, "groups: []")
	for _, text := range []string{
		"overrides: [{alert: Twice, disable: true}]", "overrides: [{alert: Twice, set: {mitigate: [{use: stop, mode: shadow}]}}]",
	} {
		after := overriding(t, text)
		if got := Disarmed(before, after); len(got) != 1 || got[0].Rule != "Twice" || got[0].Gate != "btc" {
			t.Errorf("%s: %v", text, got)
		}
	}
}
