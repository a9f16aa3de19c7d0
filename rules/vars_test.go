package rules

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// parsed reads one file that must be sound.
func parsed(t *testing.T, text string) *Set {
	t.Helper()
	set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}})
	if set == nil {
		t.Fatal(problems.Err())
	}
	return set
}

// TestVars is that a rule with a name is in every way the rule with the value.
func TestVars(t *testing.T) {
	const rule = `
groups:
- name: g
  rules:
  - alert: A
    event: e
    where: data.amount > BIG && data.exchange in [EXCHANGE, "other"]
    by: {net: data.amount - BIG}
    within: WINDOW
    lateness: WINDOW
    keep_firing_for: WINDOW
    when: count() >= MANY
  - {alert: B, expr: up == 0, for: WINDOW}
`
	values := strings.NewReplacer("BIG", "10.5", "EXCHANGE", `"binance"`, "WINDOW", "15m", "MANY", "3")
	named := strings.NewReplacer("BIG", "vars.big", "EXCHANGE", "vars . exchange", "WINDOW", "vars.window", "MANY", "vars.many")
	a := parsed(t, values.Replace(rule))
	b := parsed(t, named.Replace(rule)+`vars: {big: "10.50", exchange: binance, window: 15m, many: 3}`)
	if a.Rules[0].ID != b.Rules[0].ID || a.Metrics[0].ID != b.Metrics[0].ID {
		t.Error("a rule with names is another one than with their values")
	}
	if x, y := a.Rules[0].Explain(), b.Rules[0].Explain(); x != y {
		t.Errorf("%s\n%s", x, y)
	}
	if b.Metrics[0].For != 15*time.Minute || strings.Contains(string(b.Prometheus[0].Text), "vars") {
		t.Errorf("for Prometheus:\n%s", b.Prometheus[0].Text)
	}
	if c := parsed(t, named.Replace(rule)+`vars: {big: 11, exchange: binance, window: 15m, many: 3}`); c.Rules[0].ID == a.Rules[0].ID {
		t.Error("a rule with another value is the same one")
	}
}

// TestVarsNotInPromQL is that an expression of PromQL is told why it has no names.
func TestVarsNotInPromQL(t *testing.T) {
	text := "vars: {n: 1}\ngroups:\n- name: g\n  rules:\n  - {alert: A, expr: up @ vars.n}\n"
	_, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}}, marks{errors.New("no")})
	if got := heads(problems); len(got) != 1 || !strings.Contains(got[0], "f.yml:5:25: expr: a mark; `vars` are for durations") {
		t.Errorf("%q", got)
	}
}
