package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestAccepted reads sets some of which this version would not accept: what is
// sound in them means what it meant, and the rest is said.
func TestAccepted(t *testing.T) {
	const sound = `groups:
- name: g
  rules:
  - {alert: Twice, event: payout.sent, by: [data.request], within: 1h, when: count() >= 2, mitigate: [stop]}
  - {alert: Load, expr: node_load1 > 1}
gates:
- {name: btc, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`
	names := func(s *Set) (out []string) {
		for _, r := range s.Rules {
			out = append(out, r.Name)
		}
		for _, m := range s.Metrics {
			out = append(out, m.Name)
		}
		for _, g := range s.Gates {
			out = append(out, g.Name)
		}
		return out
	}
	for name, c := range map[string]struct {
		old, now string
		want     []string
		uses     int // mitigations of the rule
	}{
		"all of it":    {"", "", []string{"Twice", "Load", "btc"}, 1},
		"a condition":  {"count() >= 2", "count() >= nonsense", []string{"Load", "btc"}, 0},
		"a mitigation": {"action: gate.close", "action: gate.melt", []string{"Twice", "Load", "btc"}, 0},
		"a gate":       {"{name: btc, mode: enforce}", "{name: btc, mode: fierce}", []string{"Twice", "Load", "btc"}, 1},
		"a gate's key": {"{name: btc, mode: enforce}", "{name: btc, hue: red}", []string{"Twice", "Load", "btc"}, 1},
		"a metric":     {"expr: node_load1 > 1", "expr: ''", []string{"Twice", "btc"}, 1},
		"a key":        {"by: [data.request]", "by: [data.request], hue: red", []string{"Load", "btc"}, 0},
		"a label":      {"by: [data.request], within: 1h", "by: [data.request, data.certainty], for: 1m, within: 1h", []string{"Twice", "Load", "btc"}, 1},
	} {
		files := []File{{Name: "r.yml", Text: []byte(strings.Replace(sound, c.old, c.now, 1))}}
		set, problems := Accepted(Forms(), files)
		if got := names(set); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		strict, _ := Parse(files)
		if said := problems.Err() != nil; said != (c.old != "") || said != (strict == nil) {
			t.Errorf("%s: problems %v, and Parse accepts: %v", name, problems, strict != nil)
		}
		if len(set.Rules) > 0 && len(set.Rules[0].Mitigate) != c.uses {
			t.Errorf("%s: mitigations %+v", name, set.Rules[0].Mitigate)
		}
	}
}

// TestAcceptedToTheEnd has more errors before a sound rule than are shown.
func TestAcceptedToTheEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n- name: g\n  rules:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  - {alert: A%d, event: e.e, within: 1h, when: count() >= 2, hue: red}\n", i)
	}
	b.WriteString("  - {alert: Good, event: payout.sent, within: 1h, when: count() >= 2, mitigate: [stop]}\n")
	b.WriteString("gates: [{name: btc, mode: enforce}]\nmitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]\n")
	set, problems := Accepted(Forms(), []File{{Name: "r.yml", Text: []byte(b.String())}})
	if len(set.Rules) != 1 || set.Rules[0].Name != "Good" || len(set.Rules[0].Mitigate) != 1 || len(set.Gates) != 1 || problems.Err() == nil {
		t.Errorf("%+v %+v", set.Rules, set.Gates)
	}
}
