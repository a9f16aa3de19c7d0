package spelling

import (
	"bytes"
	"strings"
)

const (
	charset     = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksum    = 6  // characters
	maxPrefix   = 83 // characters before the separator
	maxBech32   = 1023
	ofBech32    = 1
	ofBech32m   = 0x2bc830a3
	separator   = '1'
	firstLetter = 33 // of a prefix
	lastLetter  = 126
)

// isBech32 tells whether a text of one case is bech32 (BIP 173) or bech32m (BIP
// 350) with a right checksum. It may be longer than the 90 characters of
// Bitcoin's, as other chains have them.
func isBech32(text []byte) bool {
	at := bytes.LastIndexByte(text, separator)
	if at < 1 || at > maxPrefix || len(text)-at-1 < checksum || len(text) > maxBech32 {
		return false
	}
	sum := uint32(1)
	for _, c := range text[:at] {
		if c < firstLetter || c > lastLetter {
			return false
		}
		sum = polymod(sum, small(c)>>5)
	}
	sum = polymod(sum, 0)
	for _, c := range text[:at] {
		sum = polymod(sum, small(c)&31)
	}
	for _, c := range text[at+1:] {
		v := strings.IndexByte(charset, small(c))
		if v < 0 {
			return false
		}
		sum = polymod(sum, byte(v))
	}
	return sum == ofBech32 || sum == ofBech32m
}

func small(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// polymod adds five bits to the checksum.
func polymod(sum uint32, v byte) uint32 {
	top := sum >> 25
	sum = sum&0x1ffffff<<5 ^ uint32(v)
	for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}
