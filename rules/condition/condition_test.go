package condition_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/common/ast"

	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// functions are what the conditions of these tests speak of, by name.
var functions = map[string]condition.Term{
	"count": {Kind: condition.Counted, Trend: condition.Grows, Words: "the number of events", One: "event", Many: "events"},
	"sum":   {Kind: condition.Money, Words: "the sum"},
	"max":   {Kind: condition.Money, Trend: condition.Grows, Words: "the largest"},
	"min":   {Kind: condition.Money, Trend: condition.Shrink, Words: "the smallest"},
	"level": {Kind: condition.Measured, Words: "the level"},
	"share": {Kind: condition.Part, Words: "its share", Whole: &condition.Term{Of: 6}},
}

var order = []string{"count", "sum", "max", "min", "level", "share"}

func read(text string) (*condition.Condition, *match.TextError) {
	return condition.Read(match.NewLanguage(), text, condition.Reader{
		Term: func(e *match.Expression, part ast.Expr) (condition.Term, *match.TextError) {
			if part.Kind() != ast.CallKind {
				return condition.Term{}, e.Errorf(part, "no term")
			}
			t, ok := functions[part.AsCall().FunctionName()]
			if t.Of = slices.Index(order, part.AsCall().FunctionName()); !ok {
				return t, e.Errorf(part, "no function")
			}
			return t, nil
		},
		What: "count()", Example: "count() >= 3",
	})
}

func must(t testing.TB, text string) *condition.Condition {
	t.Helper()
	c, err := read(text)
	if err != nil {
		t.Fatalf("%s: at %d: %s", text, err.Offset, err.Text)
	}
	return c
}

// values are those of the functions in their order, and of the whole; nil for none.
type values []*decimal.Decimal

func (v values) Value(t *condition.Term) (decimal.Decimal, bool) {
	if v[t.Of] == nil {
		return decimal.Decimal{}, false
	}
	return *v[t.Of], true
}

