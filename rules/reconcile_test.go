package rules

import (
	"strings"
	"testing"
)

// TestExplainReconcile says the rules of two sides as sentences; the first side names
// the labels, wherever `except` stands.
func TestExplainReconcile(t *testing.T) {
	const sides = `reconcile: {recorded: {event: payout.result, where: 'data.outcome == "ok"', key: [data.address, {n: data.amount}]}, on_chain: {event: chain.sent, key: [data.to, data.amount]}}`
	for keys, want := range map[string]string{
		`when: on_chain > recorded`:                                                 "raises an alert when an event of on_chain (chain.sent) has none of recorded (payout.result where data.outcome == \"ok\") to itself, with the same data.address as data.to and data.amount, within 30s before or after it; it is over when one comes within 1d.",
		`when: recorded != on_chain, settle: 1m, grace: 5s, within: 2h`:             "raises an alert when an event of recorded (payout.result where data.outcome == \"ok\") or of on_chain (chain.sent) has none on the other side to itself, with the same data.to as data.address and data.amount, within 1m before or after it, or none is known 5s later; it is over when one comes within 2h.",
		`except: {event: moved, key: [data.at, data.n]}, when: recorded > on_chain`: "raises an alert when an event of recorded (payout.result where data.outcome == \"ok\") has none of on_chain (chain.sent) to itself, with the same data.to as data.address and data.amount, within 30s before or after it, nor one of moved within 1d; it is over when one comes within 1d.",
	} {
		except, rest, found := strings.Cut(keys, ", when")
		if !found {
			except, rest = "limit: 5", keys
		} else {
			rest = "when" + rest
		}
		text := "groups: [{name: g, rules: [{alert: A, " + except + ", " + sides + ", " + rest + "}]}]"
		set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}})
		if set == nil {
			t.Fatal(problems)
		}
		r := set.Rules[0]
		if got := r.Explain(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", keys, got, want)
		}
		if len(r.By) != 2 || r.By[0].Label != "address" || r.By[1].Label != "n" {
			t.Errorf("%s: labels %v", keys, r.By)
		}
	}
}
