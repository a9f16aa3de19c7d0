package decimal

import (
	"errors"
	"math/bits"
)

// Errors in the text of a number.
var (
	ErrSyntax = errors.New("not a decimal number")
	ErrRange  = errors.New("more than 38 digits")
	ErrPlaces = errors.New("more than 30 digits after the point")
)

const maxDigits = 38

// Parse reads a number as JSON writes it, an exponent included.
func Parse(s string) (Decimal, error) {
	return parse(s, true)
}

// ParseMoney reads a money string: digits, perhaps a minus before them, perhaps
// a point and more digits after them. Nothing else: no space, no plus, no
// exponent.
func ParseMoney(s string) (Decimal, error) {
	return parse(s, false)
}

// number is what stands in the text: a mantissa of hi × 2^64 + lo, of which
// the last places digits stand after the point.
type number struct {
	hi, lo uint64
	digits int // of the mantissa, without leading zeros
	places int // after the point; negative: so many zeros before it
	zeros  int // at the end of the mantissa, not yet part of it
}

func parse(s string, json bool) (Decimal, error) {
	i := 0
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		i = 1
	}
	var n number
	whole, err := n.read(s[i:], false)
	if err != nil {
		return Decimal{}, err
	}
	if whole == 0 || json && whole > 1 && s[i] == '0' {
		return Decimal{}, ErrSyntax
	}
	i += whole
	if i < len(s) && s[i] == '.' {
		fraction, err := n.read(s[i+1:], true)
		if err != nil {
			return Decimal{}, err
		}
		if fraction == 0 {
			return Decimal{}, ErrSyntax
		}
		i += 1 + fraction
	}
	exponent := 0
	if json && i < len(s) && s[i]|0x20 == 'e' {
		e, width := readExponent(s[i+1:])
		if width == 0 {
			return Decimal{}, ErrSyntax
		}
		exponent = e
		i += 1 + width
	}
	if i != len(s) {
		return Decimal{}, ErrSyntax
	}
	d, err := n.value(exponent)
	if negative {
		d = d.Neg()
	}
	return d, err
}

// read takes the digits at the start of s into the mantissa and returns how
// many there are. Zeros wait until a digit follows them, so that those at the
// end are no part of the number.
func (n *number) read(s string, fraction bool) (int, error) {
	for i := range len(s) {
		c := s[i] - '0'
		switch {
		case c > 9:
			return i, nil
		case c == 0:
			if n.digits > 0 {
				n.zeros++
			}
			if fraction {
				n.places++
			}
		default:
			if n.digits+n.zeros >= maxDigits {
				return 0, ErrRange
			}
			n.append(n.zeros+1, uint64(c))
			if fraction {
				n.places++
			}
		}
	}
	return len(s), nil
}

// append multiplies the mantissa by 10^by and adds c.
func (n *number) append(by int, c uint64) {
	n.digits += by
	n.zeros = 0
	for ; by > 0; by-- {
		if n.hi == 0 && n.lo < 1<<60 {
			n.lo *= 10
			continue
		}
		hi, lo := bits.Mul64(n.lo, 10)
		n.hi, n.lo = n.hi*10+hi, lo
	}
	var carry uint64
	n.lo, carry = bits.Add64(n.lo, c, 0)
	n.hi += carry
}

// value is the number times 10^exponent.
func (n *number) value(exponent int) (Decimal, error) {
	if n.digits == 0 {
		return Decimal{}, nil
	}
	places := n.places - n.zeros - exponent
	if places > Places {
		return Decimal{}, ErrPlaces
	}
	if max(n.digits, n.digits-places) > maxDigits {
		return Decimal{}, ErrRange
	}
	return scale(n.hi, n.lo, Places-places), nil
}

// scale is (hi × 2^64 + lo) × 10^by, which the caller knows to fit.
func scale(hi, lo uint64, by int) Decimal {
	if by > Places {
		// The part before the point has at most 38 digits: two words.
		d := scale(hi, lo, by-Places)
		hi, lo, by = d[1], d[0], Places
	}
	p := powers[by]
	var d Decimal
	d[1], d[0] = bits.Mul64(lo, p[0])
	h, l := bits.Mul64(lo, p[1])
	var c uint64
	d[1], c = bits.Add64(d[1], l, 0)
	d[2] = h + c
	if hi == 0 {
		return d
	}
	h, l = bits.Mul64(hi, p[0])
	d[1], c = bits.Add64(d[1], l, 0)
	d[2], c = bits.Add64(d[2], h, c)
	d[3] = c
	h, l = bits.Mul64(hi, p[1])
	d[2], c = bits.Add64(d[2], l, 0)
	d[3] += h + c
	return d
}

// farOut is an exponent that no text of our size can bring back into range. Ten
// times as much still fits an int of 32 bits.
const farOut = 1 << 27

// readExponent reads a sign and digits. What is far out of range stays so.
func readExponent(s string) (exponent, width int) {
	i := 0
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	from := i
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		exponent = min(exponent*10+int(s[i]-'0'), farOut)
	}
	if i == from {
		return 0, 0
	}
	if negative {
		exponent = -exponent
	}
	return exponent, i
}
