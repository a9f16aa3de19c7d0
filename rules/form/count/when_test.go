package count

import (
	"testing"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/match"
)

func dec(t testing.TB, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhen(t *testing.T) {
	// The window has 5 events; the other aggregates, in the order of the
	// values, are as given: whole numbers of distinct, decimals of the others.
	type agg struct {
		distinct int64
		num      string
	}
	for _, c := range []struct {
		when  string
		aggs  []agg
		want  bool
		value string
	}{
		{"count() >= 5", nil, true, "5"},
		{"count() > 5", nil, false, "5"},
		{"5 <= count()", nil, true, "5"},
		{"count() == 5", nil, true, "5"},
		{"count() != 5", nil, false, "5"},
		{"count() < 6", nil, true, "5"},
		{"count() > 4.5", nil, true, "5"},
		{"!(count() > 4)", nil, false, "5"},
		{"count() > 7 || count() == 5", nil, true, "5"},
		{"distinct(data.a) >= 2", []agg{{distinct: 2}}, true, "2"},
		{"count() > distinct(data.a)", []agg{{distinct: 2}}, true, "5"},
		{"sum(data.n) > 10.5", []agg{{num: "10.50"}}, false, "10.5"},
		{"sum(data.n) >= 10.5 && count() > 1", []agg{{num: "10.50"}}, true, "10.5"},
		{"sum(data.n) > 10.5", []agg{{num: "10.500000000000000000000000000001"}}, true, "10.500000000000000000000000000001"},
		{"max(data.n) > min(data.n)", []agg{{num: "2"}, {num: "1"}}, true, "2"},
		{"distinct(data.b) > 9 || sum(data.n) < -1 || distinct(data.a) == 3 && distinct(data.b) == 1", []agg{{distinct: 1}, {num: "0"}, {distinct: 3}}, true, "1"},
	} {
		w, values, err := readWhen(match.NewLanguage(), c.when)
		if err != nil {
			t.Errorf("%s: %s", c.when, err.Text)
			continue
		}
		if len(values) != len(c.aggs) {
			t.Errorf("%s: values %v", c.when, values)
			continue
		}
		var a aggregates
		a.reset(5)
		for i, v := range values {
			if v.Kind == match.Distinct {
				a.addDistinct(c.aggs[i].distinct)
			} else {
				a.addNum(dec(t, c.aggs[i].num))
			}
		}
		if got := w.true(&a); got != c.want {
			t.Errorf("%s is %v, want %v", c.when, got, c.want)
		}
		if got := w.first(&a); got != c.value {
			t.Errorf("%s: $value is %s, want %s", c.when, got, c.value)
		}
	}
}

func TestWhenDoesNotAllocate(t *testing.T) {
	w, _, err := readWhen(match.NewLanguage(), "count() >= 3 && sum(data.n) > 10.5 || distinct(data.a) > 2")
	if err != nil {
		t.Fatal(err.Text)
	}
	n := testing.AllocsPerRun(100, func() {
		var a aggregates
		a.reset(3)
		a.addNum(decimal.FromInt(10))
		a.addDistinct(2)
		w.true(&a)
	})
	if n != 0 {
		t.Errorf("True allocates %v times", n)
	}
}
