package match

import "testing"

// TestRemembered reads a text twice: what comes back is the same, and is told apart;
// what is wrong with it is found each time.
func TestRemembered(t *testing.T) {
	l := NewLanguage()
	asked := 0
	l.Vars = func(name string) (Var, string) {
		asked++
		if name == "big" {
			return Var{Text: "10.5"}, ""
		}
		return Var{}, "there is no var " + name
	}
	for _, read := range []func(string) (*Expression, *TextError){l.Parse, l.Condition} {
		asked = 0
		a, err := read(`data.amount > vars.big`)
		if err != nil {
			t.Fatal(err)
		}
		b, err := read(`data.amount > vars.big`)
		if err != nil || a == b || a.String() != b.String() || a.String() != "data.amount > 10.5" || asked != 1 {
			t.Errorf("%q and %q after asking %d times, %v", a, b, asked, err)
		}
		for range 2 {
			if _, err := read(`data.amount > vars.other`); err == nil || err.Offset != 14 {
				t.Errorf("a var that is not there: %v", err)
			}
		}
		if asked != 3 {
			t.Errorf("asked %d times for a var", asked)
		}
	}
}
