package decimal

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, c := range []struct {
		in, number, money string
	}{
		{"0", "0", "0"},
		{"-0", "0", "0"},
		{"-0.00", "0", "0"},
		{"1.10", "1.1", "1.1"},
		{"-1.10", "-1.1", "-1.1"},
		{"100", "100", "100"},
		{"007.5", "!", "7.5"},
		{"00", "!", "0"},
		{"1e2", "100", "!"},
		{"1E+2", "100", "!"},
		{"15e-1", "1.5", "!"},
		{"100e-32", "0.000000000000000000000000000001", "!"},
		{"1e37", "1" + strings.Repeat("0", 37), "!"},
		{"1e38", "range", "!"},
		{"0e999999999999999999999", "0", "!"},
		{"1e999999999999999999999", "range", "!"},
		{"1e-999999999999999999999", "places", "!"},
		{"123456789012345678901234567890e8", "12345678901234567890123456789000000000", "!"},
		{nines, nines, nines},
		{"-" + nines, "-" + nines, "-" + nines},
		{nines + "9", "range", "range"},
		{"99999999." + strings.Repeat("9", 30), "99999999." + strings.Repeat("9", 30), "99999999." + strings.Repeat("9", 30)},
		{"999999999." + strings.Repeat("9", 30), "range", "range"},
		{"0." + strings.Repeat("0", 29) + "1", "0." + strings.Repeat("0", 29) + "1", "0." + strings.Repeat("0", 29) + "1"},
		{"0." + strings.Repeat("0", 30) + "1", "places", "places"},
		{"1." + strings.Repeat("0", 60), "1", "1"},
		{"1" + strings.Repeat("0", 38), "range", "range"},
		{"", "!", "!"},
		{"-", "!", "!"},
		{"+1", "!", "!"},
		{" 1", "!", "!"},
		{"1 ", "!", "!"},
		{"1.", "!", "!"},
		{".5", "!", "!"},
		{"1,5", "!", "!"},
		{"1e", "!", "!"},
		{"1e+", "!", "!"},
		{"--1", "!", "!"},
		{"0x10", "!", "!"},
		{"NaN", "!", "!"},
		{"１", "!", "!"},
	} {
		for _, k := range []struct {
			name  string
			parse func(string) (Decimal, error)
			want  string
		}{{"Parse", Parse, c.number}, {"ParseMoney", ParseMoney, c.money}} {
			d, err := k.parse(c.in)
			got := d.String()
			switch {
			case errors.Is(err, ErrSyntax):
				got = "!"
			case errors.Is(err, ErrRange):
				got = "range"
			case errors.Is(err, ErrPlaces):
				got = "places"
			}
			if got != k.want {
				t.Errorf("%s(%q) = %s, want %s", k.name, c.in, got, k.want)
			}
		}
	}
}

var unit = new(big.Int).Exp(big.NewInt(10), big.NewInt(Places), nil)

// toBig is the number of units of d.
func toBig(d Decimal) *big.Int {
	n := new(big.Int)
	for i := 3; i >= 0; i-- {
		n.Lsh(n, 64)
		n.Or(n, new(big.Int).SetUint64(d[i]))
	}
	if int64(d[3]) < 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 256))
	}
	return n
}

func fits(n *big.Int) bool {
	limit := new(big.Int).Lsh(big.NewInt(1), 255)
	return n.Cmp(limit) < 0 && n.Cmp(new(big.Int).Neg(limit)) >= 0
}

// random makes numbers of all sizes, small and round ones more often.
func random(r *rand.Rand) Decimal {
	switch r.IntN(4) {
	case 0:
		return FromInt(r.Int64N(41) - 20)
	case 1:
		text := make([]byte, 1+r.IntN(8))
		for i := range text {
			text[i] = '0' + byte(r.IntN(10))
		}
		d, _ := ParseMoney(string(text) + "." + string(text))
		return d
	case 2:
		return Decimal{r.Uint64(), r.Uint64()}
	}
	return Decimal{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

func TestArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b := random(r), random(r)
		x, y := toBig(a), toBig(b)
		check := func(op string, got Decimal, ok bool, want *big.Int) {
			t.Helper()
			if ok != fits(want) || ok && toBig(got).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %s, %v; want %v units", a, op, b, got, ok, want)
			}
		}
		sum, ok := a.Add(b)
		check("+", sum, ok, new(big.Int).Add(x, y))
		diff, ok := a.Sub(b)
		check("-", diff, ok, new(big.Int).Sub(x, y))
		if got, want := a.Cmp(b), x.Cmp(y); got != want {
			t.Fatalf("%s cmp %s = %d, want %d", a, b, got, want)
		}
		if got, want := a.Sign(), x.Sign(); got != want {
			t.Fatalf("sign of %s = %d, want %d", a, got, want)
		}
		product, rest := new(big.Int).QuoRem(new(big.Int).Mul(x, y), unit, new(big.Int))
		if got, ok := a.Mul(b); ok != (rest.Sign() == 0 && fits(product)) || ok && toBig(got).Cmp(product) != 0 {
			t.Fatalf("%s * %s = %s, %v; want %v units", a, b, got, ok, product)
		}
		whole, rest := new(big.Int).QuoRem(x, unit, new(big.Int))
		if n, ok := a.Int(); ok && (rest.Sign() != 0 || whole.Cmp(big.NewInt(n)) != 0) || !ok && rest.Sign() == 0 && whole.IsInt64() {
			t.Fatalf("int of %s = %d, %v", a, n, ok)
		}
	}
}

func TestWrapsAround(t *testing.T) {
	a, b := Decimal{3: 1<<63 - 1}, Decimal{3: 1<<63 - 1, 0: 7}
	sum, ok := a.Add(b)
	if ok {
		t.Fatal("the sum does not fit and Add did not say so")
	}
	if back, _ := sum.Sub(a); back != b {
		t.Fatalf("a + b - a = %v, want %v", back, b)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-1.10", "1e37", "00.1", "123456789012345678901234567890e8", "1e-30", "9.99e-28", "-", "1.", "1e99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err == nil {
			// big.Rat takes as long as an exponent is large.
			if len(s) < 100 && !strings.ContainsAny(s, "eE") {
				want, valid := new(big.Rat).SetString(s)
				if got, _ := new(big.Rat).SetString(d.String()); !valid || got.Cmp(want) != 0 {
					t.Fatalf("Parse(%q) = %s", s, d)
				}
			}
			again, err := Parse(d.String())
			if err != nil || again != d {
				t.Fatalf("Parse(%q) = %s, which reads as %s, %v", s, d, again, err)
			}
		}
		if m, err := ParseMoney(s); err == nil {
			if again, err := ParseMoney(m.String()); err != nil || again != m {
				t.Fatalf("ParseMoney(%q) = %s, which reads as %s, %v", s, m, again, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"0.5", "1234.56780000", "12345678901234567890.123456789012345678"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseMoney(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("reference=big.Rat", func(b *testing.B) {
		for b.Loop() {
			if _, ok := new(big.Rat).SetString("1234.56780000"); !ok {
				b.Fatal("no number")
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	d, err := Parse("1234.5678")
	if err != nil {
		b.Fatal(err)
	}
	var room [80]byte
	b.ReportAllocs()
	for b.Loop() {
		d.Append(room[:0])
	}
}
