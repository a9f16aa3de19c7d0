package silence

import (
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
)

func TestMatcherString(t *testing.T) {
	for want, m := range map[string]Matcher{
		"alertname=HostGone":  {Name: "alertname", Op: "=", Value: "HostGone"},
		`instance=~"db.*"`:    {Name: "instance", Op: "=~", Value: "db.*"},
		`team!=""`:            {Name: "team", Op: "!="},
		`"a b"="x\"y"`:        {Name: "a b", Op: "=", Value: `x"y`},
		"mountpoint=/var/支払い": {Name: "mountpoint", Op: "=", Value: "/var/支払い"},
	} {
		if got := m.String(); got != want {
			t.Errorf("%+v is written %s, want %s", m, got, want)
		}
	}
}

// TestMatchers says what is named, and refuses what would not be understood.
func TestMatchers(t *testing.T) {
	alerts := []machine.Alert{
		{ID: "a1", Labels: []machine.Label{{Name: "alertname", Value: "A"}, {Name: "instance", Value: "db1"}}},
		{ID: "a2", Labels: []machine.Label{{Name: "alertname", Value: "B"}}},
	}
	for _, tt := range []struct {
		matchers   []Matcher
		want       string
		everything bool
	}{
		{[]Matcher{{"alertname", "=", "A"}}, "a1", false},
		{[]Matcher{{"alertname", "=~", "A|B"}, {"instance", "=", ""}}, "a2", false},
		{[]Matcher{{"instance", "!~", "db"}}, "a1 a2", true},
		{[]Matcher{{"instance", "!=", "db1"}}, "a2", true},
		{nil, "a1 a2", true},
	} {
		n, err := NewMatchers(tt.matchers)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range n.Among(alerts) {
			ids = append(ids, a.ID)
		}
		if got := strings.Join(ids, " "); got != tt.want || n.Count(alerts) != len(ids) || n.Everything() != tt.everything {
			t.Errorf("%v names %q (%d), everything %v; want %q", tt.matchers, got, n.Count(alerts), n.Everything(), tt.want)
		}
	}
	for _, m := range []Matcher{{"a", "~", "b"}, {"a", "=~", "("}, {"a", "=~", strings.Repeat("x", maxCounted) + "{9}"}} {
		if _, err := NewMatchers([]Matcher{m}); err == nil {
			t.Errorf("%.40v was understood", m)
		}
	}
}
