package match

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSum compares keys that are calculated with rational numbers: the label is
// the number, in its only form.
func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	numeral := func() string {
		return fmt.Sprintf("%d.%0*d", r.Uint64N(2)*r.Uint64N(1e18), 1+r.IntN(18), r.Uint64N(10))
	}
	sign := map[bool]string{true: "-", false: "+"}
	for range 2000 {
		data, text, want := "", "data.amount", new(big.Rat)
		add := func(name, n string, minus bool) {
			data += fmt.Sprintf(",%q:%q", name, n)
			x, _ := new(big.Rat).SetString(n)
			if minus {
				x.Neg(x)
			}
			want.Add(want, x)
		}
		add("amount", numeral(), false)
		for i := range r.IntN(4) {
			minus, name, n := r.IntN(2) == 0, fmt.Sprintf("n%d", i), numeral()
			if r.IntN(3) == 0 {
				text += " " + sign[minus] + " " + n
			} else {
				text += " " + sign[minus] + " data." + name
			}
			add(name, n, minus)
		}
		hits := parse(t, "by: [{net: '"+text+" - 0'}]").Matcher(Spelled).Match(event("{" + data[1:] + "}"))
		if got, _ := new(big.Rat).SetString(Labels(hits[0].Key)[0]); got.Cmp(want) != 0 {
			t.Fatalf("%s of %s is %s, want %s", text, data, Labels(hits[0].Key)[0], want.FloatString(30))
		}
	}
}

// TestSumOfEvent says what becomes of an event by whose fields a key is calculated.
func TestSumOfEvent(t *testing.T) {
	for _, c := range []struct{ key, data, want string }{
		{"data.amount - data.fee", `{"amount":"1.10","fee":"0"}`, "1.1"},
		{"data.amount - data.fee", `{"amount":"1.10","fee":"1.1"}`, "0"},
		{"data.amount - (data.fee - 0.10)", `{"amount":"1","fee":0.1}`, "1"},
		{"-data.units", `{"units":12e1}`, "-120"},
		{"data.units + 1", `{"units":"41"}`, "42"},
		{"data.a + data.b", `{"a":99999999999999999999999999999999999999,"b":1}`, "100000000000000000000000000000000000000"},
		{"data.amount - data.fee", `{"amount":"1"}`, "missing data.fee"},
		{"data.amount - data.fee", `{"amount":"1","fee":null}`, "missing data.fee"},
		{"data.amount - data.fee", `{"amount":"","fee":"1"}`, "missing data.amount"},
		{"data.amount - data.fee", `{"amount":"1","fee":"none"}`, "data.fee is not a decimal number of at most 38 digits, 30 of them after the point"},
		{"data.units - 1", `{"units":true}`, "data.units is not a decimal number of at most 38 digits, 30 of them after the point"},
		{"data.units - 1", `{"units":[1]}`, "data.units is not a decimal number of at most 38 digits, 30 of them after the point"},
	} {
		h := parse(t, "by: [{net: '"+c.key+"'}]").Matcher(Spelled).Match(event(c.data))[0]
		var got string
		switch {
		case h.Missing && h.Unread == UnreadKey:
			got = "missing " + h.Lack.String()
		case h.Fault != nil && h.Unread == UnreadKey:
			got = h.Fault.Error()
		default:
			got = strings.Join(Labels(h.Key), " ")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s of %s (-want +got)\n%s", c.key, c.data, diff)
		}
	}
}

// TestSumText sees that a sum is read again from its text.
func TestSumText(t *testing.T) {
	l := NewLanguage()
	for text, want := range map[string]string{
		"data.amount-data.fee":               "data.amount - data.fee",
		"-(data.a - (1.50 + data[\"b c\"]))": `-data.a + 1.5 + data["b c"]`,
		"data.a - -1":                        "data.a - -1",
	} {
		k, err := l.Key(text)
		if err != nil || k.String() != want {
			t.Fatalf("%s is %s, want %s", text, k, want)
		}
		if k, err = l.Key(want); err != nil || k.String() != want {
			t.Errorf("%s is %s (%v)", want, k, err)
		}
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	m, e := parse(t, "by: [{net: data.amount - data.fee}]").Matcher(Spelled), event(`{"amount":"1.10","fee":"0.1"}`)
	m.Match(e)
	if n := testing.AllocsPerRun(100, func() { m.Match(e) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}
