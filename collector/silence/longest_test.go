package silence

import "testing"

func TestUnwatched(t *testing.T) {
	for _, c := range []struct {
		matchers []Matcher
		want     string
	}{
		{[]Matcher{{"alertname", "=", "RuleBlind"}}, "RuleBlind"},
		{[]Matcher{{"alertname", "=~", "RuleB.*"}, {"severity", "=", "critical"}}, "RuleBlind"},
		{[]Matcher{{"alertname", "=", "RuleBlind"}, {"rule", "=", "PaidTwice"}}, "RuleBlind"},
		{[]Matcher{{"severity", "=", "warning"}}, "NotHeld"},
		{[]Matcher{{"agent", "=", "payer1"}}, "AgentSilent"},
		{[]Matcher{{"alertname", "=", "AgentSilent"}, {"of", "=", "events"}}, "AgentSilent"},
		{[]Matcher{{"of", "=", "events"}}, "AgentSilent"},
		{[]Matcher{{"tomeishi", "=", "built-in"}}, "NotHeld"},
		{[]Matcher{{"severity", "=", "warning"}, {"tomeishi", "=", ""}}, ""},
		{[]Matcher{{"alertname", "=", "HostDown"}}, ""},
		{[]Matcher{{"instance", "=", "payer1"}}, ""},
		{[]Matcher{{"severity", "=", "info"}}, ""},
		{[]Matcher{{"alertname", "=", "GateClosed"}}, ""},
		{[]Matcher{{"alertname", "=", "DiskLow"}}, ""},
	} {
		n, err := NewMatchers(c.matchers)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Unwatched(); got != c.want {
			t.Errorf("%v: %q, want %q", c.matchers, got, c.want)
		}
	}
}
