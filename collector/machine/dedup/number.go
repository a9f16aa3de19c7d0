package dedup

// fewDigits fit into a word.
const fewDigits = 19

// number is a hash of the value of a decimal number, however it is spelled. It
// is false of what is none, or has an exponent that nobody means.
func (d *Digester) number(s []byte) (uint64, bool) {
	text := s
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	var small uint64                 // the digits, if they are few
	digits, zeros, places := 0, 0, 0 // significant ones; zeros behind them; behind the point
	point, some := false, false
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if point || !some {
				return 0, false
			}
			point, some = true, false
			continue
		}
		if c -= '0'; c > 9 {
			break
		}
		some = true
		if point {
			places++
		}
		switch {
		case c != 0:
			if digits += zeros + 1; digits <= fewDigits {
				for ; zeros > 0; zeros-- {
					small *= 10
				}
				small = small*10 + uint64(c)
			}
			zeros = 0
		case digits > 0:
			zeros++
		}
	}
	if !some {
		return 0, false
	}
	exponent, ok := exponentOf(s[i:])
	if !ok {
		return 0, false
	}
	if digits == 0 {
		return d.by[1], true
	}
	h := d.fold(small, 0)
	if digits > fewDigits {
		h = d.digits(text, digits)
	}
	h = d.fold(h^uint64(int64(exponent+zeros-places)), 1)
	if negative {
		h = ^h
	}
	return h, true
}

// digits hashes so many digits, from the first that is not 0.
func (d *Digester) digits(s []byte, n int) uint64 {
	room := make([]byte, 0, 64)
	for _, c := range s {
		if c-'0' <= 9 && (c != '0' || len(room) > 0) && len(room) < n {
			room = append(room, c)
		}
	}
	return d.hash(d.by[2], room)
}

// exponentOf reads what follows the digits: nothing, or e and a whole number.
func exponentOf(s []byte) (n int, ok bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0]|0x20 != 'e' {
		return 0, false
	}
	s = s[1:]
	negative := len(s) > 0 && s[0] == '-'
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 9 {
		return 0, false
	}
	for _, c := range s {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = 10*n + int(c)
	}
	if negative {
		n = -n
	}
	return n, true
}
