package rules

import (
	"fmt"
	"os"
	"testing"
)

// parse makes a set of one group of rules, each given by its keys.
func parse(t testing.TB, rules ...string) *Set {
	t.Helper()
	text := "groups:\n- name: g\n  rules:\n"
	for i, r := range rules {
		text += fmt.Sprintf("  - {alert: R%d, event: payout.sent, within: 1d, %s}\n", i, r)
	}
	set, problems := Parse([]File{{Name: "t.yml", Text: []byte(text)}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestExplain(t *testing.T) {
	for keys, want := range map[string]string{
		`when: count() >= 3`:                                   "there are at least 3 payout.sent events within 1d",
		`when: 3 <= count()`:                                   "there are at least 3 payout.sent events within 1d",
		`when: count() >= 1`:                                   "there is at least 1 payout.sent event within 1d",
		`when: count() > 1`:                                    "there is more than 1 payout.sent event within 1d",
		`when: count() == 2`:                                   "there are exactly 2 payout.sent events within 1d",
		`when: count() < 6, by: [data.a]`:                      "there are fewer than 6 payout.sent events of one data.a within 1d",
		`when: count() <= 6, lateness: 5m`:                     "there are at most 6 payout.sent events within 1d, those among them that come more than 5m late by way of the tape",
		`when: count() != 5`:                                   "among payout.sent events within 1d, the number of events is other than 5",
		`when: "!(count() > 4)"`:                               "among payout.sent events within 1d, it is not so that there are more than 4 events",
		`when: "!(count() > 4 || count() == 1)"`:               "among payout.sent events within 1d, it is not so that (there are more than 4 events or there is exactly 1 event)",
		`when: distinct(data.p) >= 2, by: [data.r]`:            "among payout.sent events of one data.r within 1d, there are at least 2 different values of data.p",
		`when: distinct(data.p) == 1`:                          "among payout.sent events within 1d, there is exactly 1 value of data.p",
		`when: 'distinct(data.p, data.q) > 2'`:                 "among payout.sent events within 1d, there are more than 2 different values of data.p and data.q",
		`when: count() > distinct(data.a)`:                     "among payout.sent events within 1d, the number of events is more than the number of different values of data.a",
		`when: sum(data.n) > 10, by: [data.a, data.b, data.c]`: "among payout.sent events of one combination of data.a, data.b and data.c within 1d, the sum of data.n is more than 10",
		`when: count() > 1, by: [data.a, {t: {field: data.t, optional: true}}]`: "there is more than 1 payout.sent event of one combination of data.a and data.t (or none) within 1d",
		`when: max(data.n) > min(data.n)`:                                       "among payout.sent events within 1d, the largest data.n is more than the smallest data.n",
		`when: 10 > sum(data.n), where: 'data.x == 1'`:                          "among payout.sent events within 1d where data.x == 1, the sum of data.n is less than 10",
		`when: sum(data.n) == 1 || count() > 2, lateness: 2h`:                   "among payout.sent events within 1d, the sum of data.n is exactly 1 or there are more than 2 events, those among them that come more than 2h late by way of the tape",
		`when: sum(data.n) > 10 * count() + 5`:                                  "among payout.sent events within 1d, the sum of data.n is more than (10 times the number of events) plus 5",
		`when: last(data.n) > 10 * max_before(data.n) || count_before() >= 3`:   "among payout.sent events within 1d, the event's own data.n is more than 10 times the largest data.n before it or there are at least 3 events before it",
		`when: share() > 0.6 && count() >= 10, by: [data.a]`:                    "among payout.sent events of one data.a within 1d, their share of all events is more than 0.6 and there are at least 10 events",
		`when: count() > 2, for: 5m`:                                            "there are more than 2 payout.sent events within 1d, without a break for 5m",
		`when: count() > 2, for: 5m, keep_firing_for: 1m`:                       "there are more than 2 payout.sent events within 1d, without a break for 5m, and keeps it for 1m longer",
		`when: count() > 2, keep_firing_for: 10m`:                               "there are more than 2 payout.sent events within 1d, and keeps it for 10m longer",
		`when: distinct(data.a) <= sum(data.n) && min(data.n) > 0`:              "among payout.sent events within 1d, the number of different values of data.a is at most the sum of data.n and the smallest data.n is more than 0",
	} {
		comma := ""
		if want[:2] == "am" {
			comma = ","
		}
		want = "raises an alert when" + comma + " " + want + "."
		if got := parse(t, keys).Rules[0].Explain(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", keys, got, want)
		}
	}
}

func TestExplainForms(t *testing.T) {
	for keys, want := range map[string]string{
		`within: 1h, by: [data.request], sequence: [{event: payout.attempt}, {not: payout.result, where: data.a == 1}, {not: other}, {event: payout.attempt, where: data.b == 2}]`: "one payout.attempt event, and after it, with no payout.result event where data.a == 1 and no other event between them, one payout.attempt event where data.b == 2 come, all of one data.request, within 1h",
		`within: 1h, sequence: [{event: a}, {event: b}, {event: c}]`:        "one a event, and after it one b event, and after it one c event come within 1h",
		`event: payout.sent, unless: {event: payout.recorded, within: 60s}`: "no payout.recorded event comes within 1m of a payout.sent event",
		`event: payout.sent, where: data.a == 1, by: [data.r, data.s], grace: 5s, unless: {event: payout.recorded, where: data.b > 2, by: [data.r, data.t], within: 60s}`: "no payout.recorded event where data.b > 2 with the same data.r and data.t as data.s comes within 1m of a payout.sent event where data.a == 1, or none is known 5s later",
	} {
		set, problems := Parse([]File{{Name: "t.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: R, " + keys + "}\n")}})
		if set == nil {
			t.Fatal(problems)
		}
		if got := set.Rules[0].Explain(); got != "raises an alert when "+want+"." {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func ExampleRule_Explain() {
	set, _ := Parse([]File{{Name: "a.yml", Text: []byte(`
groups:
- name: g
  rules:
  - alert: A
    event: payout.sent
    where: data.asset == "BTC"
    by: [data.customer, data.wallet]
    within: 1d
    when: (sum(data.amount) > 10.50 || count() >= 3) && 2 < distinct(data.address)
    labels: {severity: warning}
`)}})
	fmt.Println(set.Rules[0].Explain())
	// Output:
	// raises a warning alert when, among payout.sent events of one combination of data.customer and data.wallet within 1d where data.asset == "BTC", (the sum of data.amount is more than 10.5 or there are at least 3 events) and there are more than 2 different values of data.address.
}

// TestIdentityIsKept compares ids with those of the first versions: a rule of
// another id forgets all that it has counted.
func TestIdentityIsKept(t *testing.T) {
	want := map[string]string{
		"DemoPaidTwice":            "5fdedd08838a515cb9cc1192016ade5a",
		"RequestPaidTwice":         "2f91d46469f0d04f22a434b13b5b3a5a",
		"AddressPaidRepeatedly":    "5c90e8791ee3ef62350bb76727e877bb",
		"RequestTriedOften":        "20db3c44c1a4b56047bd32509dcc8a87",
		"OutcomesUnknown":          "83cdc67f435eb972fa41e1e21a562604",
		"CustomerTakesMuchBitcoin": "73d51ba00fe5ef4ee0df0a05b9e0ae82",
		"FeeTooHigh":               "b62b073706711db7084496d618b0ccaa",
		"R0":                       "55cd716808144acc696379fda56e2c61",
	}
	files := []File{{Name: "t.yml", Text: []byte(`groups:
- name: g
  rules:
  - {alert: R0, event: e, within: 1h, by: [data.a, {b: 'data["x.y"]'}], where: 'data.c == 1', when: 'sum(data.amount) > 1 && max(data.to.fee) > 2', lateness: 5m}
`)}}
	for _, path := range []string{"examples/demo.yml", "examples/withdrawals.yml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Name: path, Text: text})
	}
	set, problems := Parse(files)
	if set == nil {
		t.Fatal(problems)
	}
	for _, r := range set.Rules {
		if got := fmt.Sprintf("%x", r.ID); got != want[r.Name] {
			t.Errorf("%s is %s, want %s", r.Name, got, want[r.Name])
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		t.Errorf("not asked: %v", want)
	}
}
