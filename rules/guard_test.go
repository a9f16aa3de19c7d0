package rules

import (
	"fmt"
	"slices"
	"testing"
)

func TestUnguarded(t *testing.T) {
	const closers = "mitigations:\n- {name: m, action: gate.close, target: %[1]s, mode: %[2]s}\n- {name: hold, action: gate.hold, target: %[1]s, match: {request: r1}, mode: %[2]s}\n"
	const event = "groups: [{name: g, rules: [{alert: A, event: e, within: 1h, when: count() > 1, mitigate: [%s]}]}]\n"
	const metric = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 1m, mitigate: [%s]}]}]\n"
	for _, c := range []struct {
		name, rule, use, target, mode, gates string
		want                                 []string
	}{
		{"the gate itself", event, "m", "a", "enforce", "{name: a, mode: enforce}", nil},
		{"by a metric", metric, "m", "a", "enforce", "{name: a, mode: enforce}", nil},
		{"the use is weaker", event, "{use: m, mode: approve}", "a", "enforce", "{name: a, mode: enforce}", []string{"a"}},
		{"the mitigation is weaker", event, "m", "a", "shadow", "{name: a, mode: enforce}", []string{"a"}},
		{"the gate is in shadow", event, "m", "a", "enforce", "{name: a}", nil},
		{"a parent", event, "m", "a", "enforce", "{name: a, mode: enforce}, {name: a/b/c, mode: enforce}, {name: ab, mode: enforce}", []string{"ab"}},
		{"a parent in shadow", event, "m", "a", "enforce", "{name: a}, {name: a/b, mode: enforce}", []string{"a/b"}},
		{"the only child", event, "m", "a/b", "enforce", "{name: a, mode: enforce}, {name: a/b, mode: enforce}", nil},
		{"a child of a child", event, "m", "a/b/c", "enforce", "{name: a, mode: enforce}, {name: a/b, mode: enforce}, {name: a/b/c, mode: enforce}", nil},
		{"one of two children", event, "m", "a/b", "enforce", "{name: a, mode: enforce}, {name: a/b, mode: enforce}, {name: a/c}", []string{"a"}},
		{"a hold", event, "hold", "a", "enforce", "{name: a, mode: enforce}", nil},
		{"a hold above", event, "hold", "a", "enforce", "{name: a, mode: enforce}, {name: a/b, mode: enforce}", nil},
		{"a hold in approve", event, "{use: hold, mode: approve}", "a", "enforce", "{name: a, mode: enforce}", []string{"a"}},
		{"a list that is empty", "lists: {l: {values: []}}\ngroups: [{name: g, rules: [{alert: A, event: e, where: data.k in lists.l && data.a == 1, within: 1h, when: count() > 1, mitigate: [%s]}]}]\n", "m", "a", "enforce", "{name: a, mode: enforce}", []string{"a"}},
		{"none of a list that is empty", "lists: {l: {values: []}}\ngroups: [{name: g, rules: [{alert: A, event: e, where: '!(data.k in lists.l)', within: 1h, when: count() > 1, mitigate: [%s]}]}]\n", "m", "a", "enforce", "{name: a, mode: enforce}", nil},
		{"people's", event, "m", "a", "enforce", "{name: a, mode: enforce}, {name: b, mode: enforce, closed_by: people}", nil},
	} {
		text := fmt.Sprintf(c.rule, c.use) + fmt.Sprintf(closers, c.target, c.mode) + "gates: [" + c.gates + "]\n"
		set, problems := Parse([]File{{Name: "a.yml", Text: []byte(text)}})
		if set == nil {
			t.Fatal(problems)
		}
		if got := set.Unguarded(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A rule that closed a gate and now only holds payments at it is told of; one that goes
// further than before is not.
func TestHoldsInsteadOfClosing(t *testing.T) {
	set := func(uses string) *Set {
		s, problems := Parse([]File{{Name: "a.yml", Text: []byte("groups: [{name: g, rules: [{alert: A, event: e, by: [data.request], within: 1h, when: count() > 1, mitigate: [" + uses + `]}]}]
gates: [{name: a, mode: enforce}]
mitigations:
- {name: stop, action: gate.close, target: a, mode: enforce}
- {name: hold, action: gate.hold, target: a, match: {request: '{{ $labels.request }}'}, mode: enforce}
`)}})
		if s == nil {
			t.Fatal(problems)
		}
		return s
	}
	for _, c := range []struct {
		before, after string
		want          []Guard
	}{
		{"stop", "hold", []Guard{{"A", "a", false}}},
		{"hold", "stop", nil},
		{"hold", "hold, stop", nil},
		{"hold, stop", "hold", []Guard{{"A", "a", false}}},
		{"hold", "{use: hold, mode: approve}", []Guard{{"A", "a", true}}},
	} {
		if got := Disarmed(set(c.before), set(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("from %s to %s: %v, want %v", c.before, c.after, got, c.want)
		}
	}
}
