package decimal

const (
	pow19 = 10_000_000_000_000_000_000
	pow11 = 100_000_000_000
)

// powers holds 10^i, low word first.
var powers = func() (p [38][2]uint64) {
	n := number{lo: 1}
	for i := range p {
		p[i] = [2]uint64{n.lo, n.hi}
		n.append(1, 0)
	}
	return p
}()

// String is the number in its only form: no exponent, no zeros that could be
// left out, no minus before 0.
func (d Decimal) String() string {
	var room [80]byte
	return string(d.Append(room[:0]))
}

// Append appends the number's text to b.
func (d Decimal) Append(b []byte) []byte {
	if d.Sign() < 0 {
		b = append(b, '-')
		d = d.Neg()
	}
	var digits [5 * 19]byte
	from := len(digits)
	for from > len(digits)-Places-1 || d != (Decimal{}) {
		var group uint64
		d, group = d.divide(pow19)
		for range 19 {
			from--
			digits[from] = '0' + byte(group%10)
			group /= 10
		}
	}
	point := len(digits) - Places
	for from < point-1 && digits[from] == '0' {
		from++
	}
	end := len(digits)
	for end > point && digits[end-1] == '0' {
		end--
	}
	b = append(b, digits[from:point]...)
	if end > point {
		b = append(b, '.')
	}
	return append(b, digits[point:end]...)
}
