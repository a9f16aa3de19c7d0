// Package spelling gives addresses and transaction ids one spelling each, so
// that one and the same is one key wherever it is counted or held.
//
// It promises to change nothing but the case of letters, and only of what
// means the same in every case: bech32 whose checksum is right, and hex.
// Everything else, base58 above all, stays byte for byte.
package spelling

import (
	"bytes"
	"slices"
)

// fields are the names of fields that hold an address or a transaction id.
var fields = []string{"address", "txid", "payment"}

// Has tells whether fields of that name have a spelling.
func Has(field string) bool { return slices.Contains(fields, field) }

// Same tells whether two values of a field are the same one.
func Same(field, a, b string) bool {
	return a == b || Has(field) && len(a) == len(b) && bytes.Equal(Append(nil, []byte(a)), Append(nil, []byte(b)))
}

// Append appends the one spelling of a text.
func Append(b, text []byte) []byte {
	from := len(b)
	b = append(b, text...)
	upper, lower := cases(text)
	if upper && (isHex(text) || !lower && isBech32(b[from:])) {
		lowercase(b[from:])
	}
	return b
}

// cases tells whether there are large letters and small ones.
func cases(text []byte) (upper, lower bool) {
	for _, c := range text {
		upper = upper || 'A' <= c && c <= 'Z'
		lower = lower || 'a' <= c && c <= 'z'
	}
	return upper, lower
}

func lowercase(text []byte) {
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c | 0x20
		}
	}
}

// isHex tells whether a text is hex digits behind 0x, or 40 or 64 of them as
// addresses and hashes have. The number of an output may stand behind.
func isHex(text []byte) bool {
	if i := slices.Index(text, ':'); i >= 0 {
		if out := text[i+1:]; len(out) == 0 || slices.ContainsFunc(out, func(c byte) bool { return c < '0' || c > '9' }) {
			return false
		}
		text = text[:i]
	}
	switch {
	case len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x':
		text = text[2:]
	case len(text) != 40 && len(text) != 64:
		return false
	}
	return !slices.ContainsFunc(text, func(c byte) bool {
		return (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f')
	})
}
