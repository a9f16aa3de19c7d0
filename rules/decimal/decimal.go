// Package decimal is exact money.
//
// It promises that no value is ever rounded: a number that does not fit is an
// error, a sum that does not fit says so, and two equal amounts are the same
// bits, so that they can be compared, hashed and stored as they are. It does
// not divide, and it knows nothing of currencies.
package decimal

import (
	"cmp"
	"math/bits"
)

// A Decimal is a 256-bit two's complement number of units of 1e-30, least
// significant word first. The zero value is 0, and == is equality.
type Decimal [4]uint64

// Places is the number of digits after the point that a Decimal can hold.
const Places = 30

// FromInt is n as a Decimal.
func FromInt(n int64) Decimal {
	if n < 0 {
		return scale(0, uint64(-n), Places).Neg()
	}
	return scale(0, uint64(n), Places)
}

// Add is d + o. If ok is false the sum does not fit and has wrapped around;
// adding and subtracting further may still lead back to an exact result.
func (d Decimal) Add(o Decimal) (sum Decimal, ok bool) {
	var c uint64
	sum[0], c = bits.Add64(d[0], o[0], 0)
	sum[1], c = bits.Add64(d[1], o[1], c)
	sum[2], c = bits.Add64(d[2], o[2], c)
	sum[3], _ = bits.Add64(d[3], o[3], c)
	return sum, (d[3]^sum[3])&(o[3]^sum[3])>>63 == 0
}

// Sub is d - o, with the same rule as Add.
func (d Decimal) Sub(o Decimal) (diff Decimal, ok bool) {
	var b uint64
	diff[0], b = bits.Sub64(d[0], o[0], 0)
	diff[1], b = bits.Sub64(d[1], o[1], b)
	diff[2], b = bits.Sub64(d[2], o[2], b)
	diff[3], _ = bits.Sub64(d[3], o[3], b)
	return diff, (d[3]^o[3])&(d[3]^diff[3])>>63 == 0
}

// Neg is -d. What Parse returns can always be negated.
func (d Decimal) Neg() Decimal {
	n, _ := Decimal{}.Sub(d)
	return n
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case int64(d[3]) < 0:
		return -1
	case d == Decimal{}:
		return 0
	}
	return 1
}

// Cmp is -1 if d < o, 0 if they are equal, 1 if d > o.
func (d Decimal) Cmp(o Decimal) int {
	if d[3] != o[3] {
		return cmp.Compare(int64(d[3]), int64(o[3]))
	}
	for i := 2; i >= 0; i-- {
		if d[i] != o[i] {
			return cmp.Compare(d[i], o[i])
		}
	}
	return 0
}

// Int is d as an integer; ok is false if d has a fraction or does not fit.
func (d Decimal) Int() (n int64, ok bool) {
	abs := d
	if d.Sign() < 0 {
		abs = d.Neg()
	}
	whole, rest := abs.divide(pow19)
	whole, rest2 := whole.divide(pow11)
	if rest|rest2 != 0 || whole[1]|whole[2]|whole[3] != 0 || whole[0] > 1<<63-1 {
		return 0, false
	}
	if d.Sign() < 0 {
		return -int64(whole[0]), true
	}
	return int64(whole[0]), true
}

// Mul is d × o; ok is false if the product does not fit or has more than 30
// places.
func (d Decimal) Mul(o Decimal) (product Decimal, ok bool) {
	negative := (d.Sign() < 0) != (o.Sign() < 0)
	if d.Sign() < 0 {
		d = d.Neg()
	}
	if o.Sign() < 0 {
		o = o.Neg()
	}
	wide := multiply(d, o)
	// Products are in units of 1e-60: two divisions, by 10^19 and by 10^11.
	for _, by := range [...]uint64{pow19, pow11} {
		var rest uint64
		for i := len(wide) - 1; i >= 0; i-- {
			wide[i], rest = bits.Div64(rest, wide[i], by)
		}
		if rest != 0 {
			return Decimal{}, false
		}
	}
	product = Decimal(wide[:4])
	if wide[4]|wide[5]|wide[6]|wide[7] != 0 || int64(product[3]) < 0 {
		return Decimal{}, false
	}
	if negative {
		product = product.Neg()
	}
	return product, true
}

// multiply is the full product of two numbers without sign.
func multiply(a, b Decimal) (wide [8]uint64) {
	for i, x := range a {
		var carry uint64
		for j, y := range b {
			hi, lo := bits.Mul64(x, y)
			var c uint64
			lo, c = bits.Add64(lo, wide[i+j], 0)
			hi += c
			lo, c = bits.Add64(lo, carry, 0)
			wide[i+j], carry = lo, hi+c
		}
		wide[i+4] = carry
	}
	return wide
}

// divide divides a number without sign by one word.
func (d Decimal) divide(by uint64) (q Decimal, rest uint64) {
	for i := 3; i >= 0; i-- {
		q[i], rest = bits.Div64(rest, d[i], by)
	}
	return q, rest
}
