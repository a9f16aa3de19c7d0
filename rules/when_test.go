package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

func dec(t testing.TB, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhen(t *testing.T) {
	// The window has 5 events; the other aggregates, in the order of the
	// values, are as given: whole numbers of distinct, decimals of the others.
	type agg struct {
		distinct int64
		num      string
	}
	for _, c := range []struct {
		when     string
		aggs     []agg
		want     bool
		value    string
		monotone bool
	}{
		{"count() >= 5", nil, true, "5", true},
		{"count() > 5", nil, false, "5", true},
		{"5 <= count()", nil, true, "5", true},
		{"count() == 5", nil, true, "5", false},
		{"count() != 5", nil, false, "5", false},
		{"count() < 6", nil, true, "5", false},
		{"count() > 4.5", nil, true, "5", true},
		{"!(count() > 4)", nil, false, "5", false},
		{"count() > 7 || count() == 5", nil, true, "5", false},
		{"distinct(data.a) >= 2", []agg{{distinct: 2}}, true, "2", true},
		{"count() > distinct(data.a)", []agg{{distinct: 2}}, true, "5", false},
		{"sum(data.n) > 10.5", []agg{{num: "10.50"}}, false, "10.5", false},
		{"sum(data.n) >= 10.5 && count() > 1", []agg{{num: "10.50"}}, true, "10.5", false},
		{"sum(data.n) > 10.5", []agg{{num: "10.500000000000000000000000000001"}}, true, "10.500000000000000000000000000001", false},
		{"max(data.n) > min(data.n)", []agg{{num: "2"}, {num: "1"}}, true, "2", false},
		{"distinct(data.b) > 9 || sum(data.n) < -1 || distinct(data.a) == 3 && distinct(data.b) == 1", []agg{{distinct: 1}, {num: "0"}, {distinct: 3}}, true, "1", false},
	} {
		w, values, err := newLanguage().when(c.when)
		if err != nil {
			t.Errorf("%s: %s", c.when, err.text)
			continue
		}
		if len(values) != len(c.aggs) {
			t.Errorf("%s: values %v", c.when, values)
			continue
		}
		var a Aggs
		a.Reset(5)
		for i, v := range values {
			if v.Kind == Distinct {
				a.AddDistinct(c.aggs[i].distinct)
			} else {
				a.AddNum(dec(t, c.aggs[i].num))
			}
		}
		if got := w.True(&a); got != c.want {
			t.Errorf("%s is %v, want %v", c.when, got, c.want)
		}
		if got := w.Value(&a); got != c.value {
			t.Errorf("%s: $value is %s, want %s", c.when, got, c.value)
		}
		if got := w.Monotone(); got != c.monotone {
			t.Errorf("%s: monotone is %v, want %v", c.when, got, c.monotone)
		}
	}
}

func TestWhenDoesNotAllocate(t *testing.T) {
	w, _, err := newLanguage().when("count() >= 3 && sum(data.n) > 10.5 || distinct(data.a) > 2")
	if err != nil {
		t.Fatal(err.text)
	}
	n := testing.AllocsPerRun(100, func() {
		var a Aggs
		a.Reset(3)
		a.AddNum(decimal.FromInt(10))
		a.AddDistinct(2)
		w.True(&a)
	})
	if n != 0 {
		t.Errorf("True allocates %v times", n)
	}
}

func TestColumns(t *testing.T) {
	r := parse(t, `when: 'distinct(data.a) > 1 && sum(data.n) > 1 && sum(data.n) < 5 && max(data.n) > 1'`).Rules[0]
	if d, n := r.Columns(); d != 1 || n != 2 {
		t.Errorf("Columns() = %d, %d; want 1, 2", d, n)
	}
	r = parse(t, `when: 'distinct(data.a) > 1 && sum(data.amount) > 1 && max(data.fee) < 5 && min(data.to.fee) > 1'`).Rules[0]
	if d, n := r.Columns(); d != 3 || n != 3 {
		t.Errorf("Columns() with two assets = %d, %d; want 3, 3", d, n)
	}
}

func TestIdentity(t *testing.T) {
	const base = "alert: A, event: e, within: 1h, when: count() > 1"
	id := func(keys string) [16]byte {
		t.Helper()
		set, problems := Parse([]File{{"f", []byte("groups: [{name: g, rules: [{" + keys + "}]}]")}})
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
		base + ", by: [data.a]", base + ", by: {b: data.a}", base + ", where: data.a == 1", base + ", lateness: 2h",
		"alert: B, event: e, within: 1h, when: count() > 1", "alert: A, event: f, within: 1h, when: count() > 1",
		"alert: A, event: e, within: 2h, when: count() > 1, lateness: 1h", "alert: A, event: e, within: 1h, when: count() > 2",
	} {
		if old, ok := seen[id(other)]; ok {
			t.Errorf("%s has the identity of %s", other, old)
		}
		seen[id(other)] = other
	}
	// What a window must have in common is no part of what was written, and
	// could be taken for a key.
	const sum = "alert: A, event: e, within: 1h, when: sum(data.amount) > 1"
	if id(sum) == id(sum+", by: {same: data.asset}") {
		t.Error("a column and a key have the same identity")
	}
}

func TestRuleAsWritten(t *testing.T) {
	set, problems := Parse([]File{{"f.yml", []byte(`
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
gates: [{name: a/b, mode: enforce, if_unreachable: keep, lease: 1m, open: {approvals: 2, alone: {after: 2m30s}}}, {name: c}]
mitigations:
- {name: m, action: gate.close, target: a/b, mode: enforce}
- {name: n, action: gate.close, target: c, mode: enforce}
`)}})
	if len(problems) != 1 || !problems[0].Finding {
		t.Fatal(problems)
	}
	r := set.Rules[0]
	got := fmt.Sprint(r.File, r.Group, r.Name, r.Event, r.By, r.Within, r.Lateness, r.Labels, r.Annotations, r.Limit, r.KeepFiring, r.Where)
	want := "f.ymlgApayout.sent[{request data.request} {to data.to.address}] " + fmt.Sprint(36*time.Hour, 5*time.Minute) +
		" [{team pay} {severity critical}] [{summary s}] 7 10m0sdata.asset == \"BTC\""
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r.Mitigate[0].Mitigation != set.Mitigations[0] || r.Mitigate[0].Mode != 0 || r.Mitigate[1].Mode != Approve {
		t.Errorf("mitigate is %+v", r.Mitigate)
	}
	gates := []Gate{*set.Gates[0], *set.Gates[1]}
	if diff := cmp.Diff([]Gate{
		{"a/b", Enforce, Keep, time.Minute, Opening{2, 150 * time.Second}},
		{"c", Shadow, Close, 30 * time.Second, Opening{Approvals: 1}},
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
