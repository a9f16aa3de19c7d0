package match

import "testing"

// TestVarLiterals says as what a value stands in a condition: one in quotes that
// is a number is one beside money, in an order and in a sum.
func TestVarLiterals(t *testing.T) {
	l := NewLanguage()
	l.Vars = func(name string) (Var, string) {
		v, ok := map[string]Var{
			"n": {"10.50", false}, "q": {"10.50", true}, "minus": {"-5", false}, "huge": {"100000000000000000000", false},
			"text": {`a "b"` + "\n", true},
		}[name]
		if !ok {
			return v, "no var " + name
		}
		return v, ""
	}
	for text, want := range map[string]string{
		`data.a == vars.n`:                       `data.a == 10.5`,
		`data.a == vars.q`:                       `data.a == "10.50"`,
		`vars.q != data.amount`:                  `10.5 != data.amount`,
		`data.a < vars.q`:                        `data.a < 10.5`,
		`data.a in ["x", vars.q]`:                `data.a in ["x", "10.50"]`,
		`data.amount in [1, vars.q]`:             `data.amount in [1, 10.5]`,
		`data.a.startsWith(vars.q)`:              `data.a.startsWith("10.50")`,
		`vars.q - data.b > data.c`:               `10.5 - data.b > data.c`,
		`data.a -vars.minus > 0`:                 `data.a --5 > 0`,
		`data.a > vars.huge`:                     `data.a > 100000000000000000000.0`,
		`data.a == vars.text`:                    `data.a == "a \"b\"\n"`,
		`data.b == "日" && data.a == vars . n`:    `data.b == "日" && data.a == 10.5`,
		`data.l.exists(x, x == vars.n)`:          `data.l.exists(x, x == 10.5)`,
		`data.l.exists(vars, vars.n == 1)`:       `data.l.exists(vars, vars.n == 1)`,
		`data.a == "vars.n" || data.vars.n == 1`: `data.a == "vars.n" || data.vars.n == 1`,
	} {
		e, err := l.Condition(text)
		if err != nil {
			t.Errorf("%s: %s", text, err.Text)
			continue
		}
		if e.String() != want {
			t.Errorf("%s is %s, want %s", text, e.String(), want)
		}
	}
	for text, at := range map[string]int{
		`data.a == vars.huge && data.b == vars.m`:       33,
		`data.a == vars.huge && size(data.b, 1) == 1`:   23,
		`data.a == vars.huge && data.b.matches(data.c)`: 30,
	} {
		if _, err := l.Condition(text); err == nil || err.Offset != at {
			t.Errorf("%s: %v, want an error at %d", text, err, at)
		}
	}
}