func number(t testing.TB, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func valuesOf(t testing.TB, texts ...string) (v values) {
	t.Helper()
	for _, s := range texts {
		if s == "" {
			v = append(v, nil)
			continue
		}
		v = append(v, new(number(t, s)))
	}
	return v
}

func TestAsk(t *testing.T) {
	// There is no largest amount, and the smallest is as large as can be.
	v := valuesOf(t, "5", "10.50", "", "99999999999999999999999999999999999999", "0.000000000000000000000000000001", "2", "3")
	for text, want := range map[string]form.Answer{
		"count() >= 5":                        form.True,
		"count() > 5":                         form.Untrue,
		"5 <= count()":                        form.True,
		"5 < count()":                         form.Untrue,
		"count() == 5 && count() != 4":        form.True,
		"count() != 5":                        form.Untrue,
		"count() > 4.5":                       form.True,
		"!(count() > 4)":                      form.Untrue,
		"count() > 7 || count() == 5":         form.True,
		"sum() == 10.5":                       form.True,
		"sum() > 10.499999999999999999999999": form.True,
		"2 * sum() == 21":                     form.True,
		"sum() * 0.1 + 1 == 2.05":             form.True,
		"sum() - count() * 2 == 0.5":          form.True,
		"-sum() < -10.4":                      form.True,
		"-(sum() - 11) == 0.5":                form.True,
		"1 + 2 * count() == 11":               form.True, // not 15
		"(1 + 2) * count() == 15":             form.True,
		"count() - 1 - 1 == 3":                form.True, // not 5

		"max() > 1":                                form.Unclear,
		"!(max() > 1)":                             form.Unclear,
		"sum() > 2 * max() + 1":                    form.Unclear,
		"max() > 1 || count() == 5":                form.True,
		"count() == 5 || max() > 1":                form.True,
		"max() > 1 && count() > 5":                 form.Untrue,
		"count() > 5 && max() > 1":                 form.Untrue,
		"max() > 1 && count() == 5":                form.Unclear,
		"count() == 4 || max() > 1":                form.Unclear,
		"!(max() > 1 && count() > 5) && sum() > 1": form.True,
		"max() == max()":                           form.Unclear,

		"level() * 0.1 >= 0":                 form.Unclear, // 31 places
		"level() * 10 == 1e-29":              form.True,
		"min() * 1000000000 > 1":             form.Unclear,
		"min() * 1000000000 > 1 || sum() >1": form.True,
		"min() + min() > min()":              form.True, // 39 digits, and exact

		"share() > 0.6":    form.True,
		"0.6666 < share()": form.True,
		"share() > 0.666666666666666666666666666667": form.Untrue,
		"share() < 0.666666666666666666666666666667": form.True,
		"share() == 0.5 || share() >= 0.7":           form.Untrue,
		"share() > level()":                          form.True,
	} {
		got, fault := must(t, text).Ask(v)
		if got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
		tooLarge := strings.Contains(text, "0.1 >=") || strings.Contains(text, "1000000000 > 1")
		if is := fault != nil && fault.Kind == match.Incalculable; is != (tooLarge && want == form.Unclear) {
			t.Errorf("%s: fault %v", text, fault)
		}
	}
}

func TestValueIsTheFirst(t *testing.T) {
	for text, want := range map[string]string{
		"3 < count() && sum() > 1":            "5",
		"sum() > 1 && count() > 1":            "10.5",
		"10 * max() < 3 || count() > 1":       "5", // there is no largest
		"share() > 0.6 && count() > 1":        "0.6666",
		"count() * 2 > 3":                     "5",
		"0.1 < share()":                       "0.6666",
		"max() > 10":                          "",
		"level() > 0.00000001 || count() > 1": "0.000000000000000000000000000001",
	} {
		v := valuesOf(t, "5", "10.50", "", "", "1e-30", "2", "3")
		if got := must(t, text).Value(v); got != want {
			t.Errorf("%s: $value is %q, want %q", text, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"sum() / count() > 3":                "6: `when` does not divide",
		"count() % 2 == 0":                   "8: `when` compares numbers, calculates",
		"count() > 3 ? true : false":         "12: `when` compares numbers, calculates",
		"count() in [1, 2]":                  "8: `when` compares numbers, calculates",
		"sum() * max() > 3":                  "6: two amounts cannot be multiplied",
		"sum() * (2 * max()) > 3":            "6: two amounts cannot be multiplied",
		"count() > 1 + (sum() > 2)":          "21: this is true or false",
		"(count() > 1) == (sum() > 2)":       "9: this is true or false",
		"1 + 2 > 3 * 4":                      "6: this compares two numbers",
		"count() > 3 + x()":                  "14: no function",
		"x > 3":                              "0: no term",
		"[1] == count()":                     "0: no term",
		"true":                               "0: `when` compares count()",
		"count() == true":                    "11: this is not a number",
		"count() + 1":                        "8: `when` must compare this",
		"share() * 2 > 1":                    "8: a part of a whole stands alone",
		"-share() > 1":                       "0: a part of a whole stands alone",
		"share() > share()":                  "8: a part of a whole stands alone",
		"1e9 > " + strings.Repeat("-", 3000): "",
		"count() > " + strings.Repeat("1 + ", 65) + "1": "",
	} {
		_, err := read(text)
		if err == nil {
			t.Errorf("%s is taken", text)
			continue
		}
		place, says, _ := strings.Cut(want, ": ")
		if got := err; want != "" && (!strings.HasPrefix(got.Text, says) || place != decimal.FromInt(int64(got.Offset)).String()) {
			t.Errorf("%s\ngot  %d: %s\nwant %s", text, got.Offset, got.Text, want)
		}
	}
}

func TestFindings(t *testing.T) {
	for text, want := range map[string]bool{
		"sum() > count()":          true,
		"count() < sum()":          true,
		"sum() + count() > 3":      true,
		"3 > count() - sum()":      true,
		"sum() + 3 > count()":      true,
		"sum() > 10 * count()":     false,
		"sum() > max() * count()":  false,
		"sum() > level()":          false,
		"sum() > 3 && count() > 3": false,
		"2 * sum() + 1 > max()":    false,
	} {
		if got := must(t, text).Findings(); len(got) > 0 != want {
			t.Errorf("%s: findings %q, want any %v", text, got, want)
		}
	}
}

func TestMeets(t *testing.T) {
	for text, want := range map[string]string{
		"sum() > 3 && max() > 3":             "",
		"sum() > max()":                      "the sum/the largest",
		"sum() > 2 * max() + 1":              "the sum/the largest",
		"sum() - min() > max() * count()":    "the sum/the smallest the sum/the largest",
		"3 > sum() + max() || min() < sum()": "the sum/the largest the smallest/the sum",
	} {
		var got []string
		for _, m := range must(t, text).Meets() {
			got = append(got, m[0].Words+"/"+m[1].Words)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: %q meet, want %q", text, got, want)
		}
	}
}

func TestFixed(t *testing.T) {
	zero, one, most := decimal.Decimal{}, decimal.FromInt(1), decimal.FromInt(100)
	ranges := func(t *condition.Term) condition.Range {
		switch t.Kind {
		case condition.Counted:
			return condition.Range{Most: &most}
		case condition.Part:
			return condition.Range{Least: &zero, Most: &one}
		default:
			return condition.Range{}
		}
	}
	for text, want := range map[string]string{
		"count() > 100":                           "never 10",
		"count() >= 101 && sum() > 1":             "never 11",
		"sum() > 1 || 101 == count()":             "never 13",
		"count() > 99 && count() == 100":          "",
		"100 < count()":                           "never 0",
		"count() < 1000":                          "always 10",
		"count() != 1000":                         "always 11",
		"!(count() > 100)":                        "never 12",
		"count() - 1 > 99":                        "never 14",
		"count() - 1 > 98":                        "",
		"2 * count() + 1 > 201":                   "never 18",
		"count() > count() + 101":                 "",
		"-count() < -100":                         "never 11",
		"sum() > 1e30":                            "",
		"share() > 1":                             "never 10",
		"share() >= 1":                            "",
		"share() >= 0":                            "always 11",
		"share() > 0":                             "",
		"share() < 0 || share() == 1.1":           "never 10 never 26",
		"count() * count() > 100000 && 1 > sum()": "",
	} {
		var got []string
		for _, f := range must(t, text).Fixed(ranges) {
			word := "never "
			if f.Always {
				word = "always "
			}
			got = append(got, word+decimal.FromInt(int64(f.At)).String())
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestKeeps compares what is said of the future with many futures: in each, what grows
// is more and what shrinks is less.
func TestKeeps(t *testing.T) {
	for text, want := range map[string]bool{
		"count() >= 3":                        true,
		"3 <= count()":                        true,
		"count() == 3":                        false,
		"count() < 3":                         false,
		"!(count() < 3)":                      true,
		"!(count() == 3)":                     false,
		"sum() > 3":                           false,
		"max() > min()":                       true,
		"max() - min() > 3":                   true,
		"max() + min() > 3":                   false,
		"10 * max() > 3 * min()":              true,
		"-2 * min() > 3":                      true,
		"-count() < -3":                       true,
		"count() > 3 && max() > 2":            true,
		"count() > 3 || max() < 2":            false,
		"share() > 0.5":                       false,
		"count() * count() > 3":               false,
		"!(count() < 3 && min() > 2)":         true,
		"count() > 3 && !(max() - min() < 2)": true,
	} {
		c := must(t, text)
		if got := c.Keeps(); got != want {
			t.Errorf("%s keeps: %v, want %v", text, got, want)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			now, later := values{}, values{}
			for _, name := range append(slices.Clone(order), "whole") {
				n, more := rnd.Int64N(9), rnd.Int64N(4)
				switch functions[name].Trend {
				case condition.Shrink:
					more = -more
				case condition.Anyhow:
					more *= rnd.Int64N(3) - 1
				case condition.Steady, condition.Grows:
				}
				now, later = append(now, new(decimal.FromInt(n))), append(later, new(decimal.FromInt(n+more)))
			}
			was, _ := c.Ask(now)
			if is, _ := c.Ask(later); want && was == form.True && is != form.True {
				t.Fatalf("%s was true, and is not any more", text)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"count() >= 3":                      "there are at least 3 events",
		"1 < count()":                       "there is more than 1 event",
		"sum() > 10 * count()":              "the sum is more than 10 times the number of events",
		"3 > sum() - max()":                 "the sum minus the largest is less than 3",
		"sum() > 2 * (max() + 1)":           "the sum is more than 2 times (the largest plus 1)",
		"-sum() > 2 * -max()":               "minus the sum is more than 2 times (minus the largest)",
		"share() > 0.6 && !(count() == 10)": "its share is more than 0.6 and it is not so that there are exactly 10 events",
	} {
		if got := must(t, text).Words(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestAskDoesNotAllocate(t *testing.T) {
	c := must(t, "count() >= 6 && sum() > 10.5 || max() * 2 - 1 > sum() && !(min() * 1000000000 > 1) || share() > 0.6")
	var v condition.Values = valuesOf(t, "5", "10.50", "7", "99999999999999999999999999999999999999", "", "1", "3")
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Ask(v) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}
